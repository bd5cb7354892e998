import { describe, expect, test } from 'vitest';
import { nearest, ofOneObject, ordersLoads, ordersStores, passes } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import { worldOfText } from '../../code.ts';

const one = async (body: string): Promise<CFunction> => {
  const world = await worldOfText(`struct box { int a; int b; int c; };\nint look(struct box *x, struct box *y)\n{\n${body}\n}\n`);
  const fn = world.functions[0];
  if (!fn) throw new Error('no function');
  return fn;
};

const on = (fn: CFunction, path: string, kind = 'write'): Event => {
  const found = fn.events.find(e => e.cell?.path === path && e.kind === kind);
  if (!found) throw new Error(`nothing on ${path}`);
  return found;
};

describe('nearest', () => {
  test('comes to the first access of each way, and tells of ways that have none', async () => {
    const fn = await one('	x->a = 1;\n	if (y)\n		x->b = 2;\n	else if (fast)\n		x->c = 3;\n	return 0;');
    const near = nearest(fn, on(fn, 'a'), 'after', e => e.kind === 'write');
    expect(near.events.map(e => e.cell?.path)).toEqual(['b', 'c']);
    expect([near.ends, near.gap]).toEqual([true, false]);
  });

  test('walks backwards to the entry', async () => {
    const fn = await one('	if (y)\n		x->a = 1;\n	x->b = 2;\n	return 0;');
    const near = nearest(fn, on(fn, 'b'), 'before', e => e.kind === 'write');
    expect(near.events.map(e => e.cell?.path)).toEqual(['a']);
    expect(near.ends).toBe(true);
  });

  test('goes round a loop once', async () => {
    const fn = await one('	while (y) {\n		x->a = 1;\n		x->b = 2;\n	}\n	return 0;');
    expect(nearest(fn, on(fn, 'b'), 'after', e => e.kind === 'write').events.map(e => e.cell?.path)).toEqual(['a']);
  });
});

test('what orders stores, and what orders loads', async () => {
  const fn = await one('	x->a = 1;\n	smp_wmb();\n	x->b = 2;\n	smp_rmb();\n	spin_unlock(&x->c);\n	return 0;');
  const [wmb, rmb, unlock] = ['smp_wmb', 'smp_rmb', 'spin_unlock'].map(api => fn.events.find(e => e.api === api) as Event);
  expect([wmb, rmb, unlock].map(e => [ordersStores(e as Event), ordersLoads(e as Event)])).toEqual([
    [true, false],
    [false, true],
    [false, false],
  ]);
  expect(passes(fn, on(fn, 'a'), on(fn, 'b'), ordersStores)).toBe(true);
  expect(passes(fn, on(fn, 'a'), on(fn, 'b'), ordersLoads)).toBe(false);
});

test('two objects of one type are not one', async () => {
  const fn = await one('	x->a = 1;\n	x->b = 2;\n	y->c = 3;\n	return 0;');
  expect(ofOneObject(on(fn, 'a'), on(fn, 'b'))).toBe(true);
  expect(ofOneObject(on(fn, 'a'), on(fn, 'c'))).toBe(false);
});
