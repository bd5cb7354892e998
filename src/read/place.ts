import type { Message } from '../model/series.ts';

/** Where a problem of a message stands, as a person would name it: the position in the input, and the file where it has several. */
export function messagePlace({ n, file }: Pick<Message, 'n' | 'file'>): string {
  return file === undefined ? `message ${n}` : `message ${n}, ${file}`;
}
