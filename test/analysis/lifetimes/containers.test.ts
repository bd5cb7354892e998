import { describe, expect, test } from 'vitest';
import { foundIn, removalsOf, sameContainer } from '../../../src/analysis/lifetimes/containers.ts';
import { sectionText } from '../../../src/model/section.ts';
import { worldOfText } from '../../code.ts';

const TYPES = 'struct boat {\n\tstruct list_head node;\n\tint speed;\n};\n';

/** What the last function finds, and what the text takes out and frees. */
async function inText(text: string) {
  const world = await worldOfText(TYPES + text);
  const fn = world.functions.at(-1);
  if (!fn) throw new Error('no function');
  return { found: foundIn(fn, world.functions), removals: removalsOf(world) };
}

describe('what a function finds', () => {
  test('by a walk: the cursor and its copies, by member and type', async () => {
    const { found } = await inText(`
int f(struct harbour *h)
{
	struct boat *b, *best = NULL;

	list_for_each_entry(b, &h->boats, node) {
		if (b->speed)
			best = b;
	}
	return best ? best->speed : 0;
}`);
    expect(found.map(f => [f.names, f.container])).toEqual([[['b', 'best'], { kind: 'list', member: 'node', type: 'struct boat', key: null }]]);
  });

  test('as the first of a list, whose type stands in the call', async () => {
    const { found } = await inText(`
void f(struct harbour *h)
{
	struct boat *b = list_first_entry_or_null(&h->boats, struct boat, node);

	g(b);
}`);
    expect(found.map(f => [f.names, f.container.type])).toEqual([[['b'], 'struct boat']]);
  });

  test('by a helper that returns it, unless the helper takes a lock itself', async () => {
    const helper = (lock: string) => `
static struct boat *look(struct harbour *h, int id)
{
	struct boat *b;

	${lock}
	b = idr_find(&h->boats, id);
	${lock.replace('_lock', '_unlock')}
	return b;
}

void f(struct harbour *h)
{
	struct boat *b = look(h, 1);

	g(b);
}`;
    const open = await inText(helper('h->lookups++;'));
    expect(open.found.map(f => [f.event.api, f.names, f.event.via?.function, f.container.kind])).toEqual([['idr_find', ['b'], 'look', 'map']]);
    const large = await inText(helper('while (h->busy)\n\t\tcpu_relax();'));
    expect(large.found.map(f => [f.event.api, f.names, f.via?.fn.name, f.container.kind])).toEqual([['look', ['b'], 'look', 'map']]);
    const locked = await inText(helper('mutex_lock(&h->lock);'));
    expect(locked.found.map(f => [f.event.api, f.event.locks.map(sectionText)])).toEqual([['idr_find', ['mutex:struct harbour.lock']]]);
    const held = await inText(helper('lockdep_assert_held(&h->lock);'));
    expect(held.found.map(f => f.event.via?.function)).toEqual(['look']);
  });
});

describe('what is taken out and freed', () => {
  const sink = (body: string) => `
static void unlink_boat(struct boat *b)
{
	list_del(&b->node);
}

void sink(struct harbour *h, struct boat *b)
{
	spin_lock(&h->lock);
	${body}
}`;

  test('under a lock, also by a helper, and freed at once or behind a grace period', async () => {
    const plain = await inText(sink('list_del(&b->node);\n\tspin_unlock(&h->lock);\n\tkfree(b);'));
    expect(plain.removals.map(r => [r.event.api, r.free.api, r.object, r.container.member])).toEqual([['list_del', 'kfree', 'b', 'node']]);
    const helped = await inText(sink('unlink_boat(b);\n\tspin_unlock(&h->lock);\n\tkfree_rcu(b, rcu);'));
    expect(helped.removals.map(r => [r.event.api, r.free.api, r.event.via?.function])).toEqual([['list_del', 'kfree_rcu', 'unlink_boat']]);
  });

  test('but not where something is waited for, or another object is freed', async () => {
    const waited = await inText(sink('list_del(&b->node);\n\tspin_unlock(&h->lock);\n\tsynchronize_rcu();\n\tkfree(b);'));
    expect(waited.removals).toEqual([]);
    const other = await inText(sink('list_del(&b->node);\n\tspin_unlock(&h->lock);\n\tkfree(h->spare);'));
    expect(other.removals).toEqual([]);
  });
});

test('one container: the same member of the same type, or the same map', () => {
  const list = { kind: 'list' as const, member: 'node', type: 'struct boat', key: null };
  const map = { kind: 'map' as const, member: '', type: null, key: 'struct hub|ports' };
  expect(sameContainer(list, { ...list })).toBe(true);
  expect(sameContainer(list, { ...list, type: 'struct tug' })).toBe(false);
  expect(sameContainer(list, map)).toBe(false);
  expect(sameContainer(map, { ...map, key: null })).toBe(false);
});
