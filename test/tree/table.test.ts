import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Act, Contract } from '../../src/model/contract.ts';
import { contractOfRow, rowText } from '../../src/tree/rowtext.ts';
import { openTable, type Table, writeTable } from '../../src/tree/table.ts';
import { packing } from './rows.ts';

const ABOUT = { what: 'example', kernel: '6.12.0', from: '' };
const LINES = Array.from({ length: 4000 }, (_, i) =>
  `name_${String(i).padStart(5, '0')}\tcl\tfoo(bar,,baz)\t${i % 7 === 0 ? 'omutex/0->lock' : ''}`.replace(/\t+$/, ''),
);

function opened(bytes: Uint8Array): Table {
  const read = openTable(bytes, packing);
  if ('problem' in read) throw new Error(read.problem);
  return read.table;
}

function problemOf(bytes: Uint8Array): string | null {
  const read = openTable(bytes, packing);
  return 'problem' in read ? read.problem : null;
}

describe('a table', () => {
  const bytes = writeTable(ABOUT, LINES, packing);

  it('gives back what was written, line by line and all', () => {
    const table = opened(bytes);
    expect(table.head).toEqual({ form: 1, ...ABOUT, rows: LINES.length });
    expect(table.all()).toEqual(LINES);
    for (const at of [0, 1, 417, 1999, 3999]) expect(table.lines(`name_${String(at).padStart(5, '0')}`)).toEqual([LINES[at]]);
    for (const none of ['', 'a', 'name_', 'name_00000x', 'zzz']) expect(table.lines(none)).toEqual([]);
  });

  it('keeps lines of one word together', () => {
    const same = Array.from({ length: 900 }, (_, i) => `alike\t${'x'.repeat(80)}${i}`);
    const table = opened(writeTable(ABOUT, ['a', ...same, 'b'], packing));
    expect(table.lines('alike')).toEqual(same);
    expect(table.lines('b')).toEqual(['b']);
  });

  it('is the same bytes each time', () => {
    expect(writeTable(ABOUT, LINES, packing)).toEqual(bytes);
  });

  it('unpacks one block for one word', () => {
    let unpacked = 0;
    const counted = openTable(bytes, {
      unpack: packed => {
        unpacked++;
        return packing.unpack(packed);
      },
    });
    if ('problem' in counted) throw new Error(counted.problem);
    expect(unpacked).toBe(1);
    counted.table.lines('name_00100');
    counted.table.lines('name_00101');
    expect(unpacked).toBe(2);
  });

  it('says that it is cut, damaged, newer or no table', () => {
    expect(problemOf(bytes.subarray(0, bytes.length - 1))).toBe('is cut, or longer than it says');
    expect(problemOf(bytes.subarray(0, 40))).toBe('has a head that cannot be read');
    expect(problemOf(new TextEncoder().encode('<html>'))).toBe('is no table');
    expect(problemOf(new Uint8Array())).toBe('is no table');
    const text = new TextDecoder('latin1').decode(bytes.subarray(0, 200));
    const newer = bytes.slice();
    newer[text.indexOf('"form":1') + 7] = '7'.charCodeAt(0);
    expect(problemOf(newer)).toBe('is of a newer form (7) than this program reads (1)');
    const damaged = bytes.slice();
    const at = text.indexOf('}\n') + 4;
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(problemOf(damaged)).toBe('is damaged');
  });

  it('a damaged block costs its own lines alone', () => {
    const damaged = bytes.slice();
    const last = damaged.length - 3;
    damaged[last] = (damaged[last] ?? 0) ^ 1;
    const table = opened(damaged);
    expect(table.lines('name_03999')).toEqual([]);
    expect(table.lines('name_00000')).toEqual([LINES[0]]);
    expect(() => table.all()).toThrow(/damaged/);
  });
});

describe('a row', () => {
  const where = fc.constantFrom('0', '1', 'r', '0->lock', '2->a.b*', 'r->x', 'some_global', 'glob.lock', '?', '-', '0*', '1->a[]->b');
  const when: fc.Arbitrary<Act['when']> = fc.oneof(
    fc.constant({ on: 'always' as const }),
    fc.constant({ on: 'some' as const }),
    fc.record({ on: fc.constant('gfp' as const), argument: fc.nat(9), sure: fc.boolean() }),
    fc.record({
      on: fc.constant('argument' as const),
      argument: fc.nat(12),
      mask: fc.constantFrom(null, 'FOO_BAR', '__GFP_ZERO'),
      value: fc.constantFrom('nonzero' as const, 'zero' as const),
      sure: fc.boolean(),
    }),
  );
  const act: fc.Arbitrary<Act> = fc.record({
    does: fc.constantFrom('open', 'close', 'hold', 'drop', 'sleep', 'get', 'put', 'free', 'quiesce', 'wait', 'register', 'publish', 'keep'),
    of: fc.constantFrom('', 'mutex', 'raw-spin', 'rcu-read', 'delayed-work'),
    object: where,
    more: fc.array(where, { maxLength: 3 }),
    marks: fc.uniqueArray(fc.constantFrom('shared', 'rcu', 'frees', 'cancels', 'waits', 'bars'), { maxLength: 2 }),
    when,
    result: fc.constantFrom(null, 'zero' as const, 'nonzero' as const),
  });
  const contract: fc.Arbitrary<Contract> = fc.record({
    name: fc.constantFrom('foo', 'foo_bar2'),
    acts: fc.array(act, { maxLength: 4 }),
    returns: fc.record({
      errno: fc.boolean(),
      pointerError: fc.boolean(),
      null: fc.boolean(),
      fresh: fc.boolean(),
      value: fc.constantFrom(null, '0', '0->dev*', 'init_net'),
    }),
    signature: fc.record({
      result: fc.constantFrom('', 'foo', '=gfp_t'),
      parameters: fc.array(fc.constantFrom('bar', 'baz*', '=gfp_t'), { maxLength: 3 }),
    }),
    complete: fc.boolean(),
    orders: fc.boolean(),
    stores: fc.boolean(),
    loads: fc.boolean(),
    noreturn: fc.boolean(),
  });

  it('reads as it was written', () => {
    fc.assert(
      fc.property(contract, one => {
        expect(contractOfRow(rowText(one))).toEqual(one);
      }),
    );
  });

  it('that is damaged is none', () => {
    expect(contractOfRow('foo\tc\tfoo(bar\t\t')).toBeNull();
    expect(contractOfRow('foo\tc\t()\t\tXsomething')).toBeNull();
    expect(contractOfRow('')).toBeNull();
  });
});
