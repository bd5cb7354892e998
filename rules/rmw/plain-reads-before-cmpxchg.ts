import {
  called,
  cellName,
  comesBefore,
  conditionOn,
  decidesBranch,
  isOwn,
  isTest,
  keyOf,
  nodesAfter,
  onward,
  runsAlone,
  serialiserOfRuns,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'plain-reads-before-cmpxchg',
  title: 'A word that is changed by cmpxchg is read more than once before it by plain loads',
  why: `
    That the function changes the word by a compare-and-exchange shows that other CPUs change it too. Two plain loads of it may return two
    different values, and the compiler may add loads of its own: a decision is then based on one value of the word, and a position or a new
    value is computed from another. The cmpxchg only validates the last of them. One READ_ONCE() gives one value for all of it.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['plain-access'],
  references: [
    'tools/memory-model/Documentation/access-marking.txt, Use of READ_ONCE() and WRITE_ONCE()',
    'Documentation/memory-barriers.txt, COMPILER BARRIER',
  ],
  knownGaps: ['one plain load that seeds a cmpxchg loop: the compare validates it'],
  examples: {
    bad: [
      `
int shelf_take(struct shelf *s, int n)
{
	unsigned long old, mask;
	int at;

	if (s->word == SHELF_FULL)
		return -1;
	at = find_first_zero_bit(&s->word, n); /* want: plain-reads-before-cmpxchg "word" */
	mask = 1UL << at;
	old = READ_ONCE(s->word);
	while (!try_cmpxchg(&s->word, &old, old | mask))
		;
	return at;
}`,
    ],
    good: [
      `
struct area { struct note *note; struct area *next; };

/* Behind the swap the word stays what it is, and the next round is about another object. */
void areas_scan(struct area *a)
{
	for (; a; a = a->next) {
		if (!a->note) {
			struct note *n = kzalloc(sizeof(*n), GFP_KERNEL);

			if (n && cmpxchg(&a->note, NULL, n))
				kfree(n);
			continue;
		}
		if (a->note->until)
			area_scan(a);
	}
}`,
      `
int shelf_take(struct shelf *s, int n)
{
	unsigned long old, mask;
	int at;

	old = READ_ONCE(s->word);
	if (old == SHELF_FULL)
		return -1;
	at = find_first_zero_bit(&old, n);
	mask = 1UL << at;
	while (!try_cmpxchg(&s->word, &old, old | mask))
		;
	return at;
}`,
      `
/* One look seeds the tries, and the compare sees whether it was right. */
void shelf_add(struct shelf *s, unsigned long mask)
{
	unsigned long old = s->word;

	while (!try_cmpxchg(&s->word, &old, old | mask))
		;
}`,
      `
/* Looked at once before it tries, and once more each time. */
bool shelf_claim(struct shelf *s)
{
	if (s->word)
		return false;
	return cmpxchg(&s->word, 0, 1) == 0;
}`,
      `
/* What the second look gives is what the compare expects. */
bool shelf_renew(struct shelf *s, unsigned long now)
{
	unsigned long last;

	if (!s->word)
		return false;
	last = s->word;
	if (time_before(now, last))
		return false;
	return try_cmpxchg(&s->word, &last, now);
}`,
      `
/* Under the lock the word stands still. */
int shelf_take(struct shelf *s, int n)
{
	int at;

	spin_lock(&s->lock);
	if (s->word == SHELF_FULL) {
		spin_unlock(&s->lock);
		return -1;
	}
	at = find_first_zero_bit(&s->word, n);
	cmpxchg(&s->word, SHELF_EMPTY, 1UL << at);
	spin_unlock(&s->lock);
	return at;
}`,
      `
/* Nobody else has it yet. */
struct shelf *shelf_new(int n)
{
	struct shelf *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	if (s->word == SHELF_FULL)
		return NULL;
	s->front = find_first_zero_bit(&s->word, n);
	cmpxchg(&s->word, 0, 1);
	return s;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) return;
    const told = new Set<string | null>();
    for (const swap of fn.events) {
      if (swap.kind !== 'rmw' || !swap.atomic || swap.operation !== 'cmpxchg' || swap.uncertain || told.has(keyOf(swap))) continue;
      const reads = fn.events.filter(e => isPlainLook(e) && samePlace(e, swap) && !isOwn(fn, e) && nodesAfter(fn, e.node).has(swap.node));
      const pair = twice(fn, reads, swap);
      if (!pair || serialiserOfRuns({ fn, event: pair[0], until: swap }, world)) continue;
      told.add(keyOf(swap));
      const [first, second] = pair;
      const name = second.cell ? cellName(second.cell) : 'the word';
      report(
        { event: second, fn },
        {
          message: `${fn.name}() reads ${name} by two plain loads before ${called(swap)}(), and the two may return different values`,
          detail: ['What the first read decided need not hold for the value of the second'],
          question: `Should ${name} be read once, with READ_ONCE()?`,
          dismissal: `Not an issue if no other CPU changes ${name} meanwhile`,
          quote: [first, second, swap],
          claim: {
            threads: [
              { fn, events: [first, second] },
              { fn, events: [swap] },
            ],
            bad: {
              kind: 'sees',
              reads: [
                { read: first, from: 'before', thread: 0 },
                { read: second, from: swap, thread: 0, by: 1 },
              ],
            },
            meanings: [{ event: swap, access: 'write', cell: first, ordering: 'full' }],
            starts: [{ cell: first, value: conditionOn(fn, first, second) === 'zero' ? 0 : 1 }],
            edits: [{ kind: 'reuse', event: second, first, text: `One READ_ONCE() of ${name} used for both` }],
            assumes: [`two CPUs run ${fn.name}() on one object`],
          },
        },
      );
    }
  },
} satisfies Rule;

/** A look that the compiler may repeat, with no lock over it. */
function isPlainLook(event: Event): boolean {
  if (event.kind !== 'read' || event.ordering !== 'plain' || event.uncertain || event.object !== undefined || event.cell?.bit != null) return false;
  return event.api === 'read' || /^find_(?:first|next)_(?:zero_)?bit$/.test(event.api);
}

function samePlace(a: Event, b: Event): boolean {
  return keyOf(a) === keyOf(b) && a.cell?.base === b.cell?.base && a.cell?.path === b.cell?.path && a.cell?.base != null;
}

/** A look that decides where to go, and one behind it on that way, with nothing between for which the word would have to be read again. */
function twice(fn: CFunction, reads: Event[], swap: Event): [Event, Event] | null {
  for (const first of reads) {
    if (!decidesBranch(fn, first)) continue;
    const way = onward(fn, first, {
      rereads: true,
      stop: e => e === swap || (e !== first && e.kind !== 'read') || e.ordering === 'acquire' || e.ordering === 'full',
    });
    const second = reads.find(e => comesBefore(fn, first, e) && way.events.includes(e) && e.line !== first.line && !seeds(fn, e, swap));
    // In the next round of a loop it is another object, or another try.
    if (second && onward(fn, second, { rereads: true }).events.includes(swap)) return [first, second];
  }
  return null;
}

/** The value read is what the compare expects: where it is no longer so, nothing is changed. */
function seeds(fn: CFunction, read: Event, swap: Event): boolean {
  const expected = swap.args[1]?.replace(/^&/, '') ?? '';
  return read.into === expected || (fn.settings ?? []).some(s => s.name === expected && s.sources.includes(read.index));
}
