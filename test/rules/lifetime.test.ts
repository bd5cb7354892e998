import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rules } from '../../rules/index.ts';
import readAfterFailedPut from '../../rules/lifetime/read-after-failed-put.ts';
import storedAfterReleaseCallback from '../../rules/lifetime/stored-after-release-callback.ts';
import workOutlivesOwner from '../../rules/lifetime/work-outlives-owner.ts';
import { tools } from '../../src/cli/tools.ts';
import { readThread, review } from '../../src/index.ts';
import { parseLitmus } from '../../src/lkmm/syntax.ts';
import { decideTest } from '../../src/lkmm/verdict.ts';
import { corpus } from '../beside.ts';
import { grammar, patchOf, threadOf } from '../code.ts';

/** The rules of objects, their references and their readers. */
const FAMILIES =
  /^(?:read-after|stored-after|use-|get-races|id-released|kref-|rcu-|protected-|module-exit|lockless-walk|offset-|stale-read|relock-|done-flag|tlb-)/;
const mine = rules.filter(rule => FAMILIES.test(rule.id));

async function* bytes(path: string) {
  yield new Uint8Array(readFileSync(path));
}

/** A mail of the corpus; `*` stands for the start of its name, which says who wrote it. */
function fileOf(path: string): string {
  const [folder = '', end] = join(corpus, path).split('*');
  if (end === undefined) return folder;
  const names = readdirSync(folder).filter(name => name.endsWith(end));
  expect(names).toHaveLength(1);
  return folder + names[0];
}

async function told(path: string, only = mine) {
  const result = review(await readThread(path, bytes(fileOf(path)), tools), { grammar: await grammar(), rules: only });
  return result.reviews.flatMap(r => [...r.findings, ...r.held.map(h => h.finding)].map(f => `${f.rule} ${f.function}()`));
}

describe.skipIf(!existsSync(corpus))('on the mails beside the project', () => {
  test('a count that is stored after the driver got its page back is told', async () => {
    expect(await told('seed-threads/004-dax-gup/*ed7f0c13.eml', [storedAfterReleaseCallback])).toEqual([
      'stored-after-release-callback free_zone_device_page()',
    ]);
  });

  test('a page that is read after a put that was not the last is told', async () => {
    expect(await told('seed-threads/003-speculative-ref/thread-and-aftermath.txt', [readAfterFailedPut])).toEqual([
      'read-after-failed-put __free_pages()',
    ]);
  });

  test.each([
    'seed-threads/001-anon-exclusive/v2-10of15-20220315-patch.eml',
    'seed-threads/002-ptdump/v5-20250723-patch.eml',
    'seed-threads/002-ptdump/v6-20250922-patch-MERGED-fa93b45fd397.eml',
    'seed-threads/004-dax-gup/*ef233450898f.eml',
    'seed-threads/004-dax-gup/*6655e03a.eml',
    'dualbitmap/t.mbox',
    'seeds/001_4ecbdc220a2b70ed.txt',
    'seeds/004_976e6bd54836d2c0.txt',
  ])('what is right in %s is left alone', async path => {
    expect(await told(path)).toEqual([]);
  });
});

/** Rules whose claim assumes a CPU out of view where none is in view, and what of their bad examples is told without one: certain by inspection. */
const ASSUMING: Record<string, string[]> = {
  'barrier-beside-non-rmw': ['slot_free'],
  'half-barrier-for-store-then-load': [],
  'offset-rereads-entry': [],
  'ownership-word-released-without-release': [],
  'protected-pointer-escapes': [],
  'rcu-free-before-replace': [],
  'rcu-free-without-gp': [],
  'rcu-list-readd': [],
  'stale-read-used-under-lock': [],
  'stored-after-release-callback': [],
  'use-after-put': ['port_close', 'port_done', 'queue_drop', 'item_gone'],
  'use-before-ref': [],
  'waiter-read-after-signal': [],
  'wake-without-full-barrier': [],
};

describe.each(Object.entries(ASSUMING))('%s', (id, certain) => {
  const rule = rules.find(r => r.id === id);
  const findings = async (text: string) => {
    const result = review(threadOf([patchOf({ 'drivers/example/example.c': text.replace(/^\n/, '') })]), {
      grammar: await grammar(),
      rules: rule ? [rule] : [],
    });
    return result.reviews.flatMap(r => r.findings);
  };
  const decided = (text: string) => {
    const { value, problems } = parseLitmus(text);
    expect(problems).toEqual([]);
    return value && decideTest(value).verdict;
  };

  test('shows an execution on every bad example that is not certain by inspection, and says what it assumes', async () => {
    const without: string[] = [];
    for (const text of rule?.examples.bad ?? []) {
      for (const f of await findings(text)) {
        const { witness } = f;
        if (!witness) {
          without.push(f.function);
          continue;
        }
        expect([witness.threads.length > 1, witness.verdict, witness.fixedVerdict, witness.reach]).toEqual([true, 'Sometimes', 'Never', 'Sometimes']);
        expect(witness.assumes.length).toBeGreaterThan(0);
        expect([decided(witness.litmus), decided(witness.fixedLitmus)]).toEqual(['Sometimes', 'Never']);
      }
    }
    expect(without).toEqual(certain);
  });
});

/** What the rule says of the text: whether an execution is shown, and by which threads. */
async function said(id: string, text: string) {
  const found = review(threadOf([patchOf({ 'drivers/example/example.c': text })]), {
    grammar: await grammar(),
    rules: rules.filter(r => r.id === id),
  });
  return found.reviews.flatMap(r => r.findings.map(f => f.witness?.threads.map(t => t.name) ?? 'no witness'));
}

describe('a finding that stands by what is seen', () => {
  test('is told without a witness where the claim can’t be decided', async () => {
    // Both sides are plain: not even a full barrier makes the outcome impossible to the model.
    const text = `
void port_room(struct port *p)
{
	__clear_bit(PORT_FULL, &p->flags);
	smp_mb__after_atomic();
	if (p->line)
		line_go(p->line);
}
`;
    expect(await said('barrier-beside-non-rmw', text)).toEqual(['no witness']);
    expect(await said('barrier-beside-non-rmw', text.replace('p->line)', 'READ_ONCE(p->line))'))).toEqual([
      ['port_room()', 'a CPU that changes line (assumed)'],
    ]);
  });

  test('is told of the one in view where there is one', async () => {
    const text = `
void card_move(struct card *c, struct deck *to)
{
	list_del_rcu(&c->node);
	list_add_rcu(&c->node, &to->cards);
}

int deck_sum(struct deck *d)
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
    expect(await said('rcu-list-readd', text)).toEqual([['card_move()', 'deck_sum()']]);
    expect(await said('waiter-read-after-signal', rules.find(r => r.id === 'waiter-read-after-signal')?.examples.bad[2] ?? '')).toEqual([
      ['nap_end()', 'nap()'],
    ]);
  });
});

describe('the place that queues deferred work', () => {
  const driver = (opened: string) => `#include <linux/timer.h>

struct tank {
	struct timer_list poll;
	int level;
};

static void tank_poll(struct timer_list *t)
{
	struct tank *k = from_timer(k, t, poll);

	k->level++;
	mod_timer(&k->poll, jiffies + HZ);
}

static int tank_open(struct input_dev *dev)
{
	struct tank *k = input_get_drvdata(dev);

	${opened}
	return 0;
}

static int tank_connect(struct serio *serio, struct serio_driver *drv)
{
	struct tank *k = kzalloc(sizeof(*k), GFP_KERNEL);

	if (!k)
		return -ENOMEM;
	timer_setup(&k->poll, tank_poll, 0);
	serio_set_drvdata(serio, k);
	return tank_register(k, tank_open);
}

static void tank_disconnect(struct serio *serio)
{
	struct tank *k = serio_get_drvdata(serio);

	kfree(k);
}

static struct serio_driver tank_driver = {
	.connect = tank_connect,
	.disconnect = tank_disconnect,
};
`;
  test.each([
    ['mod_timer(&k->poll, jiffies + 1);', 'tank_open() arms the timer with mod_timer()', 20],
    ['k->level = 0;', 'tank_poll() arms itself again with mod_timer()', 13],
  ])('is not the handler itself where another function does it: %s', async (opened, sentence, line) => {
    const result = review(threadOf([patchOf({ 'drivers/tank.c': driver(opened) })]), { grammar: await grammar(), rules: [workOutlivesOwner] });
    const [finding, ...others] = result.reviews.flatMap(r => r.findings);
    expect(others).toEqual([]);
    expect(finding?.message).toContain('tank_disconnect() does not wait for tank_poll()');
    expect(finding?.detail).toEqual([sentence]);
    expect(finding?.quote[0]?.line).toBe(line);
  });
});
