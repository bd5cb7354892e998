import { expect, test } from 'vitest';
// @ts-expect-error a script without declarations
import { counts, found } from '../scripts/bench/house.mjs';

const lines = (count: string, text: string): number[] => found(count, text).map((token: { line: number }) => token.line);

const walk = (stop: string) => `while (work.length > 0) {
  const at = work.pop() ?? 0;
  ${stop}
  for (const to of flow[at]?.next ?? []) if (!seen.has(to)) work.push(to);
}`;

test.each([
  ['a loop while work is left', walk('')],
  ['a loop over what is popped', 'for (let step = work.pop(); step; step = work.pop()) for (const to of step.next) work.push(to);'],
  ['a loop over a set that it adds to', 'for (const at of seen) for (const to of flow[at]?.next ?? []) seen.add(to);'],
])('%s is a worklist', (_name, text) => {
  expect(lines('worklists', text)).toEqual([1]);
});

test.each([
  ['a loop over a list that stays', 'for (const at of seen) other.add(at);'],
  ['a loop that only shortens', 'while (kept.length > 0) kept.pop();'],
  ['a loop up to a length', 'for (let i = 0; i < list.length; i++) { found.push(list[i]); }'],
  ['a push after the loop', 'for (const at of seen) other.add(at); seen.add(1);'],
])('%s is none', (_name, text) => {
  expect(lines('worklists', text)).toEqual([]);
});

test('a walk that leaves out a node asks dominance, one that skips what it has seen does not', () => {
  expect(lines('dominance', walk('if (at === avoided) continue;'))).toEqual([1]);
  expect(lines('dominance', walk('if (at === undefined) continue;'))).toEqual([]);
  expect(lines('dominance', walk(''))).toEqual([]);
});

test('a walk that carries decisions is a search for a path', () => {
  expect(lines('searches', walk('const known = follow(decided, node, 0);'))).toEqual([1]);
  expect(lines('searches', walk(''))).toEqual([]);
});

test('functions of a rule count where they are not exported', () => {
  const text =
    'export function a() {}\nfunction b() {\n  function inner() {}\n}\nconst c = (x: number) => x;\nconst d = /x/;\nexport const e = x => x;\nasync function f() {}';
  expect(lines('helpers', text)).toEqual([2, 5, 8]);
});

test('an order by index counts, the same index does not', () => {
  expect(lines('indexes', 'a.index < b.index;\na.index === b.index;\nlimit >= b?.index;\nconst c: Map<string, index> = d;')).toEqual([1, 3]);
  expect(lines('positions', 'a.endLine <= b;\na.line === b.line;')).toEqual([1]);
});

test('a lock packed into a string counts, a label of an object does not', () => {
  const text = `lock.startsWith('named:');\nconst a = { named: 1 };\nx = \`asserted:\${lock}\`;\nlock.replace(/ \\(shared\\)$/, '');\n/^(?:asserted|named):/.test(lock);`;
  expect(lines('prefixes', text)).toEqual([1, 3, 4, 5]);
});

test('the sources are counted as they stand', () => {
  const all = counts();
  expect(all.rules).toBeGreaterThan(50);
  expect(all.median.code).toBeLessThan(all.median.lines);
  expect(all.names).toBeGreaterThanOrEqual(all.hits.regexes.length);
});
