/** Types of what is declared out of view: by other hunks of the function, by what is done with it, by the kernel's own declarations. */
import { describe, expect, test } from 'vitest';
import { parseCache, worldOf } from '../../../src/analysis/world.ts';
import { imagesOf } from '../../../src/c/text/images.ts';
import { builtIn } from '../../../src/facts/lookup.ts';
import type { KernelTables, MemberType } from '../../../src/model/contract.ts';
import { sectionText } from '../../../src/model/section.ts';
import { grammar, hunkPatch, patchOf } from '../../code.ts';

const member = (type: string, pointer = 0, array = false): MemberType => ({ type, pointer, array });
const STRUCTS: Record<string, Record<string, MemberType>> = {
  'struct tub': { lid: member('struct lid', 1), depth: member(''), wet: member('', 0, true), plugs: member('struct list_head') },
  'struct vat': { depth: member(''), stirrer: member('struct lid', 1), plugs: member('struct list_head') },
  'struct lid': { turns: member(''), owner: member('struct tub', 1) },
};
const SIGNATURES: Record<string, { result: string; parameters: string[] }> = {
  tub_of: { result: 'tub', parameters: [''] },
  tub_fill: { result: '', parameters: ['tub', ''] },
  lid_turn: { result: '', parameters: ['lid'] },
};
const tables: KernelTables = {
  contracts: { kernel: '6.12.0', of: () => undefined, signature: name => SIGNATURES[name] },
  structs: {
    kernel: '6.12.0',
    has: tag => tag in STRUCTS,
    member: (tag, name) => STRUCTS[tag]?.[name],
    structsWith: names => Object.keys(STRUCTS).filter(tag => names.every(n => n in (STRUCTS[tag] ?? {}))),
  },
};

/** `type|path` of the accesses in the function, `?` before what is inferred. */
async function cellsIn(patch: ReturnType<typeof patchOf>, name = 'f'): Promise<string[]> {
  const images = [...imagesOf([patch]).history.values()].flatMap(states => states.at(-1) ?? []);
  const { world } = worldOf(images, [patch], parseCache(await grammar(), { ...builtIn, tables }));
  return world.functions
    .filter(f => f.name === name)
    .flatMap(f => f.events)
    .flatMap(({ cell }) => (cell && cell.base !== null ? `${cell.inferred ? '?' : ''}${cell.type ?? '-'}|${cell.path}` : []));
}

const hunk = (body: string, section = 'int f(int n)') => hunkPatch('drivers/tub/tub.c', section, 40, body);
const whole = (text: string) => patchOf({ 'drivers/tub/tub.c': text });
const twoHunks = (first: string, second: string) => {
  const [a, b] = [hunkPatch('drivers/tub/tub.c', '', 10, first), hunkPatch('drivers/tub/tub.c', 'static int f(void)', 40, second)];
  const [file, other] = [a.files[0], b.files[0]];
  if (!file || !other) throw new Error('no file');
  return { ...a, files: [{ ...file, hunks: [...file.hunks, ...other.hunks] }] };
};

describe('a member of a structure that only the kernel declares', () => {
  test('has its type, and what it points to', async () => {
    expect(await cellsIn(whole('void f(struct tub *t)\n{\n\tt->lid->turns = 1;\n}\n'))).toEqual(['struct tub|lid', 'struct lid|turns']);
  });
  test('is no read where it is an array', async () => {
    expect(await cellsIn(whole('void f(struct tub *t)\n{\n\tg(t->wet);\n}\n'))).toEqual([]);
  });
  test('is what the code in view declares, where that does', async () => {
    const own = 'struct tub { struct own *lid; };\n';
    expect(await cellsIn(whole(`${own}void f(struct tub *t)\n{\n\tt->lid->turns = 1;\n}\n`))).toEqual(['struct tub|lid', 'struct own|turns']);
  });
});

describe('a pointer of a hunk that is declared out of it', () => {
  test('is of the only structure that has all of its members, which is inferred', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\tp->depth = 1;\n+\tp->lid = NULL;\n \ta = 1;\n'))).toEqual(['?struct tub|depth', '?struct tub|lid']);
  });
  test('has no type where several structures fit', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\tp->depth = 1;\n \ta = 1;\n'))).toEqual(['-|depth']);
  });
  test('has no type where none has all of its members', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\tp->lid = NULL;\n+\tp->own_count = 1;\n \ta = 1;\n'))).toEqual(['-|lid', '-|own_count']);
  });
  test('has no type where a structure in view fits as well', async () => {
    const own = ' struct sink {\n+\tint depth;\n+\tstruct lid *lid;\n };\n';
    const a = hunkPatch('drivers/tub/tub.h', '', 5, own);
    const b = hunk(' \tint a;\n+\tp->depth = 1;\n+\tp->lid = NULL;\n \ta = 1;\n');
    expect(await cellsIn({ ...a, files: [...a.files, ...b.files] })).toEqual(['-|depth', '-|lid']);
  });
  test('is what a function returns that it is set to', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\tp = tub_of(n);\n+\tp->depth = 1;\n \ta = 1;\n'))).toEqual(['struct tub|depth']);
  });
  test('is what a function takes that it is given to', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\ttub_fill(p, 1);\n+\tp->depth = 1;\n \ta = 1;\n'))).toEqual(['struct tub|depth']);
  });
  test('has no type where it is given to functions that take different ones', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\ttub_fill(p, 1);\n+\tlid_turn(p);\n+\tp->depth = 1;\n \ta = 1;\n'))).toEqual(['-|depth']);
  });
  test('has no type where what takes it lacks a member that is used', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\tlid_turn(p);\n+\tp->depth = 1;\n \ta = 1;\n'))).toEqual(['-|depth']);
  });
  test('is what it has the size of', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\tp = kzalloc(sizeof(struct vat), GFP_KERNEL);\n+\tp->depth = 1;\n \ta = 1;\n'))).toEqual([
      'struct vat|depth',
    ]);
  });
  test('is what a typed member is that it is stored to', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\tt->lid = p;\n+\tp->turns = 1;\n \ta = 1;\n', 'int f(struct tub *t)'))).toEqual([
      'struct tub|lid',
      'struct lid|turns',
    ]);
  });
  test('is found behind another one', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\tp->lid->turns = 1;\n+\tp->depth = 2;\n \ta = 1;\n'))).toEqual([
      '?struct tub|lid',
      '?struct lid|turns',
      '?struct tub|depth',
    ]);
  });
  test('has the member by which a walk finds it', async () => {
    const body = ' \tint a;\n+\tlist_for_each_entry(p, head, plugs)\n+\t\tp->stirrer = NULL;\n \ta = 1;\n';
    expect((await cellsIn(hunk(body))).at(-1)).toBe('?struct vat|stirrer');
  });
  test('is what the rest of the file calls by its name, where that has its members', async () => {
    const other = ' static void g(struct vat *p)\n {\n+\tint a;\n }\n';
    expect((await cellsIn(twoHunks(other, ' \ta = 1;\n+\tp->depth = 1;\n \ta = 2;\n'))).at(-1)).toBe('?struct vat|depth');
  });
  test('has no type where that lacks one of its members', async () => {
    const other = ' static void g(struct lid *p)\n {\n+\tint a;\n }\n';
    expect((await cellsIn(twoHunks(other, ' \ta = 1;\n+\tp->depth = 1;\n \ta = 2;\n'))).at(-1)).toBe('-|depth');
  });
  test('has no type where functions of the file call two types by its name', async () => {
    const other = ' static void g(struct vat *p)\n {\n+\tint a;\n }\n \n static void h(struct tub *p)\n {\n+\tint a;\n }\n';
    expect((await cellsIn(twoHunks(other, ' \ta = 1;\n+\tp->depth = 1;\n \ta = 2;\n'))).at(-1)).toBe('-|depth');
  });
  test('is the task of this CPU by the name of that', async () => {
    expect(await cellsIn(hunk(' \tint a;\n+\tcurrent->mark = 1;\n \ta = 1;\n'))).toEqual(['struct task_struct|mark']);
  });
});

describe('what a macro in view gives', () => {
  test.each([
    ['a cast', '#define own_of(p) ((struct own *)(p)->data)', 'struct own|n'],
    ['a cast of an address over two lines', '#define own_of(p) \\\n\t((struct own *)&((p)->cb[0]))', 'struct own|n'],
    ['the structure around its argument', '#define own_of(p) container_of(p, struct own, part.list)', 'struct own|n'],
    ['a member of a cast', '#define own_of(p) (((struct own *)(p))->next)', '-|n'],
    ['a cast to a number', '#define own_of(p) ((unsigned long)(p))', '-|n'],
    ['what another macro gives', '#define own_of(p) other_of(p)', '-|n'],
  ])('%s', async (_, macro, cell) => {
    expect((await cellsIn(whole(`${macro}\nvoid f(struct tub *t)\n{\n\town_of(t)->n = 1;\n}\n`))).at(-1)).toBe(cell);
  });
});

describe('hunks of one function', () => {
  test('know what another of them declares', async () => {
    const first = ' static int f(void)\n {\n+\tstruct vat *p = g();\n \tint a;\n';
    expect(await cellsIn(twoHunks(first, ' \ta = 1;\n+\tp->depth = 1;\n \ta = 2;\n'))).toContain('struct vat|depth');
  });
  test('know what another of them does with a pointer', async () => {
    const first = ' static int f(void)\n {\n+\ttub_fill(p, 1);\n \tint a;\n';
    expect(await cellsIn(twoHunks(first, ' \ta = 1;\n+\tp->depth = 1;\n \ta = 2;\n'))).toContain('struct tub|depth');
  });
  test('do not mix two declarations of one name', async () => {
    const first = ' static int f(void)\n {\n+\tstruct vat *p = g();\n+\t{\n+\t\tstruct tub *p = h();\n+\t}\n \tint a;\n';
    expect((await cellsIn(twoHunks(first, ' \ta = 1;\n+\tq->depth = 1;\n \ta = 2;\n'))).at(-1)).toBe('-|depth');
  });
});

const heldIn = async (patch: ReturnType<typeof patchOf>) => {
  const images = [...imagesOf([patch]).history.values()].flatMap(states => states.at(-1) ?? []);
  const { world } = worldOf(images, [patch], parseCache(await grammar(), builtIn));
  return world.functions.flatMap(f => f.events.flatMap(e => (e.kind === 'write' ? [[...e.locks, ...e.maybeLocks].map(sectionText).join()] : [])));
};

describe('a lock', () => {
  test('whose address a call stores is what the pointer points to', async () => {
    const body =
      '\tpte = pte_offset_map_lock(mm, pmd, 0, &ptl);\n\tif (!pte)\n\t\treturn;\n\tmm->a = 1;\n\tpte_unmap_unlock(pte, ptl);\n\tmm->a = 2;\n';
    const head = 'void f(struct mm_struct *mm, pmd_t *pmd)\n{\n\tspinlock_t *ptl;\n\tpte_t *pte;\n';
    expect(await heldIn(whole(`${head}${body}}\n`))).toEqual(['spin:spinlock_t.*', '']);
  });
  test('of a hunk that nothing in view declares is a global', async () => {
    expect(await heldIn(hunk(' \tint a;\n+\tspin_lock(&tub_lock);\n+\tp->depth = 1;\n+\tspin_unlock(&tub_lock);\n \ta = 1;\n'))).toEqual([
      'spin:tub_lock',
    ]);
  });
});

test('what a hunk does not declare and frees is what a pointer points to', async () => {
  const patch = hunk(' \tint a;\n+\tp->depth = 1;\n+\tp->lid = NULL;\n+\tkfree(p);\n+\tmemset(buffer, 0, 8);\n \ta = 1;\n');
  expect(await cellsIn(patch)).toEqual(['?struct tub|depth', '?struct tub|lid', '?struct tub|*']);
});

describe('an atomic variable of a hunk that nothing in view declares', () => {
  const pathsIn = async (body: string, section?: string) => {
    const patch = hunk(body, section);
    const images = [...imagesOf([patch]).history.values()].flatMap(states => states.at(-1) ?? []);
    const { world } = worldOf(images, [patch], parseCache(await grammar(), builtIn));
    return world.functions.flatMap(f => f.events.flatMap(e => (e.kind === 'rmw' ? [e.cell?.path ?? '-'] : [])));
  };
  test('is a global', async () => {
    expect(await pathsIn(' \tint a;\n+\tatomic_inc(&tub_count);\n \ta = 1;\n')).toEqual(['tub_count']);
  });
  test('is none where the hunk declares it on the stack', async () => {
    expect(await pathsIn(' \tint a;\n+\tatomic_t tub_count;\n+\tatomic_inc(&tub_count);\n \ta = 1;\n')).toEqual(['-']);
  });
});
