import { describe, expect, test } from 'vitest';
import { isReached } from '../../../src/c/cfg/order.ts';
import { functionsOf } from '../compact.ts';

/** The arguments of an expanded event by the function's own name for what is called, in the last function of the text. */
async function argsOf(text: string, api: string): Promise<readonly string[] | undefined> {
  const functions = await functionsOf(text);
  return functions.at(-1)?.events.find(e => e.api === api && e.via)?.args;
}

describe('what a helper names is, in its caller,', () => {
  test('the same global, whose address both take', async () => {
    const text =
      'static void add(struct s *p)\n{\n\tspin_lock(&table_lock);\n\tp->n++;\n\tspin_unlock(&table_lock);\n}\nvoid f(struct s *p)\n{\n\tspin_lock(&table_lock);\n\tp->n = 0;\n\tspin_unlock(&table_lock);\n\tadd(p);\n}\n';
    expect(await argsOf(text, 'spin_lock')).toEqual(['&table_lock']);
  });

  test('another local, where the caller has one of that name', async () => {
    const text =
      'static void add(struct s *p)\n{\n\tstruct item i;\n\n\tspin_lock(&i.lock);\n\tp->n++;\n}\nvoid f(struct s *p)\n{\n\tstruct item i;\n\n\tfill(&i);\n\tadd(p);\n}\n';
    expect(await argsOf(text, 'spin_lock')).toEqual(['&i_.lock']);
  });

  test('another local, where a macro declares one of that name in the caller', async () => {
    const text =
      'static void add(struct s *p)\n{\n\tstruct item *i = container_of(p, struct item, s);\n\n\tspin_lock(&i->lock);\n}\nvoid f(struct s *p)\n{\n\tDECLARE_ITEM(i, p);\n\n\ti->n = 1;\n\tadd(p);\n}\n';
    expect(await argsOf(text, 'spin_lock')).toEqual(['&i_->lock']);
  });

  test('the variable that its result goes to, where it returns what it names', async () => {
    const text =
      'static struct s *get(struct t *t)\n{\n\tstruct s *p;\n\n\tp = rcu_dereference(t->p);\n\tif (p)\n\t\tdev_hold(p->dev);\n\treturn p;\n}\nvoid f(struct t *t)\n{\n\tstruct s *p = get(t);\n\n\tuse(p);\n}\n';
    expect(await argsOf(text, 'dev_hold')).toEqual(['p->dev']);
  });

  test('a local of its own, where the caller still gives what the result replaces', async () => {
    const text =
      'static struct s *next(struct s *p)\n{\n\tstruct s *q;\n\n\tq = rcu_dereference(p->next);\n\tif (q)\n\t\tdev_hold(q->dev);\n\treturn q;\n}\nvoid f(struct s *p)\n{\n\tp = next(p);\n\tuse(p);\n}\n';
    expect(await argsOf(text, 'dev_hold')).toEqual(['q->dev']);
  });
});

test('a constant argument decides the branches that test the parameter alone', async () => {
  const helper = 'static void a(struct s *p, int sleep)\n{\n\tp->n = 1;\n\tif (!sleep)\n\t\treturn;\n\tmsleep(1);\n}\n';
  const reached = async (call: string) => {
    const fn = (await functionsOf(`${helper}void f(struct s *x, int v)\n{\n\t${call}\n\tx->flags = 2;\n}`)).at(-1);
    const [sleep, last] = [fn?.events.find(e => e.api === 'msleep'), fn?.events.find(e => e.operand === '2')];
    return fn && sleep && last ? [isReached(fn.flow, sleep.node), isReached(fn.flow, last.node)] : null;
  };
  expect(await reached('a(x, 0);')).toEqual([false, true]);
  expect(await reached('a(x, true);')).toEqual([true, true]);
  expect(await reached('a(x, v);')).toEqual([true, true]);
});

test('helpers that test one variable of their caller take one path', async () => {
  const functions = await functionsOf(`static void lock(struct s *p, int sleeps)
{
	if (sleeps)
		mutex_lock(&p->m);
	else
		spin_lock(&p->lock);
}
static void unlock(struct s *p, int sleeps)
{
	if (!sleeps)
		spin_unlock(&p->lock);
	else
		mutex_unlock(&p->m);
}
void f(struct s *x, int v)
{
	lock(x, v);
	x->n = 1;
	unlock(x, v);
	x->flags = 2;
}
void g(struct s *x, int v)
{
	lock(x, v);
	v = x->n;
	unlock(x, v);
	x->flags = 2;
}`);
  const maybe = (name: string) => functions.find(f => f.name === name)?.events.find(e => e.operand === '2')?.maybeLocks.length;
  expect([maybe('f'), maybe('g')]).toEqual([0, 2]);
});
