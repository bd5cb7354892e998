import { eventsOf, gates, isTest, keyOf, nearest, nodesAfter, ofOneObject, ordersLoads, passes } from '../../src/c/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'descriptor-read-before-owned',
  title: 'Words of a descriptor are read without a barrier behind the test that it is the CPU’s',
  why: `
    A device writes a descriptor and then the word that hands it over. The CPU may load the other words before that one, also where a branch
    stands between: a control dependency orders no loads. dma_rmb() behind the test is what keeps them in order. Where one function of a driver
    has that barrier between the same two words and another has not, this is certain by inspection; the memory model covers no devices, so
    there is no claim and no witness.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['barrier-missing'],
  references: ['Documentation/memory-barriers.txt, CPU MEMORY BARRIERS'],
  knownGaps: ['a driver that has the barrier nowhere', 'descriptors read by helpers'],
  examples: {
    bad: [
      `
int rx_poll(struct ring *r, struct desc *d)
{
	if (!(le32_to_cpu(d->status) & DESC_DONE))
		return 0;
	dma_rmb();
	return le32_to_cpu(d->len);
}

int rx_peek(struct ring *r, struct desc *d)
{
	if (!(le32_to_cpu(d->status) & DESC_DONE)) /* want: descriptor-read-before-owned "len" */
		return 0;
	return le32_to_cpu(d->len);
}`,
    ],
    good: [
      `
int rx_poll(struct ring *r, struct desc *d)
{
	if (!(le32_to_cpu(d->status) & DESC_DONE))
		return 0;
	dma_rmb();
	return le32_to_cpu(d->len);
}

int rx_peek(struct ring *r, struct desc *d)
{
	if (!(le32_to_cpu(d->status) & DESC_DONE))
		return 0;
	rmb();
	return le32_to_cpu(d->len);
}`,
      `
/* No barrier anywhere: nothing says that a device writes it. */
int ext_len(struct extent *x)
{
	if (!(le32_to_cpu(x->status) & EXT_VALID))
		return 0;
	return le32_to_cpu(x->len);
}`,
      `
int rx_poll(struct ring *r, struct desc *d)
{
	if (!(le32_to_cpu(d->status) & DESC_DONE))
		return 0;
	dma_rmb();
	return le32_to_cpu(d->len);
}

/* The other word is read whoever owns it, and means nothing yet. */
void rx_dump(struct desc *d)
{
	pr_debug("%x %x\\n", le32_to_cpu(d->len), le32_to_cpu(d->status));
}

/* A copy that the poll has made. */
int rx_left(struct desc *copy)
{
	struct desc own = *copy;

	if (!(own.status & DESC_DONE))
		return 0;
	return own.len;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    const seen = new Set<string>();
    for (const word of fn.events) {
      if (word.kind !== 'read' || !word.cell?.base || word.object !== undefined || word.locks.length > 0) continue;
      const model = modelsIn(world).get(keyOf(word) ?? '');
      if (!model || seen.has(keyOf(word) ?? '')) continue;
      const ahead = nodesAfter(fn, word.node);
      const load = fn.events.find(
        e =>
          e.index > word.index &&
          e.kind === 'read' &&
          ofOneObject(e, word) &&
          ahead.has(e.node) &&
          e.line !== word.line &&
          gates(fn, word, e) &&
          model.some(m => m.fn !== fn && m.words.has(keyOf(e) ?? '')) &&
          !passes(fn, word, e, x => ordersLoads(x) || x.ordering === 'acquire' || x.opaque || x.argCells !== undefined),
      );
      const other = load && model.find(m => m.fn !== fn && m.words.has(keyOf(load) ?? ''));
      if (!load || !other) continue;
      seen.add(keyOf(word) ?? '');
      const [name, what] = [word.cell.path, load.cell?.path ?? 'the next word'];
      report(
        { event: word, fn },
        {
          message: `${fn.name}() reads ${what} behind the test of ${name} without ${other.fence.api}(), which stands between the two in ${other.fn.name}()`,
          question: `Does ${fn.name}() need ${other.fence.api}() as ${other.fn.name}() does?`,
          dismissal: `Not an issue if the descriptor is known to be the CPU’s before ${fn.name}() is called`,
          quote: [word, load],
          related: [{ path: other.fence.path, line: other.fence.line, side: other.fence.side, note: `the barrier, in ${other.fn.name}()` }],
          advice: [`${other.fence.api}() between the test of ${name} and the load of ${what}`],
        },
      );
    }
  },
} satisfies Rule;

/** A function that has the barrier: which words it reads behind it. */
interface Model {
  fn: CFunction;
  fence: Event;
  words: ReadonlySet<string>;
}

const models = new WeakMap<World, Map<string, Model[]>>();

/** By the key of the word that is tested before a barrier for device memory. */
function modelsIn(world: World): Map<string, Model[]> {
  const known = models.get(world);
  if (known) return known;
  const found = new Map<string, Model[]>();
  models.set(world, found);
  for (const fn of world.functions) {
    for (const fence of eventsOf(fn, 'fence', /^(?:dma_rmb|rmb)$/)) {
      const word = nearest(fn, fence, 'before', e => e.kind === 'read').events.find(e => e.cell?.type != null && e.cell.base !== null && e.object === undefined);
      if (!word || !fn.flow.some(node => node.kind === 'branch' && node.decides?.includes(word.index))) continue;
      const ahead = nodesAfter(fn, fence.node);
      const words = fn.events.filter(e => e.kind === 'read' && e.index > fence.index && ahead.has(e.node) && ofOneObject(e, word) && keyOf(e) !== keyOf(word));
      const key = keyOf(word) ?? '';
      const list = found.get(key) ?? [];
      found.set(key, list);
      list.push({ fn, fence, words: new Set(words.map(e => keyOf(e) ?? '')) });
    }
  }
  return found;
}
