import type { Comment, Message, Problem } from '../model/series.ts';
import { readHunks } from './hunks.ts';
import { MAX_HELD, MAX_REPLY_DEPTH, MAX_WAIT } from './limits.ts';
import type { Mail } from './mail.ts';
import { patchKey } from './patchid.ts';
import { hasQuotes, indexPatch, type QuoteIndex, readComments } from './quoted.ts';
import { quotesPatch, recoverQuoted } from './recovered.ts';

/**
 * Gathers the comments of an input as its mails come. A reply is read for comments as soon as the patch that it answers is there, as a rule
 * at once, and its text let go. With `lean` the oldest diffs, and the oldest replies that wait for one, go too when too much is held. Where
 * the patch is in no mail of the input, it is recovered from the reply that quotes it.
 */
export class Comments {
  readonly problems: Problem[] = [];
  private readonly byId = new Map<string, Mail>();
  private readonly found = new Map<number, Comment[]>();
  private readonly diffs: Held;
  private readonly waiting: Held;
  /** Replies that quote a patch which was not there yet, in their order. */
  private quoting: Mail[] = [];
  private readonly lean: boolean;
  /** The index last made: replies to one patch come together. */
  private index: QuoteIndex | null = null;

  constructor(lean: boolean) {
    this.lean = lean;
    const limit = lean ? MAX_HELD : Number.POSITIVE_INFINITY;
    this.diffs = new Held(limit, mail => {
      patchKey(mail);
      mail.diff = null;
    });
    this.waiting = new Held(limit, mail => {
      mail.reading = '';
    });
  }

  add(mail: Mail): void {
    const { message } = mail;
    if (!this.byId.has(message.messageId)) this.byId.set(message.messageId, mail);
    if (mail.diff) this.diffs.add(mail, mail.diff.length);
    while (this.quoting[0] && (this.quoting[0].reading === '' || this.quoting[0].message.n < message.n - MAX_WAIT)) this.quoting.shift();
    if (!hasQuotes(mail.reading)) {
      mail.reading = '';
      return;
    }
    const target = this.targetOf(mail);
    if (target) {
      this.read(mail, target);
      return;
    }
    const isQuoting = message.patch === null && (message.kind === 'reply' || message.kind === 'other') && quotesPatch(mail.reading);
    if (isQuoting) this.quoting.push(mail);
    if (isQuoting || message.inReplyTo !== null) this.waiting.add(mail, mail.reading.length);
    else mail.reading = '';
  }

  /** Position of the first message that may still get a patch. */
  get firstOpen(): number {
    return this.quoting[0]?.message.n ?? Number.POSITIVE_INFINITY;
  }

  /** All comments, in the order of the mails that make them. */
  finish(): Comment[] {
    const known = new Known(this.byId.values());
    const quoting = new Set(this.quoting);
    this.quoting = [];
    for (const mail of this.waiting.mails) {
      // A patch that a reply above quotes counts as that reply's.
      for (const up of [...this.above(mail)].reverse()) this.settle(up, quoting.has(up), known);
      this.settle(mail, quoting.has(mail), known);
    }
    return [...this.found.entries()].sort(([a], [b]) => a - b).flatMap(([, comments]) => comments);
  }

  private settle(mail: Mail, isQuoting: boolean, known: Known): void {
    if (mail.reading === '') return;
    let target = this.targetOf(mail);
    if (!target && isQuoting && !known.has(mail) && ![...this.above(mail)].some(up => up.hasDiff) && recoverQuoted(mail)) {
      if (this.lean && mail.message.patch) mail.message.patch.log = '';
      target = mail;
    }
    if (target) this.read(mail, target);
    mail.reading = '';
  }

  /** The nearest patch above a reply; null where there is none, or its mail is not there yet. */
  private targetOf(mail: Mail): Mail | null {
    for (const up of this.above(mail)) if (up.diff) return up;
    // A parent that is not there is passed over by the references, the latest first.
    for (const id of mail.message.references.toReversed()) {
      const up = this.byId.get(id);
      if (up?.diff && up !== mail) return up;
    }
    return null;
  }

  /** The mails above a reply by In-Reply-To, the nearest first. */
  private *above(mail: Mail): Generator<Mail> {
    const seen = new Set<Mail>([mail]);
    for (let up = this.parentOf(mail); up && !seen.has(up) && seen.size <= MAX_REPLY_DEPTH; up = this.parentOf(up)) {
      yield up;
      seen.add(up);
    }
  }

  private parentOf(mail: Mail): Mail | undefined {
    return mail.message.inReplyTo === null ? undefined : this.byId.get(mail.message.inReplyTo);
  }

  private read(mail: Mail, target: Mail): void {
    const { diff, message } = target;
    if (!diff) return;
    if (this.index?.patch !== message.messageId) {
      const text = diff.text();
      const files = diff.pieces.map(piece => ({ ...piece, hunks: piece.binary ? [] : readHunks(text.slice(piece.start, piece.end)) }));
      this.index = indexPatch(message.messageId, files);
    }
    const comments = readComments(mail.reading, mail.message.from, mail.message.messageId, this.index);
    // Made anew, so that a few words do not keep the mail and the patch that they were cut from.
    const anew: Comment[] = comments.length > 0 ? JSON.parse(JSON.stringify(comments)) : comments;
    if (anew.length > 0) this.found.set(mail.message.n, anew);
    mail.reading = '';
  }
}

/** The patches of an input, by what a reply that quotes one can be compared with: version and title. Made when it is first asked for. */
class Known {
  private readonly mails: Iterable<Mail>;
  private keys: Set<string> | null = null;

  constructor(mails: Iterable<Mail>) {
    this.mails = mails;
  }

  has({ message }: Mail): boolean {
    this.keys ??= new Set([...this.mails].filter(mail => mail.hasDiff).map(mail => keyOf(mail.message)));
    return this.keys.has(keyOf(message));
  }
}

function keyOf({ numbering, title }: Message): string {
  return `${numbering.version} ${title.toLowerCase()}`;
}

/** Mails whose texts are held up to a number of characters, the latest of them. */
class Held {
  mails: Mail[] = [];
  private readonly sizes: number[] = [];
  private readonly limit: number;
  private readonly drop: (mail: Mail) => void;
  private size = 0;
  /** How many of the first have been dropped. */
  private dropped = 0;

  constructor(limit: number, drop: (mail: Mail) => void) {
    this.limit = limit;
    this.drop = drop;
  }

  add(mail: Mail, size: number): void {
    this.mails.push(mail);
    this.sizes.push(size);
    this.size += size;
    // One is kept whatever its size.
    while (this.size > this.limit && this.dropped < this.mails.length - 1) {
      const oldest = this.mails[this.dropped];
      if (oldest) this.drop(oldest);
      this.size -= this.sizes[this.dropped++] ?? 0;
    }
    if (this.dropped > MAX_GAP) {
      this.mails = this.mails.slice(this.dropped);
      this.sizes.splice(0, this.dropped);
      this.dropped = 0;
    }
  }
}

/** Dropped places that are left standing before the list is made shorter. */
const MAX_GAP = 1000;
