import { describe, expect, it } from 'vitest';
import { imageOfText } from '../../src/analysis/view.ts';
import { parseCache, worldOf } from '../../src/analysis/world.ts';
import { NO_FACTS } from '../../src/engine/declared.ts';
import { knowledgeOf } from '../../src/engine/knowledge.ts';
import { factFrom as factOfRow } from '../../src/facts/describe.ts';
import type { Event } from '../../src/model/code.ts';
import type { Knowledge } from '../../src/model/fact.ts';
import { contractsIn } from '../../src/tree/contracts.ts';
import { openTable } from '../../src/tree/table.ts';
import { grammar } from '../code.ts';
import { bytesOf, contractsOfFiles, knowledgeWith, packing, tablesWith } from './rows.ts';

const TREE = {
  'include/linux/foo.h': 'static inline void foo_nothing(int n) { }\nstatic inline int foo_read(struct foo *f) { return f->n; }\n',
  'kernel/foo.c': `
void foo_lock(struct foo *f)
{
	mutex_lock(&f->lock);
}
void foo_unlock(struct foo *f)
{
	mutex_unlock(&f->lock);
}
void foo_both(struct foo *f)
{
	mutex_lock(&f->lock);
	spin_lock_irq(&f->other);
}
void foo_end(struct foo *f)
{
	kfree(f);
}
void foo_maybe(struct foo *f)
{
	if (f->n)
		kfree(f);
}
void *foo_make(struct foo *f, gfp_t gfp)
{
	return kmalloc(12, gfp);
}
void foo_put(struct foo *f)
{
	f->ops->put(f);
}
EXPORT_SYMBOL(foo_lock);
`,
};

async function eventsOf(body: string, known?: Knowledge): Promise<readonly Event[]> {
  const text = `struct foo { struct mutex lock; int n; };\nint test(struct foo *f)\n{\n${body}\n}\n`;
  const cache = parseCache(await grammar(), known ?? (await knowledgeWith(TREE)));
  const { world } = worldOf([imageOfText('drivers/example/example.c', text)], [], cache);
  return world.functions.find(f => f.name === 'test')?.events ?? [];
}

const called = (events: readonly Event[], api: string) => events.find(e => (e.written ?? e.api) === api);

describe('a call of a function that the table has', () => {
  it('of a lock wrapper is that lock', async () => {
    const events = await eventsOf('\tfoo_lock(f);\n\tf->n = 1;\n\tfoo_unlock(f);\n\tf->n = 2;\n\treturn 0;');
    expect(called(events, 'foo_lock')).toMatchObject({ kind: 'lock', opaque: false, cell: { type: 'struct foo', path: 'lock' } });
    const [inside, outside] = events.filter(e => e.kind === 'write');
    expect(inside?.locks.map(l => `${l.family}:${l.object}`)).toEqual(['mutex:struct foo.lock']);
    expect(outside?.locks).toEqual([]);
  });

  it('of two locks leaves both, and their context', async () => {
    const events = await eventsOf('\tfoo_both(f);\n\tf->n = 1;\n\treturn 0;');
    const write = events.find(e => e.kind === 'write');
    expect(write?.locks.map(l => l.family).sort()).toEqual(['mutex', 'spin']);
    expect(write?.context.map(c => c.family)).toContain('irqs-off');
  });

  it('says what is sure as its fact, and what may be as inferred', async () => {
    const events = await eventsOf('\tfoo_maybe(f);\n\tfoo_end(f);\n\treturn 0;');
    expect(called(events, 'foo_end')).toMatchObject({ kind: 'free', cell: { base: 'f', path: '*' }, fact: { contract: { complete: true } } });
    const maybe = called(events, 'foo_maybe');
    expect(maybe?.kind).toBe('call');
    expect(maybe?.fact?.effects).toEqual([]);
    expect(maybe?.inferred?.effects.map(e => e.does)).toEqual(['free']);
  });

  it('that does nothing of the kind is not opaque, and one that was not read is', async () => {
    const events = await eventsOf('\tfoo_nothing(1);\n\tfoo_read(f);\n\tnowhere(f);\n\tfoo_put(f);\n\treturn 0;');
    expect(called(events, 'foo_nothing')).toMatchObject({ opaque: false });
    expect(called(events, 'foo_nothing')?.argCells).toBeUndefined();
    expect(called(events, 'foo_read')).toMatchObject({ opaque: false });
    expect(called(events, 'foo_read')?.argCells).toHaveLength(1);
    expect(called(events, 'nowhere')).toMatchObject({ opaque: true });
    expect(called(events, 'foo_put')).toMatchObject({ opaque: true, fact: { part: true } });
  });

  it('may return new memory where the body does, whether or not all of it was read', async () => {
    const known = await knowledgeWith({
      ...TREE,
      'kernel/new.c': 'void *foo_new(struct foo *f)\n{\n\tf->ops->count(f);\n\treturn kmalloc(12, GFP_KERNEL);\n}\n',
    });
    for (const name of ['foo_make', 'foo_new']) {
      const row = known.contract(name);
      expect(row?.fact.contract?.complete).toBe(name === 'foo_make');
      expect(row?.inferred?.effects).toContainEqual({ does: 'alloc' });
    }
    expect(known.contract('foo_end')?.inferred).toBeNull();
  });

  it('sleeps as its flags say', async () => {
    const events = await eventsOf('\tfoo_make(f, GFP_ATOMIC);\n\treturn 0;');
    expect(called(events, 'foo_make')?.fact?.effects).toContainEqual({ does: 'sleep', when: 'gfp', gfp: 1 });
  });
});

it('a count that is part of an argument counts the argument', async () => {
  const known = await knowledgeWith({
    'include/linux/foo.h': 'static inline bool foo_tryget(struct foo *f) { return kref_get_unless_zero(&f->ref); }\n',
  });
  const both = known.contract('foo_tryget');
  expect([...(both?.fact.effects ?? []), ...(both?.inferred?.effects ?? [])]).toContainEqual({
    does: 'ref',
    object: 0,
    by: 'get-unless-zero',
    frees: false,
  });
});

describe('who is asked first', () => {
  it('a body in view, before the table', async () => {
    const cache = parseCache(await grammar(), await knowledgeWith(TREE));
    const text = 'void foo_end(struct foo *f)\n{\n\tf->n = 0;\n\tf->m = 0;\n}\nvoid test(struct foo *f)\n{\n\tfoo_end(f);\n}\n';
    const { world } = worldOf([imageOfText('kernel/foo.c', text)], [], cache);
    const event = world.functions.find(f => f.name === 'test')?.events.find(e => e.api === 'foo_end');
    expect(event?.fact).toBeUndefined();
  });

  it('what is declared, before the table; what a name says, after it', async () => {
    const opened = openTable(bytesOf(await contractsOfFiles(TREE)), packing);
    if ('problem' in opened) throw new Error(opened.problem);
    const fact = factOfRow('foo_end', { kind: 'call', sleeps: 'yes' }, 'declared');
    const declared = { ...NO_FACTS, functions: [{ name: 'foo_end', fact, file: 'facts.yaml', line: 1 }] };
    const { known } = knowledgeOf(declared, tablesWith(contractsIn(opened.table)));
    const events = await eventsOf('\tfoo_end(f);\n\tfoo_put(f);\n\tbar_put(f);\n\treturn 0;', known);
    expect(called(events, 'foo_end')).toMatchObject({ kind: 'call', fact: { sleeps: 'yes' } });
    // Of a body that leaves something open the name says the rest.
    expect(called(events, 'foo_put')?.inferred?.effects.map(e => e.does)).toContain('ref');
    expect(called(events, 'bar_put')?.inferred?.effects.map(e => e.does)).toContain('ref');
    expect(called(events, 'bar_put')?.fact).toBeUndefined();
  });

  it('a built-in fact, before the table', async () => {
    const known = await knowledgeWith({ 'kernel/foo.c': 'void schedule_odd(struct foo *f)\n{\n\tkfree(f);\n}\n' });
    expect(known.contract('schedule_odd')?.fact.kind).toBe('free');
    expect(known.contract('mutex_lock')).toBeUndefined();
    expect(known.fact('mutex_lock')?.kind).toBe('lock');
  });
});
