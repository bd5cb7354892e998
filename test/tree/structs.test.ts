import { describe, expect, it } from 'vitest';
import { factOf } from '../../src/facts/lookup.ts';
import type { Structs } from '../../src/model/contract.ts';
import { recordOf } from '../../src/tree/records.ts';
import { MEMBERS, STRUCTS, structLines, structsIn } from '../../src/tree/structs.ts';
import { openTable, type Table, writeTable } from '../../src/tree/table.ts';
import { grammar } from '../code.ts';
import { packing } from './rows.ts';

function tableOf(what: string, lines: string[]): Table {
  const opened = openTable(writeTable({ what, kernel: '6.12.0', from: '' }, lines, packing), packing);
  if ('problem' in opened) throw new Error(opened.problem);
  return opened.table;
}

async function structsOf(files: Record<string, string>): Promise<Structs> {
  const loaded = await grammar();
  const read = Object.entries(files).map(([path, text]) => ({ path, record: recordOf(path, path, text, loaded, factOf) }));
  const { structs, members } = structLines(read);
  return structsIn(tableOf(STRUCTS, structs), tableOf(MEMBERS, members));
}

const FILES = {
  'include/linux/foo.h': `
struct foo {
	struct mutex lock;
	struct device *parent;
	int depth;
	u8 name[16];
	atomic_t *counts;
	union {
		struct list_head node;
		struct rcu_head rcu;
	};
	gfp_t flags;
};
struct foo_message { __le32 depth; __le32 code; u8 reserved[4]; };
struct foo_ops { int (*open)(struct foo *f); };
`,
  'drivers/a/a.c': 'struct priv { spinlock_t lock; struct foo *foo; int a_depth; };\nstatic int unused(void) { return 0; }\n',
  'drivers/b/b.c': 'struct priv { struct mutex lock; struct foo *foo; int b_depth; };\n',
};

describe('structures of a tree', () => {
  it('members have their types, those of unnamed unions too', async () => {
    const structs = await structsOf(FILES);
    expect(structs.member('struct foo', 'lock')).toEqual({ type: 'struct mutex', pointer: 0, array: false });
    expect(structs.member('struct foo', 'parent')).toEqual({ type: 'struct device', pointer: 1, array: false });
    expect(structs.member('struct foo', 'name')).toEqual({ type: '', pointer: 0, array: true });
    expect(structs.member('struct foo', 'counts')).toEqual({ type: 'atomic_t', pointer: 1, array: false });
    expect(structs.member('struct foo', 'node')).toEqual({ type: 'struct list_head', pointer: 0, array: false });
    expect(structs.member('struct foo', 'none')).toBeUndefined();
    expect(structs.has('struct foo_message')).toBe(false);
  });

  it('where structures of one tag disagree, a member has no type', async () => {
    const structs = await structsOf(FILES);
    expect(structs.member('struct priv', 'lock')).toBeUndefined();
    expect(structs.member('struct priv', 'foo')).toEqual({ type: 'struct foo', pointer: 1, array: false });
  });

  it('are found by all of their members', async () => {
    const structs = await structsOf(FILES);
    expect(structs.structsWith(['parent', 'lock'])).toEqual(['struct foo']);
    expect(structs.structsWith(['a_depth', 'foo'])).toEqual(['struct priv']);
    expect(structs.structsWith(['lock'])).toEqual(['struct foo', 'struct priv']);
    expect(structs.structsWith(['lock', 'nowhere'])).toEqual([]);
    // One of the members must be more than a number.
    expect(structs.structsWith(['a_depth'])).toEqual([]);
  });

  it('a structure out of the tables that may have them all leaves it open', async () => {
    const structs = await structsOf(FILES);
    expect(structs.structsWith(['depth', 'parent'])).toEqual(['struct foo']);
    expect((await structsOf({ ...FILES, 'drivers/c/c.h': 'struct other { int depth; int parent; };\n' })).structsWith(['depth', 'parent'])).toEqual(
      [],
    );
  });
});
