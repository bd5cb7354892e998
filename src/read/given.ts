import type { Problem } from '../model/series.ts';
import { MAX_POSTINGS } from './limits.ts';
import type { Mail } from './mail.ts';
import { patchKey } from './patchid.ts';
import { messagePlace } from './place.ts';
import { type GivenTrailer, isOfSender } from './trailers.ts';

/** A trailer and the mail that gives it. */
export interface Given {
  trailer: GivenTrailer;
  by: Mail;
}

/** The trailers that a reply's sender may give: those in his own name, and those that name no one. */
export function ownTrailers(reply: Mail): Given[] {
  return reply.trailers.map(trailer => ({ trailer, by: reply })).filter(inOwnName);
}

/**
 * What was given to the very same patch where it was posted another time: in another version or sent again, in this thread or in another
 * (b4's trailer_map, by git patch-id). Only patches of which files and counts agree are read through for it.
 */
export function givenElsewhere(mails: Mail[], given: Map<Mail, Given[]>, problems: Problem[]): Map<Mail, Given[]> {
  const alike = new Map<string, Mail[]>();
  for (const mail of mails) {
    if (!mail.diff || mail.isReply) continue;
    const look = JSON.stringify(mail.diff.pieces.map(piece => [piece.path, piece.added, piece.removed]).sort());
    add(alike, look, mail);
  }
  const found = new Map<Mail, Given[]>();
  for (const group of alike.values()) {
    if (group.length < 2 || !group.some(mail => given.has(mail))) continue;
    const byKey = new Map<string, Mail[]>();
    for (const mail of group) add(byKey, patchKey(mail) ?? '', mail);
    for (const postings of byKey.values()) {
      const [first] = postings;
      if (first && postings.length > MAX_POSTINGS) {
        const message = `is posted more than ${MAX_POSTINGS} times; trailers given to one of them are not counted for the others`;
        problems.push({ severity: 'odd', where: messagePlace(first.message), message });
        continue;
      }
      const all = postings.flatMap(on => (given.get(on) ?? []).filter(inOwnName).map(one => ({ on, one })));
      for (const mail of postings) {
        const others = all.filter(({ on }) => on !== mail && !areSiblings(on, mail)).map(({ one }) => one);
        if (others.length > 0) found.set(mail, others);
      }
    }
  }
  return found;
}

function add(groups: Map<string, Mail[]>, key: string, mail: Mail): void {
  const group = groups.get(key);
  if (group) group.push(mail);
  else groups.set(key, [mail]);
}

function inOwnName({ trailer, by }: Given): boolean {
  return trailer.person === null || (by.message.from !== null && isOfSender(trailer.person, by.message.from));
}

/** Patches of one version under different numbers: two of a series, be their diffs the same. */
function areSiblings(left: Mail, right: Mail): boolean {
  const [a, b] = [left.subject.numbering, right.subject.numbering];
  return a.version === b.version && a.index !== b.index;
}
