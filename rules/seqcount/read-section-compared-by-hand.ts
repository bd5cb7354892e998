import { called, comesBefore, guardsAt, isTest, keyOf, nodesAfter, nodesBefore, ordersLoads, passes } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule } from '../../src/model/rule.ts';

export default {
  id: 'read-section-compared-by-hand',
  title: 'A seqcount read section ends in a comparison by hand instead of read_seqcount_retry()',
  why: `
    Beginning a read section orders its loads after the load of the count. The end needs the other half: the loads of the section must not
    be satisfied after the second load of the count, or data that a writer has changed goes with a count that has not changed. The call that
    ends a section has that barrier and compares; beginning a second section and comparing the two counts has the barrier on the wrong side
    of the load. The claim assumes a writer, which increments the count first.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['seqcount', 'barrier-missing'],
  references: ['Documentation/locking/seqlock.rst, Read path', 'Documentation/memory-barriers.txt, SMP BARRIER PAIRING'],
  knownGaps: ['a count that is compared in a different function from the one that read it first'],
  examples: {
    bad: [
      `
int gauge_read(struct gauge *g)
{
	unsigned int seq;
	int a, b;

	do {
		seq = raw_read_seqcount(&g->seq);
		a = g->left;
		b = g->right;
	} while (seq != raw_read_seqcount(&g->seq)); /* want: read-section-compared-by-hand "gauge_read()" */
	return a + b;
}`,
    ],
    good: [
      `
int gauge_read(struct gauge *g)
{
	unsigned int seq;
	int a, b;

	do {
		seq = read_seqcount_begin(&g->seq);
		a = g->left;
		b = g->right;
	} while (read_seqcount_retry(&g->seq, seq));
	return a + b;
}`,
      `
/* The barrier that the retry has stands here by itself. */
int gauge_read(struct gauge *g)
{
	unsigned int seq;
	int a, b;

	do {
		seq = raw_read_seqcount(&g->seq);
		a = g->left;
		b = g->right;
		smp_rmb();
	} while (seq != raw_read_seqcount(&g->seq));
	return a + b;
}`,
      `
/* Two counts that say nothing of each other. */
bool gauge_older(struct gauge *g, struct gauge *h)
{
	unsigned int mine = raw_read_seqcount(&g->seq);
	unsigned int theirs = raw_read_seqcount(&h->seq);

	return mine == theirs;
}`,
      `
/* Under the lock nobody writes. */
bool gauge_moved(struct gauge *g, unsigned int *out)
{
	unsigned int seq = raw_read_seqcount(&g->seq);
	bool moved;

	spin_lock(&g->lock);
	*out = g->left;
	moved = seq != raw_read_seqcount(&g->seq);
	spin_unlock(&g->lock);
	return moved;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    for (const again of fn.events) {
      if (!beginsSection(again) || guardsAt({ fn, event: again }, world).own) continue;
      const first = fn.events.find(
        e => comesBefore(fn, e, again) && beginsSection(e) && sameCount(e, again) && nodesAfter(fn, e.node).has(again.node) && compared(fn, e, again),
      );
      if (!first || passes(fn, first, again, ordersLoads)) continue;
      report(
        { event: again, fn },
        {
          message: `${fn.name}() ends the read section of ${called(first)}() by comparing with a second ${called(again)}(), which does not order earlier loads before it`,
          detail: [`${called(again)}() orders later accesses after its load; the earlier loads of the section may be satisfied after it`],
          question: 'Should this be read_seqcount_retry()?',
          dismissal: 'Not an issue if this only waits for the count to change, and nothing read before it is used',
          quote: first.line === again.line ? [again] : [first, again],
          ...cure(fn, first, again),
        },
      );
    }
  },
} satisfies Rule;

/** The section against a writer, where what it reads is in view; else the cure alone. */
function cure(fn: CFunction, first: Event, again: Event): { claim: Claim } | { advice: string[] } {
  const [ahead, behind] = [nodesAfter(fn, first.node), nodesBefore(fn, again.node)];
  const data = fn.events.find(
    e => e.kind === 'read' && comesBefore(fn, first, e) && comesBefore(fn, e, again) && ahead.has(e.node) && behind.has(e.node) && isShared(e, again),
  );
  const text = 'read_seqcount_retry() with its read barrier before the load';
  if (!data) return { advice: [text] };
  const name = data.cell?.path ?? 'the data';
  const moves: AssumedStep = { does: 'write', cell: again };
  const change: AssumedStep = { does: 'write', cell: data };
  return {
    claim: {
      threads: [{ fn, events: [first, data, again] }],
      others: [{ who: 'a writer', does: [moves, { does: 'fence' }, change] }],
      bad: {
        kind: 'sees',
        reads: [
          { read: first, from: 'before' },
          { read: data, from: change },
          { read: again, from: 'before' },
        ],
      },
      edits: [{ kind: 'fence', fence: 'rmb', where: 'before', event: again, text }],
      assumes: [`a writer increments the count before it changes ${name}, with a barrier in between`],
      stands: true,
    },
  };
}

/** Something else than the count, and not the function's own. */
function isShared(event: Event, count: Event): boolean {
  return event.cell?.base != null && event.object === undefined && !event.uncertain && keyOf(event) !== keyOf(count);
}

/** A load of a sequence count that orders what comes after it. */
function beginsSection(event: Event): boolean {
  return event.kind === 'read' && !event.uncertain && /^(?:__|raw_)?read_seq(?:count|begin|count_begin)$|^raw_seqcount_begin$/.test(event.api);
}

function sameCount(a: Event, b: Event): boolean {
  return keyOf(a) === keyOf(b) && a.cell?.base === b.cell?.base && a.cell?.path === b.cell?.path;
}

/** The two values are compared with each other for being the same. */
function compared(fn: CFunction, a: Event, b: Event): boolean {
  return fn.shape.comparisons.some(
    c =>
      /^[!=]=$/.test(c.operator) &&
      ((c.left.sources.includes(a.index) && c.right.sources.includes(b.index)) ||
        (c.left.sources.includes(b.index) && c.right.sources.includes(a.index))),
  );
}
