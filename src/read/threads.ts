import type { Mail } from './mail.ts';
import { Ties } from './ties.ts';

/**
 * The mails of an input parted into threads, each in the order of the input, threads in the order of their first mail. Two mails are of
 * one thread when In-Reply-To and References tie them, be it through a mail that is not there (RFC 5322 3.6.4). Patches that nothing ties,
 * as `git format-patch` leaves them, are of one thread where author, version, total and brackets agree and no number comes twice.
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
  const open = new Map<string, { thread: Mail[]; taken: Set<number> }>();
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
    const key = JSON.stringify([numbering.total, numbering.version, [...numbering.prefixes].sort(), mail.message.from?.address ?? author]);
    const started = open.get(key);
    if (started && !started.taken.has(numbering.index)) {
      started.thread.push(mail);
      started.taken.add(numbering.index);
    } else {
      open.set(key, { thread, taken: new Set([numbering.index]) });
      out.push(thread);
    }
  }
  return out;
}
