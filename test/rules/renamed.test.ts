import { describe, expect, test } from 'vitest';
import { rules } from '../../rules/index.ts';
import { review } from '../../src/engine/review.ts';
import { factOf } from '../../src/facts/lookup.ts';
import type { Rule } from '../../src/model/rule.ts';
import { grammar, threadOf } from '../code.ts';
import { isDiff, patchOfExample, wanted } from './examples.ts';

/** What functions under review are renamed to, each by its place among them. */
const NAMINGS: Record<string, (n: number) => string> = {
  'neutral words': n => ['plum', 'quince', 'fig', 'medlar', 'sloe', 'damson', 'rowan', 'elder'][n] ?? `berry_${n}`,
  x_create: n => `x${n}_create`,
  x_init: n => `x${n}_init`,
  x_reset: n => `x${n}_reset`,
  x_access: n => `x${n}_access`,
  x_lock: n => `x${n}_lock`,
};

/** Examples whose verdict rests on a name, and why it may. */
const EXCEPTIONS: Record<string, string> = {
  'tlb-flush-ignores-freed-tables bad 1': 'tlb_flush() is what the kernel calls an architecture’s own flush: the name is the interface',
  'recheck-missing-after-queueing good 5': '`_locked` at the end of a name says that the caller holds a lock',
  'sync-removed bad 12': 'a reference that a helper takes is known by the helper’s name',
};

/** A definition's head in the first column: a type, then the name. Removed and added lines count, forward declarations don't. */
const HEAD = /^(?!return\b|else\b|typedef\b|#)[A-Za-z_][\w \t*]*?[ \t*]([A-Za-z_]\w*)\((?!.*;)/;

/** Functions that the example defines, the kernel's own left out: a fact knows those, and their names are what makes them known. */
function definedIn(text: string): string[] {
  const lines = text.split('\n').map(line => (isDiff(text) ? line.replace(/^(?:@@[^@]*@@ ?|[-+ ])/, '') : line));
  const names = lines.flatMap(line => HEAD.exec(line)?.[1] ?? []);
  return [...new Set(names)].filter(name => !factOf(name) && !/^[A-Z_]+$/.test(name));
}

/** The example with its functions under other names. Members that are called the same keep theirs. */
function renamed(example: string, name: (n: number) => string): string {
  const names = new Map(definedIn(example.replace(/^\n/, '')).map((old, n) => [old, name(n)]));
  return example.replace(/(\.|->)?\b([A-Za-z_]\w*)\b/g, (all, member, word) => (member ? all : (names.get(word) ?? all)));
}

async function placesOf(example: string, rule: Rule): Promise<string[]> {
  const result = review(threadOf([patchOfExample(example)]), { grammar: await grammar(), rules: [rule] });
  const own = result.reviews.flatMap(r => r.findings);
  return own
    .flatMap(f => [f, ...f.related.filter(p => p.note.startsWith('the same'))])
    .map(p => `${p.side === 'old' ? '-' : ''}${p.line}`)
    .sort();
}

/** Examples of the rule that the naming changes the verdict of. */
async function swayed(rule: Rule, name: (n: number) => string): Promise<string[]> {
  const found: string[] = [];
  for (const [kind, texts] of Object.entries(rule.examples)) {
    for (const [i, text] of texts.entries()) {
      const want = wanted(text).filter(w => w.rule === rule.id);
      const places = await placesOf(renamed(text, name), rule);
      if (JSON.stringify(places) !== JSON.stringify(want.map(w => w.line).sort())) found.push(`${rule.id} ${kind} ${i + 1}`);
    }
  }
  return found;
}

describe.each(Object.entries(NAMINGS))('with functions renamed to %s', (_, name) => {
  test.each(rules.map(rule => ({ id: rule.id, rule })))('the examples of $id keep their verdict', async ({ rule }) => {
    expect((await swayed(rule, name)).join(', ')).toBe(
      Object.keys(EXCEPTIONS)
        .filter(id => id.startsWith(`${rule.id} `))
        .join(', '),
    );
  });
});

test('renaming leaves the kernel’s functions, members and macros alone', () => {
  const text = `
static int kick(struct m *m)
{
	m->kick = 1;
	spin_lock(&m->lock);
	kick_off(m);
	return kick(m) + KICK(m);
}

int other(int a);
`;
  expect(renamed(text, n => `x${n}_create`)).toBe(text.replace('int kick', 'int x0_create').replace('return kick', 'return x0_create'));
});
