/** Rules get code that nobody changes any more. */
import { expect, test } from 'vitest';
import { rules } from '../../rules/index.ts';
import { look } from '../../src/engine/look.ts';
import { patchOf, worldIn } from '../code.ts';
import { fileOf, isDiff } from '../rules/examples.ts';

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of value instanceof Map ? value.values() : value instanceof Set ? value : Object.values(value)) frozen(part);
  return value;
}

test('no rule changes a function or an event, nor does what it asks', async () => {
  const problems: unknown[] = [];
  for (const { examples } of rules) {
    for (const example of [examples.bad[0], examples.good[0]]) {
      const { path, text } = fileOf(example ?? '');
      if (isDiff(text)) continue;
      const world = await worldIn([patchOf({ [path]: text })]);
      frozen(world.functions);
      problems.push(...look(world, rules).problems);
    }
  }
  expect(problems).toEqual([]);
}, 60_000);
