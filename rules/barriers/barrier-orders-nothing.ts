import { called, commentsBeside, fencesOf, headsAround, isAccess, nodesAfter, runsNamed, walk } from '../../src/analysis/query.ts';
import type { CFunction, Event, FlowNode } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'barrier-orders-nothing',
  title: 'A read barrier between two reads of the same cells, where no two loads need ordering',
  why: `
    A read barrier orders the loads before it against the loads after it. Where the same cells are read on both sides, and each set of reads
    is evaluated by itself, coherence already keeps each cell from going backwards, and the barrier has nothing left to do. A barrier does
    not refresh anything: it orders, and does not make a store visible sooner. The usual intent, to check once more before reporting a
    failure, needs whatever serialises the writers. Reported by inspection: coherence already orders two loads of one cell.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['barrier-misplaced'],
  references: ['Documentation/memory-barriers.txt, SMP BARRIER PAIRING', 'Documentation/memory-barriers.txt, CPU MEMORY BARRIERS'],
  knownGaps: ['a barrier that a caller relies on may be useful, so the function must do both reads itself'],
  examples: {
    bad: [
      `
bool twin_sane(struct twin *t)
{
	if (READ_ONCE(t->left) == READ_ONCE(t->right))
		return true;
	smp_rmb(); /* want: barrier-orders-nothing "twin_sane()" */
	return READ_ONCE(t->left) == READ_ONCE(t->right);
}`,
    ],
    good: [
      `
int ring_len(struct ring *r)
{
	if (!READ_ONCE(r->ready))
		return 0;
	smp_rmb(); /* pairs with smp_wmb() in ring_open() */
	return READ_ONCE(r->len);
}`,
      `
u64 clock_read(struct clock *c)
{
	unsigned int seq;
	u64 ns;

	do {
		seq = READ_ONCE(c->seq);
		smp_rmb();
		ns = READ_ONCE(c->ns);
		smp_rmb();
	} while (seq != READ_ONCE(c->seq));
	return ns;
}`,
      `
/* The state is read again to see whether what was copied in between was whole. */
bool desc_copy(struct desc *d, struct info *to)
{
	if (atomic_read(&d->state) != DESC_FINAL)
		return false;
	smp_rmb(); /* pairs with the release in desc_commit() */
	to->seq = d->info.seq;
	memcpy(to->text, d->info.text, sizeof(to->text));
	smp_rmb(); /* pairs with the full barrier in desc_reuse() */
	return atomic_read(&d->state) == DESC_FINAL;
}`,
      `
bool desc_seq(struct desc *d, u64 *seq)
{
	if (atomic_read(&d->state) != DESC_FINAL)
		return false;
	*seq = d->info.seq;
	smp_rmb();
	return atomic_read(&d->state) == DESC_FINAL;
}`,
      `
/* A double collect: the second reading is compared with the first. */
bool pair_stable(struct pair *p)
{
	int a = READ_ONCE(p->a), b = READ_ONCE(p->b);

	smp_rmb();
	return a == READ_ONCE(p->a) && b == READ_ONCE(p->b);
}`,
      `
static inline void ring_read_begin(void)
{
	smp_rmb();
}`,
      `
int log_last(struct log *l)
{
	int head = READ_ONCE(l->head);

	smp_rmb();
	head = READ_ONCE(l->head);
	return l->slot[head];
}`,
      `
/* What the barrier is good for is out of view, and a comment says so. */
bool vane_still(struct vane *v)
{
	if (READ_ONCE(v->turns) == 0)
		return true;
	/*
	 * Pairs with smp_wmb() in vane_turn(): the caller reads
	 * the position next.
	 */
	smp_rmb();
	return READ_ONCE(v->turns) == 0;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (!fn.whole) return;
    for (const fence of fencesOf(fn, 'rmb')) {
      const [before, after] = [sideOf(fn, fence, true, world), sideOf(fn, fence, false, world)];
      if (!before || !after || after.length === 0) continue;
      // A read-modify-write reads too, and what it reads may need the order; plain stores are none of a read barrier's business.
      if (after.some(e => e.kind === 'rmw')) continue;
      const [was, is] = [marked(before), marked(after)];
      if (is.size === 0 || was.size !== is.size || [...is].some(k => !was.has(k))) continue;
      const plain = new Set(before.map(placeOf));
      if (after.some(e => e.kind === 'read' && e.ordering === 'plain' && !plain.has(placeOf(e)))) continue;
      if (namesPair(fn, fence)) continue;
      if (payloadBefore(fn, before, after) || comparedAcross(fn, before, after)) continue;
      report(
        { event: fence, fn },
        {
          message: `${called(fence)}() in ${fn.name}() is between two reads of the same cells, and no two loads across it need ordering`,
          detail: [
            'The same cells are read before and after it, each set of reads is evaluated by itself, and reads of one cell never go backwards. A barrier orders accesses; it does not make a read fresher, nor two reads atomic',
          ],
          question: 'Which two loads must it order, and which barrier on the other side does it pair with?',
          dismissal: 'Not an issue if a comment names the barrier that it pairs with',
          said: world
            .said(fn, ['barrier', 'stale', 'reorder', 'fresh', '\\w*_rmb'])
            .filter(s => s.source !== 'opening comment')
            .slice(0, 1),
          quote: [fence, ...after.filter(e => e.kind === 'read' && e.ordering !== 'plain').slice(0, 2)],
          advice: [`Drop ${called(fence)}(), or add a comment that says which stores of the writer it pairs with`],
        },
      );
    }
  },
} satisfies Rule;

/** Does a comment beside the barrier, or right above it, name what it pairs with? Documentation/memory-barriers.txt asks for one. */
function namesPair(fn: CFunction, fence: Event): boolean {
  return commentsBeside(fn, fence, 1).some(c => /\bpair(?:s|ed|ing)?\s+(?:up\s+)?with\b/i.test(c.text));
}

function placeOf(e: Event): string {
  return `${e.cell?.base ?? ''}|${e.cell?.path ?? ''}|${e.cell?.bit ?? ''}`;
}

function marked(events: Event[]): Set<string> {
  return new Set(events.filter(e => e.kind === 'read' && e.ordering !== 'plain').map(placeOf));
}

/** Accesses on one side of the fence, in the same round of every loop around it; null where something unknown happens there. */
function sideOf(fn: CFunction, fence: Event, backwards: boolean, world: World): Event[] | null {
  // The head of a loop around the fence is where this round began.
  const heads = headsAround(fn, fence);
  const found: Event[] = [];
  let known = true;
  const visit = (at: number, node: FlowNode) => {
    const event = node.event === null || at === fence.node ? undefined : fn.events[node.event];
    if (heads.has(at)) return false;
    if (node.kind === 'gap') known = false;
    if (event && (event.opaque || event.kind === 'lock' || event.kind === 'unlock' || readsElsewhere(event, world))) known = false;
    if (event && isAccess(event)) found.push(event);
    return known;
  };
  walk(fn.flow, [fence.node], visit, backwards ? 'backwards' : 'forwards');
  return known ? found : null;
}

/** A call that reads memory out of sight: it copies or compares, or it is a function in view that has accesses of its own. */
function readsElsewhere(event: Event, world: World): boolean {
  if (event.kind !== 'call') return false;
  return (
    /^_*(?:mem|str)\w*(?:cpy|cmp|move|scan|chr|len|dup)|^copy_|^bitmap_|^find_/.test(event.api) ||
    world.functions.some(f => runsNamed(event, f.name) && f.events.some(isAccess))
  );
}

/** Something plain is read between the first marked read and the fence, and not again after it: the shape of a sequence count's reader. */
function payloadBefore(fn: CFunction, before: Event[], after: Event[]): boolean {
  const again = new Set(after.map(placeOf));
  const marks = before.filter(e => e.kind === 'read' && e.ordering !== 'plain');
  return before.some(
    e => e.kind === 'read' && e.ordering === 'plain' && !again.has(placeOf(e)) && marks.some(m => nodesAfter(fn, m.node).has(e.node)),
  );
}

/** Is a value read before the fence compared with one read after it? */
function comparedAcross(fn: CFunction, before: Event[], after: Event[]): boolean {
  const [was, is] = [new Set(before.map(e => e.index)), new Set(after.map(e => e.index))];
  const only = (list: readonly number[], set: Set<number>, other: Set<number>) => list.some(i => set.has(i) && !other.has(i));
  return fn.shape.comparisons.some(
    c => (only(c.left.sources, was, is) && only(c.right.sources, is, was)) || (only(c.left.sources, is, was) && only(c.right.sources, was, is)),
  );
}
