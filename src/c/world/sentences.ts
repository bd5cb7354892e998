/** What the author wrote about concurrency: sentences of the log, of kernel-doc, of comments. */
import type { CFunction } from '../../model/code.ts';
import type { Said } from '../../model/finding.ts';

/** Sentences of a text, white space folded. A blank line, a full stop or a semicolon ends one. */
export function sentencesOf(text: string): string[] {
  return text
    .split(/\n\s*\n/)
    .filter(paragraph => !/^\s*(?:@\w+:|[-+|=*]{3,})/.test(paragraph) || /[a-z]{3}/.test(paragraph))
    .flatMap(paragraph =>
      paragraph
        .replace(/\s+/g, ' ')
        .trim()
        .split(/(?<=[a-z0-9)'"][.!?])\s+(?=[A-Z(])/),
    )
    .map(s => s.trim())
    .filter(s => s.length > 0);
}

/** Longer sentences are cut when quoted. */
const LONGEST_QUOTE = 400;

/**
 * Sentences on a topic, those that hold most of it first, and among equals the nearest: inside the function, its kernel-doc, its file's
 * opening comment, the log. `stems` are beginnings of words.
 */
export function sentencesOn(fn: CFunction, opening: string, log: string, stems: string[]): Said[] {
  const patterns = stems.map(stem => new RegExp(`\\b${stem}`, 'i'));
  const pick = (source: string, text: string) =>
    sentencesOf(text).map(sentence => ({ source, sentence, score: patterns.filter(p => p.test(sentence)).length }));
  return [
    ...fn.comments.flatMap(c => pick(`comment in ${fn.name}()`, c.text)),
    ...pick(`kernel-doc of ${fn.name}()`, fn.doc?.text ?? ''),
    ...pick('opening comment', opening),
    ...pick('log', log),
  ]
    .filter(x => x.score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ source, sentence }) => ({ source, text: sentence.length > LONGEST_QUOTE ? `${sentence.slice(0, LONGEST_QUOTE)} [...]` : sentence }));
}
