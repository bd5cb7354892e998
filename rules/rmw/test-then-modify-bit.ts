import { bringsUpOrDown, callersOf, isOwn, isTest, keyOf, neverBesideItself, onward, runsAlone, serialiserOfRuns } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'test-then-modify-bit',
  title: 'A bit is tested and then changed by a separate operation, so two callers may both win',
  why: `
    test_bit() is a load. If the bit is changed by a separate operation, two callers may both see the old bit, both change it, and both
    proceed as the winner: what should be done once is done twice. test_and_set_bit() and test_and_clear_bit() return the old bit and change
    it in one atomic step, so only one caller wins.`,
  severity: 'note',
  confidence: 'medium',
  finds: ['bitlock-nonatomic'],
  references: ['Documentation/atomic_bitops.txt, API', 'Documentation/atomic_bitops.txt, SEMANTICS'],
  trial: true, // Who runs beside whom is seldom in view: on a whole kernel about one in four is worth asking.
  knownGaps: ['whether two callers can run concurrently is known only as far as the handlers are visible, so the finding is a question'],
  examples: {
    bad: [
      `
bool rerun_wanted(struct scan *s)
{
	if (!test_bit(SCAN_RERUN, &s->flags)) /* want: test-then-modify-bit "SCAN_RERUN" */
		return false;
	clear_bit(SCAN_RERUN, &s->flags);
	scan_note(s);
	return true;
}`,
      `
void lamp_claim(struct lamp *l)
{
	if (test_bit(LAMP_ON, &l->state)) /* want: test-then-modify-bit "LAMP_ON" */
		return;
	set_bit(LAMP_ON, &l->state);
	lamp_power_up(l);
}`,
      `
/* Two tasks may write to one file. */
static ssize_t lamp_write(struct file *file, const char __user *buf, size_t n, loff_t *pos)
{
	struct lamp *l = file->private_data;

	if (test_bit(LAMP_ON, &l->state)) /* want: test-then-modify-bit "LAMP_ON" */
		return -EBUSY;
	set_bit(LAMP_ON, &l->state);
	lamp_power_up(l);
	return n;
}

static const struct file_operations lamp_fops = {
	.write = lamp_write,
};`,
    ],
    good: [
      `
/* A work item does not run beside itself. */
static void lamp_work(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, work);

	if (test_bit(LAMP_ON, &l->state))
		return;
	set_bit(LAMP_ON, &l->state);
	lamp_power_up(l);
}

void lamp_setup(struct lamp *l)
{
	INIT_WORK(&l->work, lamp_work);
}`,
      `
bool rerun_wanted(struct scan *s)
{
	if (!test_and_clear_bit(SCAN_RERUN, &s->flags))
		return false;
	scan_note(s);
	return true;
}`,
      `
/* It only spares a store: nothing depends on who set it. */
void seen_mark(struct scan *s)
{
	if (!test_bit(SCAN_SEEN, &s->flags))
		set_bit(SCAN_SEEN, &s->flags);
}`,
      `
bool rerun_wanted(struct scan *s)
{
	bool was = false;

	spin_lock(&s->lock);
	if (test_bit(SCAN_RERUN, &s->flags)) {
		clear_bit(SCAN_RERUN, &s->flags);
		was = true;
	}
	spin_unlock(&s->lock);
	if (was)
		scan_note(s);
	return was;
}`,
      `
/* A work item does not run twice at once. */
static void scan_work(struct work_struct *work)
{
	struct scan *s = container_of(work, struct scan, work);

	if (!test_bit(SCAN_RERUN, &s->flags))
		return;
	clear_bit(SCAN_RERUN, &s->flags);
	scan_note(s);
}

void scan_open(struct scan *s)
{
	INIT_WORK(&s->work, scan_work);
}`,
      `
static void scan_rerun(struct scan *s)
{
	lockdep_assert_held(&s->lock);
	if (!test_bit(SCAN_RERUN, &s->flags))
		return;
	clear_bit(SCAN_RERUN, &s->flags);
	scan_note(s);
}`,
      `
/* Other work lies between: the bit says how far it is, and the device lock of the core is held. */
int lamp_up(struct lamp *l)
{
	if (test_bit(LAMP_ON, &l->state))
		return 0;
	if (lamp_power_up(l))
		return -EIO;
	set_bit(LAMP_ON, &l->state);
	return 0;
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world) || bringsUpOrDown(fn, world)) return;
    for (const test of fn.events) {
      if (test.api !== 'test_bit' || test.uncertain || test.object !== undefined || !test.cell || isOwn(fn, test)) continue;
      const change = changeAfter(fn, test);
      if (!change || !acts(fn, test, change) || asserted(fn, test) || alone(fn, world)) continue;
      if (serialiserOfRuns({ fn, event: test, until: change }, world)) continue;
      const bit = test.cell.bit ?? 'the bit';
      const way = change.operation === 'set' ? 'set' : 'clear';
      const join = `test_and_${way}_bit()`;
      report(
        { event: test, fn },
        {
          message: `${fn.name}() tests ${bit} and then ${way === 'set' ? 'sets' : 'clears'} it separately, so two callers may both see it ${way === 'set' ? 'clear' : 'set'}`,
          question: `Can two calls of ${fn.name}() run concurrently?`,
          dismissal: `Not an issue if calls of ${fn.name}() on one object are serialised`,
          quote: [test, change],
          claim: {
            threads: [
              { fn, events: [test, change] },
              { fn, events: [test, change] },
            ],
            bad: {
              kind: 'sees',
              reads: [
                { read: test, from: 'before', thread: 0 },
                { read: test, from: 'before', thread: 1 },
              ],
            },
            starts: [{ cell: change, value: way === 'set' ? 0 : 1 }],
            edits: [{ kind: 'join', event: test, write: change, text: `${join} instead of the two` }],
            assumes: [`two calls of ${fn.name}() run on one object concurrently`],
          },
        },
      );
    }
  },
} satisfies Rule;

/** The change of the tested bit that comes right behind the test, on the one way where it is needed. */
function changeAfter(fn: CFunction, test: Event): Event | null {
  for (const [value, api] of [
    ['nonzero', 'clear_bit'],
    ['zero', 'set_bit'],
  ] as const) {
    const near = onward(fn, test, { value }).events.at(0);
    if (
      near?.api === api &&
      near.kind === 'rmw' &&
      !near.uncertain &&
      keyOf(near) === keyOf(test) &&
      near.cell?.bit === test.cell?.bit &&
      near.cell?.base === test.cell?.base
    ) {
      const other = onward(fn, test, { value: value === 'zero' ? 'nonzero' : 'zero' });
      return other.events.includes(near) ? null : near;
    }
  }
  return null;
}

/** The test only warns of what must not be. */
function asserted(fn: CFunction, test: Event): boolean {
  return fn.flow.some(
    n => n.kind === 'branch' && n.decides?.includes(test.index) && /\b(?:WARN|BUG|ASSERT)/.test(`${n.condition ?? ''} ${test.text}`),
  );
}

/** Something is done, or said to the caller, only where the bit was changed. */
function acts(fn: CFunction, test: Event, change: Event): boolean {
  const value = change.operation === 'set' ? 'zero' : 'nonzero';
  const won = onward(fn, test, { value });
  const lost = onward(fn, test, { value: value === 'zero' ? 'nonzero' : 'zero' });
  if (won.gap || lost.gap) return false;
  const only = won.events.filter(e => e !== change && !lost.events.includes(e));
  const returned = (nodes: { returned?: string }[]) => nodes.map(n => n.returned ?? '').join('|');
  return (
    only.some(e => e.kind === 'call' || e.kind === 'wake' || e.kind === 'write' || e.kind === 'free') ||
    (won.exits.length > 0 && returned(won.exits) !== returned(lost.exits))
  );
}

/** A handler or a member of a table that is not run twice at once for one object, a thread, or a function that only such ones call. */
function alone(fn: CFunction, world: World, depth = 0): boolean {
  if (neverBesideItself(fn, world)) return true;
  const sites = callersOf(fn, world);
  return (
    depth < 2 &&
    sites !== null &&
    sites.every(s => serialiserOfRuns(s, world) !== null || runsAlone(s.fn, world) || (s.fn !== fn && alone(s.fn, world, depth + 1)))
  );
}
