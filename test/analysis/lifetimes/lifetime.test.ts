import { describe, expect, test } from 'vitest';
import {
  freedParameters,
  mayFree,
  onward,
  releasesIn,
  surelyReaches,
  takesReference,
  unlinkedBy,
  variablesIn,
} from '../../../src/analysis/lifetimes/lifetime.ts';
import { calleeOf } from '../../../src/c/calls/callees.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import { worldOfText } from '../../code.ts';

/** The functions of a text, the last of them first at hand. */
async function functionsIn(text: string): Promise<{ fn: CFunction; all: CFunction[] }> {
  const { functions } = await worldOfText(text);
  const fn = functions.at(-1);
  if (!fn) throw new Error('no function');
  return { fn, all: functions };
}

function at(fn: CFunction, api: string): Event {
  const event = fn.events.find(e => e.api === api);
  if (!event) throw new Error(`no ${api}`);
  return event;
}

/** The calls without a fact that lie behind the event named. */
async function behind(text: string, api: string, how: (fn: CFunction) => Parameters<typeof onward>[2] = () => ({})): Promise<string[]> {
  const { fn } = await functionsIn(text);
  return onward(fn, at(fn, api), how(fn))
    .events.filter(e => e.opaque)
    .map(e => e.api);
}

describe('what runs behind an event', () => {
  const branches = `
void f(struct x *x, int c)
{
	if (c)
		kfree(x);
	else
		other(x);
	middle();
	if (c)
		same();
	else
		never();
}`;

  test('does not take the other way of a condition that is tested again', async () => {
    expect(await behind(branches, 'kfree')).toEqual(['middle', 'same']);
  });

  test('ends where a variable has a new value', async () => {
    const text = 'void f(struct x *x, int c)\n{\n\tkfree(x);\n\tfirst();\n\tif (c)\n\t\tx = make();\n\tlast(x);\n}';
    expect(await behind(text, 'kfree', () => ({ variables: ['x'] }))).toEqual(['first', 'make', 'last']);
    expect(await behind(text.replace('\tif (c)\n\t', ''), 'kfree', () => ({ variables: ['x'] }))).toEqual(['first', 'make']);
  });

  test('ends where a variable’s address is given away', async () => {
    const text = 'void f(struct x *x)\n{\n\tkfree(x);\n\tfill(&x);\n\tlast(x);\n}';
    expect(await behind(text, 'kfree', () => ({ variables: ['x'] }))).toEqual([]);
  });

  test('stays in the round of its loop, unless asked for more', async () => {
    const text = 'void f(struct x *x)\n{\n\twhile (more()) {\n\t\thead(x);\n\t\tkfree(x);\n\t\ttail();\n\t}\n\tend();\n}';
    expect(await behind(text, 'kfree')).toEqual(['tail']);
    expect(await behind(text, 'kfree', () => ({ rounds: true }))).toEqual(['more', 'head', 'tail', 'end']);
  });

  test('goes to a label behind it that a goto before it named first', async () => {
    const text = 'void f(struct x *x)\n{\n\tif (bad(x))\n\t\tgoto out;\n\tkfree(x);\n\tgood();\nout:\n\tend();\n}';
    expect(await behind(text, 'kfree')).toEqual(['good', 'end']);
  });

  test('is told by the value of the first event where asked', async () => {
    const text = 'void f(struct x *x)\n{\n\tif (refcount_dec_and_test(&x->refs))\n\t\tlast();\n\telse\n\t\tothers();\n\tboth();\n}';
    expect(await behind(text, 'refcount_dec_and_test', () => ({ value: 'zero' }))).toEqual(['others', 'both']);
    expect(await behind(text, 'refcount_dec_and_test', () => ({ value: 'nonzero' }))).toEqual(['last', 'both']);
  });

  test('leaves out the ways on which a pointer is NULL where asked', async () => {
    const text = 'void f(struct s *s)\n{\n\tstruct x *x = rcu_dereference(s->x);\n\tif (!x) {\n\t\tnone();\n\t\treturn;\n\t}\n\tsome(x);\n}';
    expect(await behind(text, 'rcu_dereference', () => ({ alive: 'x', variables: ['x'], result: true }))).toEqual(['some']);
  });

  test('is sure only where no way leads past it', async () => {
    const { fn } = await functionsIn('void f(struct x *x, int c)\n{\n\tkfree(x);\n\tif (c)\n\t\treturn;\n\tlast(x);\n}');
    expect(surelyReaches(fn, at(fn, 'kfree'), [at(fn, 'last')])).toBe(false);
    const { fn: straight } = await functionsIn('void f(struct x *x)\n{\n\tkfree(x);\n\tlast(x);\n}');
    expect(surelyReaches(straight, at(straight, 'kfree'), [at(straight, 'last')])).toBe(true);
  });
});

describe('what a function gives back', () => {
  test('is the object as the function spells it, freed or put, itself or by another', async () => {
    const { fn, all } = await functionsIn(`
static void drop(struct x *x)
{
	if (!x)
		return;
	kfree(x->name);
	kfree(x);
}

void f(struct s *s, struct x *x)
{
	drop(x);
	kfree(s->buf[s->n]);
	put_device(&s->dev);
	kfree_rcu(s, rcu);
}`);
    expect(releasesIn(fn, all).map(r => [r.kind, r.object, r.via])).toEqual([
      ['free', 'x', 'drop'],
      ['free', 's.buf[s.n]', null],
      ['put', 's', null],
    ]);
  });

  test('is not sure where only some way frees it, where it waits, or where the parameter was set anew', async () => {
    const freed = async (body: string) => {
      const { fn, all } = await functionsIn(`void f(struct x *x, int c)\n{\n${body}\n}`);
      return freedParameters(fn, all);
    };
    expect(await freed('\tif (c)\n\t\tkfree(x);')).toEqual([]);
    expect(await freed('\tif (c)\n\t\tkfree(x);\n\telse\n\t\tkfree(x);')).toEqual([0]);
    expect(await freed('\tx = next(x);\n\tkfree(x);')).toEqual([]);
    expect(await freed('\tkfree_rcu(x, rcu);')).toEqual([]);
  });

  test('may be freed on some way by a function in view, unless that waits for readers or counts references', async () => {
    const may = async (body: string) => {
      const { fn, all } = await functionsIn(`static void drop(struct x *x)\n{\n${body}\n}\n\nvoid f(struct x *x)\n{\n\tdrop(x);\n}`);
      const call = at(fn, 'drop');
      expect(calleeOf(fn, call, all)?.name).toBe('drop');
      return mayFree(fn, call, 'x', all);
    };
    expect(await may('\tif (x->n)\n\t\tkfree(x);')).toBe(true);
    expect(await may('\tif (x->n)\n\t\tkfree(x->name);')).toBe(false);
    expect(await may('\tsynchronize_rcu();\n\tkfree(x);')).toBe(false);
    expect(await may('\tif (refcount_dec_and_test(&x->refs))\n\t\tkfree(x);')).toBe(false);
    expect(await may('\tkfree_rcu(x->old, rcu);\n\tkfree(x);')).toBe(true);
  });

  test('is off an RCU list by itself or by a helper that does not wait', async () => {
    const { fn, all } = await functionsIn(`
static void unlink(struct x *x)
{
	list_del_rcu(&x->node);
}

static void unlink_and_wait(struct x *x)
{
	list_del_rcu(&x->node);
	synchronize_rcu();
}

void f(struct x *x)
{
	unlink(x);
	unlink_and_wait(x);
	hlist_del_rcu(&x->hash);
}`);
    const unlinked = fn.events.filter(e => unlinkedBy(fn, e, all) !== null);
    expect(unlinked.map(e => [e.api, e.line, unlinkedBy(fn, e, all)])).toEqual([
      ['list_del_rcu', 15, 'x'],
      ['list_del_rcu', 16, 'x'],
      ['hlist_del_rcu', 17, 'x'],
    ]);
  });
});

test('a reference is one more by its fact or by its name', async () => {
  const { fn } = await functionsIn('void f(struct x *x)\n{\n\tkref_get(&x->kref);\n\tx_hold(x);\n\tx_get_name(x->name);\n\tx_print(x);\n}');
  expect(fn.events.filter(e => takesReference(e, 'x')).map(e => e.api)).toEqual(['kref_get', 'x_hold']);
});

test('an object is decided by its first name and by its subscripts', () => {
  expect(variablesIn('a.b[i].c')).toEqual(['a', 'i']);
  expect(variablesIn('x#2')).toEqual(['x#2']);
});

test('no path contradicts what it has decided since the event', async () => {
  const { fn } = await functionsIn(`
void pack(struct box *b, int x)
{
	first(b);
	x = b->mode;
	if (x == 1)
		a(b);
	else
		c(b);
	if (x != 1)
		d(b);
	last(b);
}
`);
  const after = (api: string) => onward(fn, at(fn, api), {}).events.flatMap(e => (/^(?:[a-d]|last)$/.test(e.api) ? [e.api] : []));
  expect(after('first')).toEqual(['a', 'c', 'd', 'last']);
  const stopped = onward(fn, at(fn, 'first'), { stop: e => e.api === 'c' }).events.map(e => e.api);
  expect(stopped).toContain('a');
  expect(stopped).not.toContain('d');
});
