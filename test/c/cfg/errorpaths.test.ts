import { describe, expect, test } from 'vitest';
import { functionOf } from '../compact.ts';

/** The numbers that the function writes on paths that only fail. */
async function failing(body: string): Promise<number[]> {
  const fn = await functionOf(body);
  return fn.events.filter(e => e.kind === 'write' && e.phase.includes('error-path')).map(e => Number(e.operand));
}

const object = (body: string) => `static struct s *f(struct s *x, struct s *y, int v)\n{\n${body}\n}`;

describe('on an error path is what only runs where the function fails', () => {
  test.each<[string, string, number[]]>([
    ['a return of an errno', 'if (v) { x->n = 1; return -EINVAL; } x->n = 2; return 0;', [1]],
    ['a number below zero', 'if (v) { x->n = 1; return -1; } x->n = 2; return 0;', [1]],
    ['cleanup behind a label that only failures reach', 'if (v) goto out; x->n = 1; return 0;\nout:\n\tx->n = 2; return -ENOMEM;', [2]],
    ['a label that success reaches too', 'if (v) goto out; x->n = 1;\nout:\n\tx->n = 2; return v;', []],
    ['an error in a variable', 'int err = q(x); if (err) { x->n = 1; return err; } x->n = 2; return 0;', [1]],
    ['an error in a variable, to a label', 'int err = q(x); if (err) goto out; x->n = 2; return 0;\nout:\n\tx->n = 1; return err;', [1]],
    ['a negative result', 'int err = q(x); if (err < 0) { x->n = 1; return err; } x->n = 2; return err;', [1]],
    ['the other arm', 'int err = q(x); if (!err) { x->n = 2; return 0; } x->n = 1; return err;', [1]],
    ['a result tested as it is set', 'int err; if ((err = q(x)) < 0) { x->n = 1; return err; } return 0;', [1]],
    ['an errno set before the jump', 'int err; if (!y) { err = -ENOMEM; goto out; } x->n = 2; err = 0;\nout:\n\tx->n = 3; return err;', []],
    [
      'what is done between the failure and a label that all reach',
      'int err = 0; if (!y) { err = -ENOMEM; x->n = 1; goto out; } x->n = 2;\nout:\n\tx->n = 3; return err;',
      [1],
    ],
    ['an errno from the first line on', 'int err = -EINVAL; if (v) { x->n = 1; goto out; } x->n = 2; err = 0;\nout:\n\treturn err;', [1]],
    [
      'several labels',
      'int err = q(x); if (err) goto a; err = q(y); if (err) goto b; return 0;\nb:\n\tx->n = 1;\na:\n\tx->n = 2; return err;',
      [1, 2],
    ],
    ['a label named so that success passes', 'x->n = 1; if (v) goto error; x->n = 2;\nerror:\n\tx->n = 3; return 0;', []],
    ['a function that always fails', 'x->n = 1; return -EOPNOTSUPP;', []],
    ['a function without a value', 'void f(struct s *x)\n{\n\tif (!x)\n\t\treturn;\n\tx->n = 1;\n}', []],
    ['a way that may still succeed', 'if (v) { x->n = 1; if (i) return -EINVAL; } return 0;', []],
    ['a loop without an end', 'if (v) return -EINVAL; for (;;) x->n = 1;', []],
    ['a jump out of view', 'if (v) { x->n = 1; goto gone; } return 0;', []],
    [
      'a result that is a count',
      'unsigned int f(struct s *x)\n{\n\tunsigned int n = q(x);\n\tif (n) {\n\t\tx->n = 1;\n\t\treturn n;\n\t}\n\treturn 0;\n}',
      [],
    ],
    ['an error pointer', object('if (v) { x->n = 1; return ERR_PTR(-EINVAL); } return y;'), [1]],
    ['NULL where others give an object', object('if (v) { x->n = 1; return NULL; } return y;'), [1]],
    ['NULL alone', object('x->n = 1; if (v) x->n = 2; return NULL;'), []],
    ['a pointer that holds an error', object('struct s *p = q(x); if (IS_ERR(p)) { x->n = 1; return p; } x->n = 2; return p;'), [1]],
    ['a pointer that is found', object('struct s *p = q(x); if (p) { x->n = 2; return p; } return y;'), []],
  ])('%s', async (_, body, expected) => {
    expect(await failing(body)).toEqual(expected);
  });
});

test.each([
  ['static int __init f(struct s *x)\n{\n\tx->n = 1;\n\treturn 0;\n}', ['init']],
  ['__init static int f(struct s *x)\n{\n\tx->n = 1;\n\treturn 0;\n}', ['init']],
  ['static int __net_init f(struct s *x)\n{\n\tx->n = 1;\n\treturn 0;\n}', ['init']],
  ['static void __exit f(struct s *x)\n{\n\tx->n = 1;\n}', ['exit']],
  ['static int probe(struct s *x)\n{\n\tx->n = 1;\n\treturn 0;\n}', []],
  ['static int __init f(struct s *x)\n{\n\tif (!x) {\n\t\ttotal = 1;\n\t\treturn -EINVAL;\n\t}\n\treturn 0;\n}', ['init', 'error-path']],
  ['static int __init f(struct s *x)\n{\n\tspin_lock(&x->lock);\n\tx->n = 1;\n\tspin_unlock(&x->lock);\n\treturn 0;\n}', ['init']],
])('an attribute, not a name, says that a function runs at initialisation or removal: %s', async (text, expected) => {
  const fn = await functionOf(text);
  expect(fn.events.find(e => e.kind === 'write')?.phase).toEqual(expected);
});
