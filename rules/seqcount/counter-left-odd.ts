import { effectsOf, isTest, keyOf, nodesAfter, onward } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'counter-left-odd',
  title: 'A hand-made sequence counter is left odd on a return path',
  why: `
    If a counter is made odd before others may read an object and even again after, a reader that finds it odd either keeps what it read or
    waits until it is even. A return path that leaves it odd gives the others that answer forever: they use stale data, or wait for nobody.
    And the next increment inverts the meaning. Reported by inspection: the return path is visible, and no store to the counter is on it.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['seqcount'],
  references: ['Documentation/locking/seqlock.rst, Introduction', 'Documentation/memory-barriers.txt, SMP BARRIER PAIRING'],
  knownGaps: ['a counter that a caller makes even', 'a counter that is made odd by adding one, where nothing says that odd has a meaning'],
  examples: {
    bad: [
      `
int job_run(struct job *j)
{
	smp_store_release(&j->turn, j->turn | 1); /* want: counter-left-odd "turn" */
	if (!job_decode(j))
		return -EINVAL;
	job_work(j);
	smp_store_release(&j->turn, j->turn + 1);
	return 0;
}`,
    ],
    good: [
      `
int job_run(struct job *j)
{
	int ret = -EINVAL;

	smp_store_release(&j->turn, j->turn | 1);
	if (!job_decode(j))
		goto out;
	job_work(j);
	ret = 0;
out:
	smp_store_release(&j->turn, j->turn + 1);
	return ret;
}`,
      `
/* The helper makes it even. */
static void job_idle(struct job *j)
{
	smp_store_release(&j->turn, j->turn + 1);
}

int job_run(struct job *j)
{
	smp_store_release(&j->turn, j->turn | 1);
	if (!job_decode(j)) {
		job_idle(j);
		return -EINVAL;
	}
	job_work(j);
	smp_store_release(&j->turn, j->turn + 1);
	return 0;
}`,
      `
/* A bit of a word of flags, and a count: no parity. */
int job_mark(struct job *j)
{
	WRITE_ONCE(j->flags, j->flags | 1);
	if (!job_decode(j))
		return -EINVAL;
	WRITE_ONCE(j->count, j->count + 1);
	return 0;
}`,
      `
/* Whoever was let in ends it: the beginning is a function of its own. */
void job_begin(struct job *j)
{
	smp_store_release(&j->turn, j->turn | 1);
}

void job_end(struct job *j)
{
	smp_store_release(&j->turn, j->turn + 1);
}`,
    ],
  },
  checkFunction(fn, report, world) {
    if (!fn.whole || fn.isMacro || fn.broken || isTest(fn)) return;
    for (const begin of fn.events) {
      if (!makes(begin, /\|\s*1u?l?\b/i)) continue;
      const ends = fn.events.filter(e => e !== begin && sameCell(e, begin) && makes(e, /\+\s*1\b|&\s*~\s*1u?l?\b/i));
      if (!ends.some(e => nodesAfter(fn, begin.node).has(e.node))) continue;
      const out = onward(fn, begin, { stop: e => ends.includes(e) || evens(fn, e, begin, world), rounds: true });
      if (out.exits.length === 0 || out.gap) continue;
      const name = begin.cell?.path ?? 'the counter';
      report(
        { event: begin, fn },
        {
          message: `${fn.name}() makes ${name} odd and returns with it odd on one path`,
          detail: [
            ends.length > 1
              ? 'Other paths make it even again, and this one does not pass any of these places'
              : 'Another path makes it even again, and this one does not pass that place',
          ],
          question: `Should every return path of ${fn.name}() make ${name} even?`,
          dismissal: `Not an issue if a caller makes ${name} even`,
          quote: [begin],
          related: ends.slice(0, 1).map(e => ({ path: e.path, line: e.line, side: e.side, note: 'made even here, on other paths' })),
        },
      );
    }
  },
} satisfies Rule;

/** A marked store of the cell's own value, changed so. */
function makes(event: Event, how: RegExp): boolean {
  if (event.kind !== 'write' || !event.atomic || event.uncertain || event.object !== undefined || !event.cell || event.operand === null) return false;
  const member = event.cell.path.split('.').at(-1) ?? '';
  return how.test(event.operand) && new RegExp(`\\b${member.replace(/\W.*$/, '')}\\b`).test(event.operand);
}

function sameCell(a: Event, b: Event): boolean {
  return keyOf(a) === keyOf(b) && a.cell?.base === b.cell?.base;
}

/** A helper in view that stores to it. */
function evens(fn: CFunction, call: Event, begin: Event, world: World): boolean {
  if (call.kind !== 'call') return false;
  return (effectsOf(fn, call, world.functions) ?? []).some(
    e => e.event.kind === 'write' && e.cell !== null && keyOf({ ...e.event, cell: e.cell }) === keyOf(begin),
  );
}
