import { describe, expect, test } from 'vitest';
import { breachesIn } from '../../../src/analysis/lifetimes/teardown/law.ts';
import { endActionsIn, sourcesIn } from '../../../src/analysis/lifetimes/teardown/sources.ts';
import { mayPrecede, stepsOf } from '../../../src/analysis/lifetimes/teardown/steps.ts';
import { unawaitedIn } from '../../../src/analysis/lifetimes/teardown/unawaited.ts';
import { viewOfText } from '../../../src/analysis/view.ts';
import { builtIn } from '../../../src/facts/lookup.ts';
import { grammar } from '../../code.ts';

async function inFile(text: string) {
  const { world } = viewOfText('drivers/misc/mill.c', text, await grammar(), builtIn);
  const [file] = world.files;
  if (!file) throw new Error('no file');
  return { world, file, named: (name: string) => file.functions.find(fn => fn.name === name) };
}

const DRIVER = `
struct mill {
	struct timer_list turn;
	struct notifier_block nb;
	struct task_struct *miller;
	char *sack;
};

static void mill_turn(struct timer_list *t)
{
	struct mill *m = from_timer(m, t, turn);

	m->sack[0]++;
}

static irqreturn_t mill_irq(int irq, void *data)
{
	return IRQ_HANDLED;
}

static int mill_thread(void *data)
{
	return 0;
}

static int mill_xmit(struct sk_buff *skb, struct net_device *dev)
{
	return 0;
}

static const struct net_device_ops mill_ops = {
	.ndo_start_xmit = mill_xmit,
};

static void mill_off(void *data)
{
}

int mill_start(struct device *dev, struct mill *m, struct net_device *net)
{
	timer_setup(&m->turn, mill_turn, 0);
	m->miller = kthread_run(mill_thread, m, "mill");
	devm_add_action_or_reset(dev, mill_off, m);
	devm_request_irq(dev, 7, mill_irq, 0, "mill", m);
	return register_netdev(net);
}
`;

describe('what may run behind the back of a file', () => {
  test('is found by what makes it known, and whether it ends with the device', async () => {
    const { file, world } = await inFile(DRIVER);
    expect(sourcesIn(file, world).map(s => [s.runner, s.entry.name, s.managed])).toEqual([
      ['irq', 'mill_irq', true],
      ['kthread', 'mill_thread', false],
      ['timer', 'mill_turn', false],
      ['operations', 'mill_xmit', false],
    ]);
  });

  test('what is asked for at the end of the device has its function and what that gets', async () => {
    const { named } = await inFile(DRIVER);
    const start = named('mill_start');
    expect(start && endActionsIn(start).map(a => [a.name, a.data])).toEqual([['mill_off', 'm']]);
  });
});

describe('the steps of a run', () => {
  test('are those of what it calls too, in the order of the calls, and arms of a branch have none', async () => {
    const { named, world } = await inFile(`
static void one(struct mill *m)
{
	first(m);
	second(m);
	third(m);
	fourth(m);
	fifth(m);
	sixth(m);
	seventh(m);
	eighth(m);
	ninth(m);
	tenth(m);
}

void run(struct mill *m, int way)
{
	before(m);
	if (way)
		one(m);
	else
		other(m);
	after(m);
}`);
    const run = named('run');
    const steps = run ? stepsOf(run, world) : [];
    const step = (api: string) => steps.find(s => s.event.api === api) ?? expect.fail(api);
    expect(step('second').trail.map(site => site.fn.name)).toEqual(['run', 'one']);
    expect(mayPrecede(step('before'), step('second'))).toBe(true);
    expect(mayPrecede(step('first'), step('second'))).toBe(true);
    expect(mayPrecede(step('second'), step('first'))).toBe(false);
    expect(mayPrecede(step('second'), step('other'))).toBe(false);
    expect(mayPrecede(step('tenth'), step('after'))).toBe(true);
  });
});

/** A part of the driver that ends it. */
const ending = (body: string) => `${DRIVER}
void mill_wind(struct mill *m)
{
	mod_timer(&m->turn, jiffies + HZ);
}

void mill_stop(struct mill *m)
{
${body}}`;

describe('a handler and what it uses', () => {
  test('is freed before the wait that comes later', async () => {
    const { file, world } = await inFile(ending('	kfree(m->sack);\n	timer_shutdown_sync(&m->turn);\n'));
    expect(breachesIn(file, world).map(b => [b.source.entry.name, b.taking.how, b.taking.resource.name, b.stop?.event.api])).toEqual([
      ['mill_turn', 'frees', 'm->sack', 'timer_shutdown_sync'],
    ]);
  });

  test('is freed after it, or in the handler itself: no breach', async () => {
    for (const body of ['	timer_shutdown_sync(&m->turn);\n	kfree(m->sack);\n', '	timer_shutdown_sync(&m->turn);\n']) {
      const { file, world } = await inFile(ending(body));
      expect(breachesIn(file, world)).toEqual([]);
    }
  });

  test('nothing waits for, though a part of the object is freed behind', async () => {
    const { file, world } = await inFile(ending('	timer_delete(&m->turn);\n	kfree(m->sack);\n'));
    expect(unawaitedIn(file, world).map(u => [u.item.path, u.off?.event.api, u.end.how, u.certain])).toEqual([
      ['turn', 'timer_delete', 'part', true],
    ]);
  });

  test('the free alone ends the object; a wait anywhere in use is a wait', async () => {
    const alone = await inFile(ending('	kfree(m);\n'));
    expect(unawaitedIn(alone.file, alone.world).map(u => [u.off, u.end.how])).toEqual([[null, 'object']]);
    const waited = await inFile(`${ending('	kfree(m);\n')}\n\nvoid mill_pause(struct mill *m)\n{\n	timer_delete_sync(&m->turn);\n}\n`);
    expect(unawaitedIn(waited.file, waited.world)).toEqual([]);
  });
});
