import { describe, expect, test } from 'vitest';
import { UNNAMED } from '../../../src/model/code.ts';
import { hunkPatch, worldIn } from '../../code.ts';
import { compact } from '../compact.ts';

/** The functions that a hunk shows; its lines are all context unless they begin with a sign. */
async function piece(section: string, body: string, at = 100) {
  const lines = body
    .replace(/^\n/, '')
    .split('\n')
    .map(l => (/^[+-]/.test(l) ? l : ` ${l}`));
  return (await worldIn([hunkPatch('drivers/example/example.c', section, at, lines.join('\n'))])).functions;
}

async function eventsOf(section: string, body: string): Promise<string[]> {
  return (await piece(section, body)).flatMap(fn => fn.events.map(compact));
}

const HEAD = 'static int foo(struct s *x, int v)';

describe('a piece is opened by what its closers ask for', () => {
  test('statements alone stand in the function of the section', async () => {
    const [fn] = await piece(HEAD, '\tx->n = 1;\n\tx->m = 2;');
    expect(fn).toMatchObject({ name: 'foo', whole: false, line: 100, endLine: 101 });
    expect(fn?.events.map(e => `${e.line} ${compact(e)}`)).toEqual(['100 write = n plain', '101 write = m plain']);
  });
  test.each([
    ['static ssize_t tank_read', 'tank_read'],
    ['struct tank *tank_find', 'tank_find'],
    ['static const struct tank *', UNNAMED],
    ['static unsigned int', UNNAMED],
    ['static struct tank', UNNAMED],
  ])('a heading that is cut before the parameters, `%s`, names the function where it shows the name', async (section, name) => {
    expect((await piece(section, '\tx->n = 1;')).map(fn => fn.name)).toEqual([name]);
  });
  test('`} else` makes alternatives, not a sequence', async () => {
    const [fn] = await piece(HEAD, '\t\tx->n = 1;\n\t} else {\n\t\tx->n = 2;\n\t}\n\tx->n = 3;');
    const [a, b, c] = fn?.events ?? [];
    const reaches = (from: number | undefined, to: number | undefined) => {
      const seen = new Set<number>();
      const work = [from ?? 0];
      while (work.length > 0) {
        for (const next of fn?.flow[work.pop() ?? 0]?.next ?? []) {
          if (!seen.has(next)) work.push(next);
          seen.add(next);
        }
      }
      return seen.has(to ?? -1);
    };
    expect(reaches(a?.node, b?.node)).toBe(false);
    expect(reaches(a?.node, c?.node)).toBe(true);
    expect(reaches(b?.node, c?.node)).toBe(true);
  });
  test.each<[string, string, string, string]>([
    ['`} else if`', HEAD, '\t\tx->n = 1;\n\t} else if (x->m) {\n\t\tx->n = 2;\n\t}', 'write = n plain | read read m plain | write = n plain'],
    ['`} while`', HEAD, '\t\tx->n = 1;\n\t} while (x->m);\n\tx->n = 2;', 'write = n plain | read read m plain | write = n plain'],
    ['a bare case', HEAD, '\tcase 1:\n\t\tx->n = 1;\n\t\tbreak;\n\tcase 2:\n\t\tx->n = 2;', 'write = n plain | write = n plain'],
    [
      'a bare case whose switch closes',
      HEAD,
      '\t\tx->n = 1;\n\t\tbreak;\n\tdefault:\n\t\tx->n = 2;\n\t}\n\tx->n = 3;',
      'write = n plain | write = n plain | write = n plain',
    ],
    ['a label at the top', HEAD, 'out:\n\tx->n = 1;\n\treturn 0;\n}', 'write = n plain'],
    ['a bare else', HEAD, '\telse\n\t\tx->n = 1;\n\tx->n = 2;', 'write = n plain | write = n plain'],
    [
      'an else behind its statement',
      HEAD,
      '\t\tx->n = 1;\n\telse\n\t\tx->n = 2;\n\tx->n = 3;',
      'write = n plain | write = n plain | write = n plain',
    ],
    ['two closers', HEAD, '\t\t\tx->n = 1;\n\t\t}\n\t}\n\tx->n = 2;\n}', 'write = n plain | write = n plain'],
    [
      'a brace in the first column',
      'static int foo(struct s *x, int',
      '{\n\tstruct t *y = x->t;\n\n\ty->n = 1;',
      'read read t plain | write = n plain',
    ],
    ['parameters cut', 'static int foo(struct s *x,', '\t\tstruct t *y)\n{\n\ty->n = 1;\n\tx->n = 2;', 'write = n plain | write = n plain'],
    ['a comment cut', HEAD, '\t * more { than } one (line\n\t */\n\tx->n = 1;', 'write = n plain'],
    ['a comment without an end', HEAD, "\tx->n = 1;\n\t/*\n\t * it's {", 'write = n plain'],
    ['nothing but a comment', HEAD, '\t * one\n\t * two {', ''],
    ['a string continued', HEAD, '\t\t"text %d (%s\\n",\n\t\tx->n, y);\n\tx->n = 1;', 'read read n plain | call? unseen - - | write = n plain'],
    ['a condition cut', HEAD, '\t    x->m) {\n\t\tx->n = 1;\n\t}', 'read read m plain | write = n plain'],
    ['an assignment cut', HEAD, '\t\t= x->m;\n\tx->n = 1;', 'read read m plain | write = n plain'],
    ['a call cut at the end', HEAD, '\tx->n = 1;\n\tatomic_inc(&x->refs', 'write = n plain | rmw atomic_inc refs relaxed'],
    ['an #endif without its #if', HEAD, '\tx->n = 1;\n#endif\n\tx->n = 2;', 'write = n plain | write = n plain'],
    ['an #else without its #if', HEAD, '\tx->n = 1;\n#else\n\tx->n = 2;\n#endif\n}', 'write = n plain | write = n plain'],
    ['an #if without its #endif', HEAD, '\tx->n = 1;\n#ifdef A\n\tx->n = 2;', 'write = n plain | write = n plain'],
    ['the end of one function and another', HEAD, '\tx->n = 1;\n}\n\nint bar(struct s *z)\n{\n\tz->n = 2;', 'write = n plain | write = n plain'],
    [
      'a loop macro left open',
      HEAD,
      '\tlist_for_each_entry(y, &x->list, l) {\n\t\ty->n = 1;',
      'read list_for_each_entry list plain | write = n plain',
    ],
    ['the body of a struct', 'struct s {', '\tint n;\n\tspinlock_t lock;\n};', ''],
    [
      'the body of a struct whose heading is a function',
      HEAD,
      '\tint n;\n\tspinlock_t lock;\n};\n\nstatic void bar(struct s *x)\n{\n\tx->n = 1;\n}',
      'write = n plain',
    ],
    ['a list of initial values', 'static const struct ops ops = {', '\t.open = foo_open,\n\t.read = foo_read,\n};', ''],
    ['a system call', 'SYSCALL_DEFINE2(foo, int, fd, int, n)', '\tx->n = 1;', 'write = n plain'],
    ['a section with attributes', 'static int __init foo(void)', '\tx->n = 1;', 'write = n plain'],
  ])('%s', async (_, section, body, expected) => {
    expect(await eventsOf(section, body)).toEqual(expected === '' ? [] : expected.split(' | '));
  });
});

test('the name comes from the heading, also where a macro makes the head', async () => {
  expect((await piece('SYSCALL_DEFINE2(foo, int, fd, int, n)', '\tx->n = 1;'))[0]?.name).toBe('foo');
  expect((await piece('static int __init foo(void)', '\tx->n = 1;'))[0]?.name).toBe('foo');
  expect((await piece('static __must_check struct s *foo(struct s *x) __must_hold(&x->l)', '\tx->n = 1;'))[0]?.name).toBe('foo');
});

test('two functions in one piece are two functions, each with its lines', async () => {
  const all = await piece(HEAD, '\tx->n = 1;\n}\n\nint bar(struct s *z)\n{\n\tz->n = 2;\n}');
  expect(all.map(f => [f.name, f.line, f.endLine, f.whole])).toEqual([
    ['foo', 100, 101, false],
    ['bar', 103, 106, true],
  ]);
});

test('an undeclared name that may be a local gives no cell, but for an atomic variable, which is of use to others alone', async () => {
  expect(await eventsOf(HEAD, '\tcount++;\n\tatomic_inc(&refs);\n\tset_bit(1, &word);\n\tother.n = 1;\n\tp->n = 2;')).toEqual([
    'rmw atomic_inc refs relaxed',
    'rmw set_bit - relaxed',
    'write = n plain',
  ]);
});

test('parameters in the heading are known', async () => {
  const [fn] = await piece(HEAD, '\tx->n = v;');
  expect(fn?.parameters.map(p => p.name)).toEqual(['x', 'v']);
  expect(fn?.events[0]?.cell).toMatchObject({ type: 'struct s', path: 'n', base: 'x' });
});

test('what touches the edge of a piece is uncertain', async () => {
  const [fn] = await piece(HEAD, '\tx->a = 1;\n\tx->b = 2;\n\tx->c = 3;');
  expect(fn?.events.map(e => e.uncertain)).toEqual([true, false, true]);
});

test('a break whose loop is out of view leads into a gap', async () => {
  const [fn] = await piece(HEAD, '\tx->a = 1;\n\tif (v)\n\t\tbreak;\n\tx->b = 2;');
  expect(fn?.flow.some(n => n.kind === 'gap')).toBe(true);
});
