import {
  after,
  alwaysFollowed,
  called,
  callersOf,
  cellName,
  dominates,
  isTest,
  keyOf,
  neverBesideItself,
  runsAlone,
  serialiserOfRuns,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'static-key-toggle-not-counted',
  title: 'A static key is enabled and disabled around an operation without counting users',
  why: `
    static_branch_enable() and static_branch_disable() set a state: a second enable does nothing, and disable turns the key off whoever
    turned it on. If two CPUs run the function concurrently, the first to finish disables the key for the other. static_branch_inc() and
    static_branch_dec() count users, and the key stays on until the last of them is done. Reported by inspection: two users of one switch
    need a count.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['paired-update'],
  references: ['Documentation/staging/static-keys.rst, Static key label API, usage and examples'],
  knownGaps: [
    'a lock held around it all by callers that are not visible is not seen',
    'a static key is not memory to the model, so there is no witness: it is certain by what the two calls do',
  ],
  examples: {
    bad: [
      `
static DEFINE_STATIC_KEY_FALSE(walk_key);

void walk_all(struct seq_file *m)
{
	static_branch_enable(&walk_key);
	walk_tables(m);
	static_branch_disable(&walk_key); /* want: static-key-toggle-not-counted "walk_key" */
}`,
      `
static DEFINE_STATIC_KEY_FALSE(trace_key);

int trace_once(struct tracer *t)
{
	int ret;

	mutex_lock(&t->lock);
	static_branch_enable(&trace_key);
	mutex_unlock(&t->lock);
	ret = trace_collect(t);
	static_branch_disable(&trace_key); /* want: static-key-toggle-not-counted "trace_key" */
	return ret;
}`,
    ],
    good: [
      `
static DEFINE_STATIC_KEY_FALSE(walk_key);

void walk_all(struct seq_file *m)
{
	static_branch_inc(&walk_key);
	walk_tables(m);
	static_branch_dec(&walk_key);
}`,
      `
static DEFINE_STATIC_KEY_FALSE(knob_key);

/* A knob: on or off, as the user says. */
int knob_set(bool on)
{
	if (on)
		static_branch_enable(&knob_key);
	else
		static_branch_disable(&knob_key);
	return 0;
}`,
      `
static DEFINE_STATIC_KEY_FALSE(walk_key);
static DEFINE_MUTEX(walk_mutex);

void walk_all(struct seq_file *m)
{
	mutex_lock(&walk_mutex);
	static_branch_enable(&walk_key);
	walk_tables(m);
	static_branch_disable(&walk_key);
	mutex_unlock(&walk_mutex);
}`,
      `
static DEFINE_STATIC_KEY_FALSE(feature_key);

/* Off again where it can't be had: the key follows the state. */
int feature_start(struct feature *f)
{
	int ret;

	static_branch_enable(&feature_key);
	ret = feature_setup(f);
	if (ret)
		static_branch_disable(&feature_key);
	return ret;
}`,
      `
static DEFINE_STATIC_KEY_FALSE(walk_key);
static DEFINE_MUTEX(walk_mutex);

static void walk_locked_key(struct seq_file *m)
{
	static_branch_enable(&walk_key);
	walk_tables(m);
	static_branch_disable(&walk_key);
}

int walk_show(struct seq_file *m, void *v)
{
	mutex_lock(&walk_mutex);
	walk_locked_key(m);
	mutex_unlock(&walk_mutex);
	return 0;
}`,
      `
static DEFINE_STATIC_KEY_FALSE(boot_key);

static int __init boot_check(void)
{
	static_branch_enable(&boot_key);
	check_patched();
	static_branch_disable(&boot_key);
	return 0;
}`,
      `
static DEFINE_STATIC_KEY_FALSE(gate_key);

/* A work item does not run twice at once. */
static void gate_toggle(struct work_struct *work)
{
	static_branch_enable(&gate_key);
	gate_wait();
	static_branch_disable(&gate_key);
}
static DECLARE_DELAYED_WORK(gate_timer, gate_toggle);`,
    ],
  },
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn) || runsAlone(fn, world)) return;
    for (const on of fn.events) {
      if (on.fact?.staticKey !== 'on' || on.uncertain) continue;
      const off = after(fn, on).find(e => e.fact?.staticKey === 'off' && keyOf(e) === keyOf(on) && keyOf(e) !== null);
      if (!off || !alwaysFollowed(fn, on, off) || !dominates(fn, on, off) || kept(fn, on, off, world)) continue;
      const key = on.cell ? cellName(on.cell) : 'the key';
      report(
        { event: off, fn },
        {
          message: `${called(off)}() disables ${key} at the end of ${fn.name}() while another call may still rely on it`,
          detail: [
            `${called(on)}() and ${called(off)}() set the key without counting: of two concurrent calls, the first to finish disables the key for the other`,
          ],
          question: `Can two calls of ${fn.name}() run concurrently?`,
          dismissal: `Not an issue if all callers of ${fn.name}() hold a common lock`,
          related: [{ path: on.path, line: on.line, side: on.side, note: 'enabled here' }],
          quote: [on, off],
          advice: ['Use static_branch_inc() and static_branch_dec() instead of enable and disable'],
        },
      );
    }
  },
} satisfies Rule;

/** A lock over the whole stretch, in the function or in all its callers. */
function kept(fn: CFunction, on: Event, off: Event, world: World): boolean {
  if (serialiserOfRuns({ fn, event: on, until: off }, world)) return true;
  if (neverBesideItself(fn, world)) return true;
  const sites = callersOf(fn, world);
  return sites !== null && sites.length > 0 && sites.every(s => serialiserOfRuns(s, world) !== null || runsAlone(s.fn, world));
}
