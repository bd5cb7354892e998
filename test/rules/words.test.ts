import { describe, expect, test } from 'vitest';
import { rules } from '../../rules/index.ts';
import { review } from '../../src/engine/review.ts';
import type { Finding } from '../../src/model/finding.ts';
import { notes } from '../../src/report/notes.ts';
import { diffPatch, grammar, patchOf, threadOf } from '../code.ts';

async function reviewOf(example: string, rule: (typeof rules)[number]) {
  const text = example.replace(/^\n/, '');
  const path = /^\/\* file: (\S+) \*\//.exec(text)?.[1] ?? 'drivers/example/example.c';
  const patch = text.startsWith('--- a/') ? diffPatch(text) : patchOf({ [path]: text });
  return review(threadOf([patch]), { grammar: await grammar(), rules: [rule] });
}

/** What a note prints as sentences of their own. */
function sentences(f: Finding): string[] {
  return [f.message, ...f.detail, ...(f.dismissal ? [f.dismissal] : []), ...f.fix.map(fix => fix.text)];
}

const KEYWORDS = new Set([
  'if',
  'for',
  'do',
  'while',
  'else',
  'return',
  'goto',
  'switch',
  'case',
  'default',
  'break',
  'continue',
  'static',
  'void',
  'int',
]);

/** Does the sentence begin with a capital, or with a name or a statement from the code? Notes print it as it is. */
function begins(sentence: string, example: string): boolean {
  const first = /^[a-z_]\w*/.exec(sentence)?.[0];
  if (first === undefined || /^[a-z_]\w*\(|^struct \w/.test(sentence)) return true;
  const code = example.replace(/\/\*[\s\S]*?\*\/|"[^"\n]*"/g, ' ');
  if (KEYWORDS.has(first)) return code.includes(sentence.split(' ').slice(0, 2).join(' '));
  return new RegExp(`\\b${first}\\b`).test(code);
}

test('a lower-case word begins a sentence only where it is code', () => {
  const code = 'int f(struct lane *lane)\n{\n\tif (lane->state)\n\t\tg(lane);	/* the state */\n}';
  expect(begins('the state is read twice', code)).toBe(false);
  expect(begins('if the state is read twice', code)).toBe(false);
  expect(begins('if (lane->state) has no braces', code)).toBe(true);
  expect(begins('lane->state is read twice', code)).toBe(true);
  expect(begins('f() returns with g->lock held', code)).toBe(true);
  expect(begins('The lock is released', code)).toBe(true);
});

/** Words that the glossary of CONTRIBUTING.md replaces, where they stand for something else than their plain meaning. */
const PRIVATE =
  /\bgive[ns]? (?:\S+ )?back\b|\bgiven back\b|\bway out\b|\bin view\b|\bout of view\b|\bbehind\b(?! a pointer)|\btold by\b|\bfor ever\b|\blooks? into\b/;

describe.each(rules.map(rule => ({ id: rule.id, rule })))('$id', ({ rule }) => {
  // Reviewed once for the three tests.
  const told = Promise.all(rule.examples.bad.map(async example => ({ example, review: await reviewOf(example, rule) })));
  const findings = async () => (await told).flatMap(({ example, review: r }) => r.reviews.flatMap(s => s.findings).map(f => ({ example, f })));

  test('speaks in sentences: a capital or code first, no full stop, then one question', async () => {
    for (const { example, f } of await findings()) {
      for (const sentence of sentences(f)) {
        expect(begins(sentence, example), sentence).toBe(true);
        expect(sentence).not.toMatch(/[.:;,]$/);
      }
      if (f.question) expect(f.question).toMatch(/^[A-Z][^?]*\?$/);
    }
  });

  test('keeps to the words of the glossary', async () => {
    expect([rule.title, rule.why].join('\n')).not.toMatch(PRIVATE);
    for (const { f } of await findings())
      for (const text of [...sentences(f), f.question ?? '', ...f.related.map(r => r.note)]) expect(text).not.toMatch(PRIVATE);
  });

  test('has notes whose headings and prose fit 80 columns', async () => {
    // Quoted code is left as it is, and a single long word cannot be broken.
    for (const line of (await told).flatMap(({ review: r }) => notes(r).split('\n')))
      if (!/^> |^\[PATCH/.test(line) && /\S\s+\S/.test(line)) expect(line.length, line).toBeLessThanOrEqual(80);
  });
});
