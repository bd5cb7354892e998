import type { FileDiff, Message, Problem, Series, Thread } from '../model/series.ts';
import { safe } from './safe.ts';

/** A thread as `fencepost show --json` prints it, by the published contract fencepost.show/1. Bodies, logs and hunks are left out. */
export function threadJson(thread: Thread): object {
  return {
    schema: 'fencepost.show/1',
    input: thread.input,
    messages: thread.messages.map(message => ({
      n: message.n,
      messageId: message.messageId,
      kind: message.kind,
      subject: message.subject,
      title: message.title,
      from: message.from,
      date: message.date,
      inReplyTo: message.inReplyTo,
      problems: message.problems,
      patch: message.patch && {
        title: message.patch.title,
        author: message.patch.author,
        index: message.patch.index,
        total: message.patch.total,
        version: message.patch.version,
        prefixes: message.patch.prefixes,
        recovered: message.patch.recovered,
        trailers: message.patch.trailers,
        problems: message.patch.problems,
        files: message.patch.files.map(({ hunks: _hunks, ...file }) => file),
      },
    })),
    series: thread.series,
    comments: thread.comments.map(({ from, messageId, patch, path, line, text }) => ({ from, messageId, patch, path, line, text })),
    problems: thread.problems,
  };
}

export function threadText(_thread: Thread): string {
  return '';
}
export function threadProblems(_thread: Thread): string[] {
  return [];
}
