import type { Comment, Problem } from '../model/series.ts';
import { readHunks } from './hunks.ts';
import { MAX_HELD_DIFFS } from './limits.ts';
import type { Mail } from './mail.ts';
import { hasQuotes, indexPatch, type QuoteIndex, readComments } from './quoted.ts';

/**
 * Gathers the comments of an input as its mails come. A reply is read for comments as soon as the patch that it answers is there, as a rule
 * at once, and its text let go; with `lean`, the oldest diffs go too when too many are held, and replies to them that come later give none.
 */
export class Comments {
  readonly problems: Problem[] = [];
  private readonly lean: boolean;
  private readonly byId = new Map<string, Mail>();
  private readonly waiting: Mail[] = [];
  private readonly found = new Map<number, Comment[]>();
  private readonly held: Mail[] = [];
  private heldLength = 0;
  private dropped = 0;
  /** The index last made: replies to one patch come together. */
  private index: QuoteIndex | null = null;

  constructor(lean: boolean) {
    this.lean = lean;
  }

  add(mail: Mail): void {
    const { message } = mail;
    if (!this.byId.has(message.messageId)) this.byId.set(message.messageId, mail);
    if (mail.diff) this.hold(mail);
    if (message.inReplyTo === null || !hasQuotes(mail.reading)) {
      mail.reading = '';
      return;
    }
    const target = this.targetOf(mail);
    if (target) this.read(mail, target);
    else this.waiting.push(mail);
  }

  /** All comments, in the order of the mails that make them. */
  finish(): Comment[] {
    for (const mail of this.waiting) {
      const target = this.targetOf(mail);
      if (target) this.read(mail, target);
      mail.reading = '';
    }
    if (this.dropped > 0)
      this.problems.push({ severity: 'odd', where: 'comments', message: `the input is large: quotes of ${this.dropped} patches were not looked for in mails that came much later` });
    return [...this.found.entries()].sort(([a], [b]) => a - b).flatMap(([, comments]) => comments);
  }

  /** The nearest patch above a reply; null where there is none, or its mail is not there yet. */
  private targetOf(mail: Mail): Mail | null {
    const seen = new Set<Mail>([mail]);
    for (let up = this.parentOf(mail); up && !seen.has(up); up = this.parentOf(up)) {
      if (up.diff) return up;
      seen.add(up);
    }
    // A parent that is not there is passed over by the references, the latest first.
    for (const id of mail.message.references.toReversed()) {
      const up = this.byId.get(id);
      if (up?.diff && up !== mail) return up;
    }
    return null;
  }

  private parentOf(mail: Mail): Mail | undefined {
    return mail.message.inReplyTo === null ? undefined : this.byId.get(mail.message.inReplyTo);
  }

  private read(mail: Mail, target: Mail): void {
    const { diff, message } = target;
    if (!diff) return;
    if (this.index?.patch !== message.messageId) {
      const files = diff.pieces.map(piece => ({ ...piece, hunks: piece.binary ? [] : readHunks(diff.text.slice(piece.start, piece.end)) }));
      this.index = indexPatch(message.messageId, files);
    }
    const comments = readComments(mail.reading, mail.message.from, mail.message.messageId, this.index);
    // Made anew, so that a few words do not keep the mail and the patch that they were cut from.
    const anew: Comment[] = comments.length > 0 ? JSON.parse(JSON.stringify(comments)) : comments;
    if (anew.length > 0) this.found.set(mail.message.n, anew);
    mail.reading = '';
  }

  private hold(mail: Mail): void {
    if (!this.lean) return;
    this.held.push(mail);
    this.heldLength += mail.diff?.text.length ?? 0;
    while (this.heldLength > MAX_HELD_DIFFS) {
      const oldest = this.held.shift();
      if (!oldest) return;
      this.heldLength -= oldest.diff?.text.length ?? 0;
      oldest.diff = null;
      this.dropped++;
    }
  }
}
