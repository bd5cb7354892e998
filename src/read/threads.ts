import type { Mail } from './mail.ts';
import { Ties } from './ties.ts';

/**
 * The mails of an input parted into threads, each in the order of the input, threads in the order of their first mail. Two mails are of
 * one thread when In-Reply-To and References tie them, be it through a mail that is not there (RFC 5322 3.6.4). Patches that nothing ties,
 * as `git format-patch` leaves them, are of one thread where author, version, total and brackets agree and no number comes twice; and where all but
 * the author agree, if they have no Message-ID and stand one behind the other with numbers that do: format-patch puts the author of each commit
 * into From, and a mail that was sent has the sender there.
 */
export function partThreads(mails: Mail[]): Mail[][] {
  const ties = new Ties();
  for (const { message } of mails) {
    for (const id of message.references) ties.join(message.messageId, id);
    if (message.inReplyTo !== null) ties.join(message.messageId, message.inReplyTo);
  }
  const threads = new Map<string, Mail[]>();
  for (const mail of mails) {
    const root = ties.find(mail.message.messageId);
    const thread = threads.get(root);
    if (thread) thread.push(mail);
    else threads.set(root, [mail]);
  }
  return joinLoose([...threads.values()]);
}

/** Puts together what `git format-patch` without threading leaves apart: threads of one numbered patch or cover that no reply belongs to. */
function joinLoose(threads: Mail[][]): Mail[][] {
  const open = new Map<string, Loose>();
  let latest: Loose | null = null;
  const out: Mail[][] = [];
  for (const thread of threads) {
    const [mail] = thread;
    const numbering = mail?.message.numbering;
    if (!mail || thread.length !== 1 || mail.subject.reply || numbering?.index == null || (numbering.total ?? 1) < 2) {
      out.push(thread);
      continue;
    }
    const author = mail.message.patch?.author.address || mail.message.from?.address || '';
    // The author may differ within a series; the sender of a folder of patches is not known. What is sure to agree is the frame.
    const frame = JSON.stringify([numbering.total, numbering.version, [...numbering.prefixes].sort()]);
    const key = `${frame} ${mail.message.from?.address ?? author}`;
    const started: Loose | undefined = latest && isNext(latest, mail, frame) ? latest : open.get(key);
    if (started && !started.taken.has(numbering.index)) {
      started.thread.push(mail);
      started.taken.add(numbering.index);
      latest = started;
    } else {
      latest = { frame, thread, taken: new Set([numbering.index]) };
      open.set(key, latest);
      out.push(thread);
    }
  }
  return out;
}

/** A thread of loose patches as far as it goes. */
interface Loose {
  /** What is sure to agree within it. */
  frame: string;
  thread: Mail[];
  /** The numbers in it. */
  taken: Set<number>;
}

/** Is the mail what format-patch writes behind the last one of the thread? */
function isNext({ frame, thread }: Loose, { message }: Mail, itsFrame: string): boolean {
  const before = thread.at(-1)?.message;
  if (!before || frame !== itsFrame || hasId(before) || hasId(message) || message.n !== before.n + 1) return false;
  return message.numbering.index === (before.numbering.index ?? 0) + 1;
}

function hasId({ messageId, n }: Mail['message']): boolean {
  return messageId !== `message-${n}`;
}
