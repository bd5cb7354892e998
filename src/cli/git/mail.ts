/** Commits as git mails them, whatever their messages hold. */

/** What a reader of mail takes for the end of a message. */
const ENDS = /^(?:diff -|Index: |---|>*From )/;

/** Does a commit's message hold a line that its mail would be cut at? */
export function isCutShort(message: string): boolean {
  return message.split('\n').some(text => ENDS.test(text));
}

/**
 * The mails that format-patch writes of commits, those of `odd` messages (by commit, as bytes in Latin-1) with the lines set in that would end the
 * message early. They are numbered anew: format-patch counts commits that change nothing, and writes no mail of them. A mail begins where the name of one of the later commits stands: a message cannot name a commit that is made on it.
 */
export function withWholeMessages(mails: string, ids: readonly string[], odd: ReadonlyMap<string, string>): string {
  const order = new Map(ids.map((id, at) => [id, at]));
  const starts: { id: string; from: number }[] = [];
  let last = -1;
  for (const { index, 1: id = '' } of mails.matchAll(/^From ([0-9a-f]{40,64}) Mon Sep 17 00:00:00 2001$/gm)) {
    const at = order.get(id) ?? -1;
    if (at <= last) continue;
    last = at;
    starts.push({ id, from: index });
  }
  return starts
    .map(({ id, from }, i) => {
      const text = numbered(mails.slice(from, starts[i + 1]?.from), i + 1, starts.length);
      const message = odd.get(id);
      return message === undefined ? text : `${splitMail(text, message)?.text ?? text}\n`;
    })
    .join('');
}

function numbered(mail: string, index: number, total: number): string {
  const end = mail.indexOf('\n\n');
  const number = total === 1 ? '' : ` ${String(index).padStart(String(total).length, '0')}/${total}`;
  return mail.slice(0, end).replace(/^Subject: \[PATCH(?: \d+\/\d+)?\]/m, `Subject: [PATCH${number}]`) + mail.slice(end);
}

/** A commit as a mail, and the diff in it. */
export interface CommitMail {
  text: string;
  diff: string;
}

/**
 * Where the diff begins in the mail of a commit. A message may hold a diff and rules of dashes of its own; how many of these come before the
 * one that git writes is known from the commit. git folds the first paragraph into the subject, and takes blanks off the ends of lines. In the
 * mail that it gives what would end the message early is set in by a blank.
 */
export function splitMail(mail: string, message: string): CommitMail | null {
  const own = message.trimStart().split('\n');
  const subject = own.findIndex(text => text.trim() === '');
  const rules = subject < 0 ? 0 : own.slice(subject).filter(isRule).length;
  const lines = mail.split('\n');
  const headers = lines.indexOf('');
  let seen = 0;
  const rule = lines.findIndex((text, at) => at > headers && isRule(text) && seen++ === rules);
  const start = lines.findIndex((text, at) => at > rule && text.startsWith('diff --git '));
  if (rule < 0 || start < 0) return null;
  const log = lines.slice(headers + 1, rule).map(text => (ENDS.test(text) ? ` ${text}` : text));
  const diff = lines.slice(start).join('\n').replace(/\n+$/, '\n');
  return { text: [...lines.slice(0, headers + 1), ...log, '---', '', diff].join('\n'), diff };
}

function isRule(text: string): boolean {
  return /^---[ \t\r]*$/.test(text);
}
