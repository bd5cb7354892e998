import { expect, test } from 'vitest';
import { parseCache, worldOf } from '../../src/analysis/world.ts';
import { imagesOf } from '../../src/c/text/images.ts';
import { NO_FACTS } from '../../src/engine/declared.ts';
import { knowledgeOf } from '../../src/engine/knowledge.ts';
import { scan } from '../../src/engine/scan.ts';
import type { Finding } from '../../src/model/finding.ts';
import type { UserFacts } from '../../src/model/userfacts.ts';
import { eventsJson, eventsText } from '../../src/report/events.ts';
import { grammar, patchOf } from '../code.ts';

/** Wrappers with what each is like. */
function wrappers(likes: Record<string, string>): UserFacts {
  const functions = Object.entries(likes).map(([name, like], i) => ({ name, like, file: 'facts.yaml', line: i + 2 }));
  return { ...NO_FACTS, functions };
}

async function reviewed(code: string, likes: Record<string, string>) {
  const { reviews } = scan('drivers/example/lane.c', code, { grammar: await grammar(), facts: wrappers(likes) });
  return { findings: reviews.flatMap(r => r.findings), problems: reviews.flatMap(r => r.problems) };
}

async function found(code: string, likes: Record<string, string>): Promise<Finding[]> {
  return (await reviewed(code, likes)).findings;
}

async function functionsIn(code: string, likes: Record<string, string>) {
  const { known } = knowledgeOf(wrappers(likes));
  const images = [...imagesOf([patchOf({ 'drivers/example/lane.c': code })]).history.values()].flatMap(states => states.at(-1) ?? []);
  return worldOf(images, [], parseCache(await grammar(), known)).world.functions;
}

const places = (findings: Finding[]) => findings.map(f => `${f.rule} ${f.line}`);

const SLEEPS = `
static void lane_reset(struct lane *lane)
{
	spin_lock(&lane->lock);
	lane_settle(20);
	spin_unlock(&lane->lock);
}
`;

test('a finding names the wrapper that the code calls, and not what it wraps', async () => {
  const [finding] = await found(SLEEPS, { lane_settle: 'msleep' });
  expect(finding?.message).toContain('lane_settle()');
  expect(JSON.stringify(finding)).not.toContain('msleep');
});

test('a wrapper of a wrapper is what the innermost wraps', async () => {
  expect(places(await found(SLEEPS, { lane_settle: 'lane_wait', lane_wait: 'msleep' }))).toEqual(['sleep-in-atomic 5']);
});

test('wrappers that are declared like each other say nothing, and each is a problem', async () => {
  const { findings, problems } = await reviewed(SLEEPS, { lane_settle: 'lane_wait', lane_wait: 'lane_settle' });
  expect(findings).toEqual([]);
  expect(problems.map(p => p.message)).toEqual([
    'functions.lane_settle.like: nothing is known of lane_wait()',
    'functions.lane_wait.like: nothing is known of lane_settle()',
  ]);
});

const UNLINKED = `
void card_drop(struct card *c)
{
	list_del_rcu(&c->node);
	deck_grace();
	kfree(c);
}

int cards_sum(struct deck *d)
{
	struct card *c;
	int sum = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &d->cards, node)
		sum += c->value;
	rcu_read_unlock();
	return sum;
}
`;

test('a wait for readers by a declared wrapper is one', async () => {
  expect(await found(UNLINKED, { deck_grace: 'synchronize_rcu' })).toEqual([]);
  expect(places(await found(UNLINKED, { deck_grace: 'udelay' }))).toEqual(['rcu-free-without-gp 6']);
});

const GUARDED = `
static void lane_reset(struct lane *lane)
{
	guard(lane)(&lane->lock);
	msleep(20);
}

static void lane_clear(struct lane *lane)
{
	scoped_guard(lane, &lane->lock)
		msleep(20);
}
`;

test('a class of guards may be declared like one of the kernel', async () => {
  expect(places(await found(GUARDED, { 'guard(lane)': 'guard(spinlock)' }))).toEqual(['sleep-in-atomic 5', 'sleep-in-atomic 11']);
  expect(await found(GUARDED, { 'guard(lane)': 'guard(mutex)' })).toEqual([]);
  const { problems } = await reviewed(GUARDED, { 'guard(lane)': 'guard(lane_lock)' });
  expect(problems.map(p => p.message)).toEqual(['functions.guard(lane).like: nothing is known of guard(lane_lock)']);
});

const CALLED_BACK = `
struct route { struct rcu_head rcu; refcount_t refs; };

struct route *route_get(struct table *t)
{
	struct route *r;

	rcu_read_lock();
	r = rcu_dereference(t->route);
	refcount_inc(&r->refs);
	rcu_read_unlock();
	return r;
}

static void route_expire(struct rcu_head *head)
{
	struct route *r = container_of(head, struct route, rcu);

	if (refcount_dec_and_test(&r->refs))
		kfree_rcu(r, rcu);
}

void route_drop(struct table *t, struct route *r)
{
	RCU_INIT_POINTER(t->route, NULL);
	route_later(&r->rcu, route_expire);
}
`;

test('a function that is handed to a wrapper of call_rcu() runs behind a grace period', async () => {
  expect(places(await found(CALLED_BACK, {}))).toContain('plain-get-on-rcu-object 10');
  expect(places(await found(CALLED_BACK, { route_later: 'call_rcu' }))).not.toContain('plain-get-on-rcu-object 10');
});

const OWN = `
static void lane_settle(int ms)
{
	cpu_relax();
}
${SLEEPS}`;

test('the body of a static function counts, not what is declared of its name', async () => {
  expect(await found(OWN, { lane_settle: 'msleep' })).toEqual([]);
});

test('events are printed as the code spells them', async () => {
  const functions = await functionsIn(SLEEPS.replace('spin_lock(', 'lane_enter('), { lane_settle: 'msleep', lane_enter: 'spin_lock' });
  const { events } = functions[0] ?? { events: [] };
  expect(events.map(e => [e.api, e.written])).toEqual([
    ['spin_lock', 'lane_enter'],
    ['msleep', 'lane_settle'],
    ['spin_unlock', undefined],
  ]);
  const json = JSON.stringify(eventsJson('lane.c', functions, []));
  expect([...json.matchAll(/"api":"(\w+)"/g)].map(m => m[1])).toEqual(['lane_enter', 'lane_settle', 'spin_unlock']);
  expect(json).toContain('{"does":"sleep","when":"always","gfp":null}');
  expect(eventsText(functions)).toMatch(/lane_settle/);
  expect(eventsText(functions)).not.toMatch(/msleep/);
});

test('the argument that a fact names decides whether an allocation may sleep', async () => {
  const code = (call: string) =>
    `void lane_grow(struct lane *lane, gfp_t gfp)\n{\n\tspin_lock(&lane->lock);\n\t${call};\n\tspin_unlock(&lane->lock);\n}\n`;
  const sleeps = async (call: string, likes = {}) => (await found(code(call), likes)).filter(f => f.rule === 'sleep-in-atomic').map(f => f.message);
  expect(await sleeps('usb_submit_urb(lane->urb, GFP_KERNEL)')).toEqual([expect.stringContaining('usb_submit_urb() with GFP_KERNEL may sleep')]);
  expect(await sleeps('kcalloc(GFP_KERNEL_LANES, 4, GFP_ATOMIC)')).toEqual([]);
  expect(await sleeps('kzalloc(4, gfp)')).toEqual([]);
  expect(await sleeps('lane_slot(4, GFP_NOIO)', { lane_slot: 'kzalloc' })).toEqual([expect.stringContaining('lane_slot() with GFP_NOIO may sleep')]);
  // The xarray drops the lock that it is called under.
  expect(await sleeps('__xa_store(&lane->slots, 1, lane, GFP_KERNEL)')).toEqual([]);
});
