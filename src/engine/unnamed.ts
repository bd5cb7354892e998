import { UNNAMED } from '../model/code.ts';

const CALL = new RegExp(`\\b${UNNAMED}\\(\\)`, 'g');

/** A rule's sentence in which a function whose name no hunk shows is called so, not by the name that stands for it. */
export function describeUnnamed(sentence: string): string {
  return sentence.replace(CALL, (_, at: number) => (at === 0 ? 'The function shown' : 'the function shown'));
}
