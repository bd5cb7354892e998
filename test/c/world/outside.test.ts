import { describe, expect, test } from 'vitest';
import { parseCache, worldOf } from '../../../src/analysis/world.ts';
import { type Image, imagesOf, type Tree } from '../../../src/c/text/images.ts';
import { layoutOf } from '../../../src/c/text/layout.ts';
import { outsideOf } from '../../../src/c/world/outside.ts';
import { builtIn } from '../../../src/facts/lookup.ts';
import type { World } from '../../../src/model/rule.ts';
import { grammar, hunkPatch } from '../../code.ts';
import { compact } from '../compact.ts';

const OWN = 'drivers/lane/lane.c';
const source = `#include <linux/lane.h>
#include "local.h"

void lane_take(struct lane *l)
{
	l->n = 1;
}
`;
/** Adds lines to lane_take(). */
const patch = (lines: string[]) =>
  hunkPatch(OWN, '', 4, ` void lane_take(struct lane *l)\n {\n${lines.map(l => `+\t${l}`).join('\n')}\n \tl->n = 1;\n }`);

function treeOf(files: Record<string, string>): Tree & { asked: string[] } {
  const all: Record<string, string> = { [OWN]: source, ...files };
  const asked: string[] = [];
  return {
    asked,
    read: path => {
      asked.push(path);
      return all[path] ?? null;
    },
    list: folder =>
      Object.keys(all)
        .filter(path => path.slice(0, path.lastIndexOf('/')) === folder)
        .map(path => path.slice(folder.length + 1))
        .sort(),
  };
}

function imagesIn(files: Record<string, string>, lines: string[]): { own: Image[]; outside: Image[] } {
  const tree = treeOf(files);
  const own = [...imagesOf([patch(lines)], tree).history.values()].flatMap(states => states.at(-1) ?? []);
  return { own, outside: outsideOf(own, builtIn, tree) };
}

async function worldWith(files: Record<string, string>, lines: string[]): Promise<World> {
  const { own, outside } = imagesIn(files, lines);
  return worldOf([...own, ...outside], [patch(lines)], parseCache(await grammar(), builtIn)).world;
}

/** `path name` of each function drawn from the tree. */
async function drawn(files: Record<string, string>, lines: string[]): Promise<string[]> {
  const world = await worldWith(files, lines);
  return world.functions.filter(f => f.outside).map(f => `${f.path} ${f.name}`);
}

const helper = 'static inline void help(struct lane *l)\n{\n\tspin_lock(&l->lock);\n}\n';

describe('functions that the series calls are looked for', () => {
  test.each<[string, Record<string, string>, string[], string[]]>([
    ['in a header by its path', { 'include/linux/lane.h': helper }, ['help(l);'], ['include/linux/lane.h help']],
    ['in a header beside the file', { 'drivers/lane/local.h': helper }, ['help(l);'], ['drivers/lane/local.h help']],
    [
      'in what a header includes',
      { 'include/linux/lane.h': '#include <linux/deep.h>\n', 'include/linux/deep.h': helper },
      ['help(l);'],
      ['include/linux/deep.h help'],
    ],
    ['in the same folder', { 'drivers/lane/more.c': helper.replace('static inline ', '') }, ['help(l);'], ['drivers/lane/more.c help']],
    ['but not where it is the own of another file', { 'drivers/lane/more.c': helper }, ['help(l);'], []],
    ['nor in another folder', { 'drivers/road/more.c': helper.replace('static inline ', '') }, ['help(l);'], []],
    ['nor where it is only declared', { 'include/linux/lane.h': 'void help(struct lane *l);\n' }, ['help(l);'], []],
    ['nor what facts know', { 'include/linux/lane.h': 'static inline void spin_lock(spinlock_t *l)\n{\n\tq(l);\n}\n' }, ['spin_lock(&l->lock);'], []],
    ['nor what only a function that was there calls', { 'include/linux/lane.h': helper }, ['l->n = 2;'], []],
    [
      'with what they call',
      { 'include/linux/lane.h': `static inline void more(struct lane *l)\n{\n\tl->n++;\n}\n\n${helper.replace('spin_lock(&l->lock)', 'more(l)')}` },
      ['help(l);'],
      ['include/linux/lane.h more', 'include/linux/lane.h help'],
    ],
    [
      'also a static one of the file that the callee stands in',
      { 'drivers/lane/more.c': 'static void more(struct lane *l)\n{\n\tl->n++;\n}\n\nvoid help(struct lane *l)\n{\n\tmore(l);\n}\n' },
      ['help(l);'],
      ['drivers/lane/more.c more', 'drivers/lane/more.c help'],
    ],
    [
      'up to three deep',
      {
        'include/linux/lane.h': ['a', 'b', 'c', 'd']
          .map((n, i) => `static inline void ${n}(struct lane *l)\n{\n\t${['b', 'c', 'd', 'e'][i]}(l);\n}\n`)
          .join('\n'),
      },
      ['a(l);'],
      ['include/linux/lane.h a', 'include/linux/lane.h b', 'include/linux/lane.h c'],
    ],
    [
      'macros too',
      { 'include/linux/lane.h': '#define help(l) do { spin_lock(&(l)->lock); } while (0)\n' },
      ['help(l);'],
      ['include/linux/lane.h help'],
    ],
  ])('%s', async (_, files, lines, expected) => {
    expect((await drawn(files, lines)).sort()).toEqual([...expected].sort());
  });
});

describe('functions that call those of the series are looked for', () => {
  const caller = (name: string, callee: string, head = 'void') => `${head} ${name}(struct lane *l)\n{\n\t${callee}(l);\n}\n`;
  test.each<[string, Record<string, string>, string[]]>([
    ['in the folder', { 'drivers/lane/use.c': caller('use', 'lane_take') }, ['drivers/lane/use.c use']],
    [
      'and who calls them',
      { 'drivers/lane/use.c': caller('use', 'lane_take'), 'drivers/lane/over.c': caller('over', 'use') },
      ['drivers/lane/over.c over', 'drivers/lane/use.c use'],
    ],
    [
      'two levels up, no more',
      { 'drivers/lane/a.c': [caller('a', 'lane_take'), caller('b', 'a'), caller('c', 'b')].join('\n') },
      ['drivers/lane/a.c a', 'drivers/lane/a.c b'],
    ],
    [
      'a static one of another file by that file alone',
      { 'drivers/lane/a.c': caller('a', 'lane_take', 'static void'), 'drivers/lane/b.c': caller('b', 'a') },
      ['drivers/lane/a.c a'],
    ],
    ['not in other folders', { 'drivers/road/a.c': caller('a', 'lane_take') }, []],
  ])('%s', async (_, files, expected) => {
    expect((await drawn(files, ['l->n = 2;'])).sort()).toEqual(expected);
  });
});

describe('who touches the memory of added lines is looked for', () => {
  const local = 'struct lane {\n\tint n;\n\tint slots;\n};\nextern int lane_count;\n';
  const user = (name: string, does: string, head = 'static void') => `${head} ${name}(struct lane *l)\n{\n\t${does}\n}\n`;
  test.each<[string, Record<string, string>, string[], string[]]>([
    ['not of a type that no file of the folder declares', { 'drivers/lane/a.c': user('a', 'l->slots = 0;') }, ['l->slots = 2;'], []],
    ['not in other folders', { 'drivers/lane/local.h': local, 'drivers/road/a.c': user('a', 'l->slots = 0;') }, ['l->slots = 2;'], []],
    ['not of lines that were there', { 'drivers/lane/local.h': local, 'drivers/lane/a.c': user('a', 'l->n = 0;') }, ['l->slots = 2;'], []],
    [
      'not of a member of that name that is called',
      { 'drivers/lane/local.h': local, 'drivers/lane/a.c': user('a', 'l->slots = 0;') },
      ['l->slots(2);'],
      [],
    ],
    ['not of a local of that name', { 'drivers/lane/local.h': local, 'drivers/lane/a.c': user('a', 'int slots = 0;') }, ['l->slots = 2;'], []],
    [
      'of a member of a type of the folder',
      { 'drivers/lane/local.h': local, 'drivers/lane/a.c': user('a', 'l->slots = 0;') },
      ['l->slots = 2;'],
      ['drivers/lane/a.c a'],
    ],
    [
      'of a global that a header of the folder declares',
      { 'drivers/lane/local.h': local, 'drivers/lane/a.c': user('a', 'lane_count = 0;') },
      ['lane_count++;'],
      ['drivers/lane/a.c a'],
    ],
  ])('%s', async (_, files, lines, expected) => {
    expect(await drawn(files, lines)).toEqual(expected);
  });
});

describe('what registers a function of the series, or a caller of one, is looked for', () => {
  const mentions = async (files: Record<string, string>, name = 'lane_take') => {
    const world = await worldWith(files, ['l->n = 2;']);
    const fn = world.functions.find(f => f.name === name);
    return fn ? world.mentions(fn).map(m => `${m.path}:${m.line} ${m.table} ${m.member} ${m.call}`) : null;
  };
  const table = (name: string) => `\nstatic const struct lane_ops lane_ops = {\n\t.off = NULL,\n\t.go = ${name},\n};\n`;
  test('not where a comment, a string or a definition names it', async () => {
    expect(await mentions({ 'drivers/lane/a.c': '/*\n * lane_take, the one.\n */\nvoid a(void)\n{\n\tpr_info("lane_take");\n}\n' })).toEqual([]);
  });
  test('not where another file has a function of its own by that name', async () => {
    expect(await mentions({ 'drivers/lane/a.c': `static void lane_take(struct lane *l)\n{\n}\n${table('lane_take')}` })).toEqual([]);
  });
  test('a table of another file', async () => {
    expect(await mentions({ 'drivers/lane/a.c': `int a;\n${table('lane_take')}` })).toEqual(['drivers/lane/a.c:5 struct lane_ops go null']);
  });
  test('a function of another file that hands it on', async () => {
    expect(await mentions({ 'drivers/lane/a.c': 'void a(struct lane *l)\n{\n\tlane_use(l, lane_take);\n}\n' })).toEqual([
      'drivers/lane/a.c:3 null null lane_use',
    ]);
  });
  test('the table of a caller in another file', async () => {
    const files = { 'drivers/lane/a.c': `static void a_go(struct lane *l)\n{\n\tlane_take(l);\n}\n${table('a_go')}` };
    expect(await mentions(files, 'a_go')).toEqual(['drivers/lane/a.c:8 struct lane_ops go null']);
  });
});

describe('what is drawn from the tree', () => {
  test('makes a wrapper known for what it does', async () => {
    const world = await worldWith({ 'include/linux/lane.h': helper }, ['help(l);']);
    const fn = world.functions.find(f => f.name === 'lane_take');
    expect(fn?.events.map(compact)).toEqual([
      'expanded help - -',
      'lock spin_lock lock acquire',
      'write = n plain [spin:struct lane.lock] {preempt-off}',
    ]);
    expect(fn?.events[1]?.via).toMatchObject({ function: 'help', path: 'include/linux/lane.h' });
  });

  test('makes types known that a header declares', async () => {
    const header = 'struct lane {\n\tspinlock_t lock;\n\tint n;\n\tchar name[16];\n};\n';
    const [with_, without] = await Promise.all([{ 'include/linux/lane.h': header }, {}].map(files => worldWith(files, ['use(l->name);'])));
    const kinds = (world: World | undefined) => world?.functions.find(f => f.name === 'lane_take')?.events.map(e => e.kind);
    expect(kinds(with_)).toEqual(['call', 'write']);
    expect(kinds(without)).toEqual(['read', 'call', 'write']);
  });

  test('is marked, keeps its lines, and belongs to no patch', async () => {
    const world = await worldWith({ 'include/linux/lane.h': `\n\n${helper}` }, ['help(l);']);
    const fn = world.functions.find(f => f.name === 'help');
    expect(fn).toMatchObject({ outside: true, whole: true, line: 3, addedBy: null });
    expect(fn?.events.every(e => e.addedBy === null)).toBe(true);
    expect(world.files.map(f => [f.path, f.outside ?? false])).toEqual([
      [OWN, false],
      ['include/linux/lane.h', true],
    ]);
  });

  test('is never a file of the series', () => {
    const { outside } = imagesIn({ [OWN]: `${source}\nvoid help(struct lane *l)\n{\n\tlane_take(l);\n}\n` }, ['help(l);']);
    expect(outside).toEqual([]);
  });

  test('is bounded by what is read', () => {
    const files: Record<string, string> = {};
    for (let i = 0; i < 1000; i++) files[`drivers/lane/f${i}.c`] = `void f${i}(void)\n{\n}\n`;
    const tree = treeOf(files);
    const own = [...imagesOf([patch(['gone(l);'])], tree).history.values()].flatMap(states => states.at(-1) ?? []);
    tree.asked.length = 0;
    outsideOf(own, builtIn, tree);
    expect(tree.asked.filter(path => path.startsWith('drivers/lane/f')).length).toBeLessThan(300);
  });

  test('is nothing without a tree that holds the file', () => {
    const tree: Tree = { read: () => null, list: () => [] };
    const own = [...imagesOf([patch(['help(l);'])], tree).history.values()].flatMap(states => states.at(-1) ?? []);
    expect(outsideOf(own, builtIn, tree)).toEqual([]);
  });
});

describe('the layout of a file', () => {
  /** `from-to name`, rows from 1. */
  const layout = (text: string) => {
    const { functions, types } = layoutOf(text);
    return [...functions.values(), ...types.values()].map(d => `${d.from + 1}-${d.to + 1} ${d.name}${d.isStatic ? ' static' : ''}`);
  };
  test.each<[string, string, string[]]>([
    ['a function', 'int a;\nint f(int x)\n{\n\treturn x;\n}\n', ['2-5 f']],
    ['its type on a line of its own', 'static struct s *\nf(int x)\n{\n\treturn 0;\n}\n', ['1-5 f static']],
    ['parameters on two lines', 'int f(int x,\n      int y)\n{\n}\n', ['1-4 f']],
    ['a body on the line', 'static inline int f(void) { return 0; }\nint g(void)\n{\n}\n', ['1-1 f static', '2-4 g']],
    ['an annotation with parentheses', '__printf(1, 2) void f(char *s, ...)\n{\n}\n', ['1-3 f']],
    ['a name like an annotation', 'static inline void __f(int x) { g(x); }\n', ['1-1 __f static']],
    ['an annotation behind', 'void f(struct s *x)\n\t__must_hold(&x->lock)\n{\n}\n', ['1-4 f']],
    ['a declaration is none', 'int f(int x);\nextern int g(int x,\n\t\tint y);\n', []],
    ['a list of values is none', 'static int a[] = {\n\tf(1),\n};\n', []],
    ['a call at the top level is none', 'MODULE_LICENSE("GPL");\nEXPORT_SYMBOL(f);\n', []],
    ['a macro', '#define f(x) \\\n\tg(x)\n#define N 1\n', ['1-2 f']],
    ['a type', 'struct s {\n\tint n;\n};\nunion u { int a; };\nstruct t;\n', ['1-3 struct s', '4-4 union u']],
  ])('%s', (_, text, expected) => {
    expect(layout(text)).toEqual(expected);
  });

  test('never fails', () => {
    for (const text of ['', '{', '}\n{', 'int f(', 'int f(int x)\n{', '#define f(\\', 'struct s {', 'f(\n'.repeat(100)])
      expect(() => layoutOf(text)).not.toThrow();
  });
});
