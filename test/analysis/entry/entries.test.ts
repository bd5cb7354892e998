import { expect, test } from 'vitest';
import { canOverlap, entriesOf, entryText, pairedWith, registrationsOf } from '../../../src/analysis/query.ts';
import type { CFunction } from '../../../src/model/code.ts';
import type { World } from '../../../src/model/rule.ts';
import { sectionText } from '../../../src/model/section.ts';
import { hunkPatch, patchOf, worldIn, worldOfText } from '../../code.ts';

function named(world: World, name: string): CFunction {
  const fn = world.functions.find(f => f.name === name);
  if (!fn) throw new Error(`no ${name}()`);
  return fn;
}

/** Each entry of a function in one line. */
function roads(world: World, name: string): string[] {
  return entriesOf(named(world, name), world).map(e =>
    [e.by, entryText(e), e.context ?? '?', e.phase, ...e.locks.map(sectionText), ...e.chain.map(c => `${c.fn.name}()`)].join(' '),
  );
}

const DRIVER = `
static void lane_reset(struct lane *lane)
{
	writel(0, lane->base);
}

static int lane_start(struct platform_device *pdev)
{
	lane_reset(platform_get_drvdata(pdev));
	return 0;
}

static void lane_gone(struct platform_device *pdev)
{
	lane_reset(platform_get_drvdata(pdev));
}

static struct platform_driver lane_driver = {
	.probe = lane_start,
	.remove = lane_gone,
	.driver = { .name = "lane" },
};
module_platform_driver(lane_driver);
`;

test('a helper is reached through the members of the table that its callers stand in', async () => {
  const world = await worldOfText(DRIVER);
  expect(roads(world, 'lane_reset')).toEqual([
    'table .probe of lane_driver task setup mutex:struct device.* lane_start()',
    'table .remove of lane_driver task teardown mutex:struct device.* lane_gone()',
  ]);
});

test('a function that another file can call is reached from outside too, whatever its name says', async () => {
  const world = await worldOfText(DRIVER.replace('static void lane_reset', 'void lane_remove'));
  expect(roads(world, 'lane_remove')).toContainEqual('outside lane_remove() ? unknown');
});

test('a static function that nothing in view leads to is reached from out of view', async () => {
  expect(roads(await worldOfText('static int lane_probe(struct platform_device *pdev)\n{\n\treturn 0;\n}\n'), 'lane_probe')).toEqual([
    'outside lane_probe() ? unknown',
  ]);
});

test('an address that is given to an unknown call says nothing of context or phase', async () => {
  const world = await worldOfText(`
static void lane_exit(void *data)
{
	lane_count = 0;
}

int lane_go(void)
{
	return bus_hang_in(lane_exit);
}
`);
  expect(roads(world, 'lane_exit')).toEqual(['address bus_hang_in() ? unknown']);
});

test('handlers have the context of what runs them', async () => {
  const world = await worldOfText(`
static irqreturn_t lane_hard(int irq, void *data)
{
	return IRQ_WAKE_THREAD;
}

static irqreturn_t lane_soft(int irq, void *data)
{
	return IRQ_HANDLED;
}

static void lane_work(struct work_struct *work)
{
}

static int lane_start(struct platform_device *pdev)
{
	struct lane *lane = platform_get_drvdata(pdev);

	INIT_WORK(&lane->work, lane_work);
	return devm_request_threaded_irq(&pdev->dev, 3, lane_hard, lane_soft, 0, "lane", lane);
}
`);
  expect(roads(world, 'lane_hard')).toEqual(['handler devm_request_threaded_irq() hardirq runtime']);
  expect(roads(world, 'lane_soft')).toEqual(['handler devm_request_threaded_irq() task runtime']);
  expect(roads(world, 'lane_work')).toEqual(['handler INIT_WORK() task runtime']);
});

test('a store into a member of a known type is a registration, with the locks of the table', async () => {
  const world = await worldOfText(`
struct lane {
	struct napi_struct napi;
	struct net_device *ndev;
};
static int lane_poll(struct napi_struct *napi, int budget)
{
	return 0;
}

static int lane_stop(struct net_device *ndev)
{
	return 0;
}

static struct net_device_ops lane_ops;

void lane_setup(struct lane *lane)
{
	lane->napi.poll = lane_poll;
	lane_ops.ndo_stop = lane_stop;
}
`);
  expect(roads(world, 'lane_poll')).toEqual(['table .poll softirq runtime']);
  expect(roads(world, 'lane_stop')).toEqual(['table .ndo_stop task teardown rtnl:rtnl']);
});

test('locks of the table hold in a helper until its caller releases them, and those of the call are added', async () => {
  const world = await worldOfText(`
static void lane_step(struct lane *lane)
{
	lane->n++;
}

static int lane_stop(struct net_device *ndev)
{
	struct lane *lane = netdev_priv(ndev);

	mutex_lock(&lane->lock);
	lane_step(lane);
	mutex_unlock(&lane->lock);
	return 0;
}

static int lane_open(struct net_device *ndev)
{
	rtnl_unlock();
	lane_step(netdev_priv(ndev));
	rtnl_lock();
	return 0;
}

static const struct net_device_ops lane_ops = {
	.ndo_open = lane_open,
	.ndo_stop = lane_stop,
};
`);
  expect(roads(world, 'lane_step')).toEqual([
    'table .ndo_stop of lane_ops task teardown mutex:struct lane.lock rtnl:rtnl lane_stop()',
    'table .ndo_open of lane_ops task setup lane_open()',
  ]);
});

test('a table in another file of the series names a function that is not static', async () => {
  const world = await worldIn([
    patchOf({
      'drivers/lane/main.c': 'int lane_in(struct inode *inode, struct file *file)\n{\n\treturn 0;\n}\n',
      'drivers/lane/ops.c': 'static const struct file_operations lane_fops = {\n\t.open = lane_in,\n};\n',
      'drivers/lane/twin.c':
        'static int lane_in(struct inode *inode, struct file *file)\n{\n\treturn 0;\n}\nstatic const struct file_operations twin_fops = {\n\t.release = lane_in,\n};\n',
    }),
  ]);
  expect(roads(world, 'lane_in')).toEqual(['table .open of lane_fops task setup', 'outside lane_in() ? unknown']);
});

test('what sets up and what takes down are paired by their table, module or device', async () => {
  const world = await worldOfText(`${DRIVER}
static void lane_off(void *data)
{
}

static int other_start(struct platform_device *pdev)
{
	return devm_add_action_or_reset(&pdev->dev, lane_off, pdev);
}

static void other_gone(struct platform_device *pdev)
{
}

static struct platform_driver other_driver = {
	.probe = other_start,
	.remove = other_gone,
};

static int __init lane_load(void)
{
	return 0;
}
module_init(lane_load);

static void __exit lane_unload(void)
{
}
module_exit(lane_unload);
`);
  const pairs = (name: string) => entriesOf(named(world, name), world).flatMap(e => pairedWith(e, world).map(p => p.root.name));
  expect(pairs('lane_gone')).toEqual(['lane_start']);
  expect(pairs('lane_start')).toEqual(['lane_gone']);
  expect(pairs('other_gone')).toEqual(['other_start']);
  expect(pairs('lane_off')).toEqual(['other_start']);
  expect(pairs('lane_unload')).toEqual(['lane_load']);
});

const NET = `
static netdev_tx_t lane_xmit(struct sk_buff *skb, struct net_device *ndev)
{
	return NETDEV_TX_OK;
}

static int lane_open(struct net_device *ndev)
{
	return 0;
}

static int lane_stop(struct net_device *ndev)
{
	return 0;
}

static int lane_poll(struct napi_struct *napi, int budget)
{
	return 0;
}

static void lane_work(struct work_struct *work)
{
}

static const struct net_device_ops lane_ops = {
	.ndo_open = lane_open,
	.ndo_stop = lane_stop,
	.ndo_start_xmit = lane_xmit,
};

void lane_init(struct lane *lane)
{
	netif_napi_add(lane->ndev, &lane->napi, lane_poll);
	INIT_WORK(&lane->work, lane_work);
}
`;

test('members under one lock never overlap, nor those that have ended, nor a handler with itself', async () => {
  const world = await worldOfText(NET);
  const can = (a: string, b: string) => {
    const { can, ofOneObject, why } = canOverlap(named(world, a), named(world, b), world);
    return `${can}${ofOneObject ? ', of one object' : ''}: ${why}`;
  };
  expect(can('lane_open', 'lane_stop')).toBe('no: both run under rtnl:rtnl');
  expect(can('lane_xmit', 'lane_stop')).toMatch(/^no, of one object: ndo_start_xmit has ended when ndo_stop runs \(/);
  expect(can('lane_xmit', 'lane_open')).toBe('yes: .ndo_start_xmit of lane_ops and .ndo_open of lane_ops');
  expect(can('lane_poll', 'lane_poll')).toMatch(/^no, of one object/);
  expect(can('lane_work', 'lane_work')).toMatch(/^no, of one object/);
  expect(can('lane_work', 'lane_poll')).toMatch(/^yes/);
  expect(can('lane_work', 'lane_init')).toMatch(/^unknown/);
});

test('a driver that gives up the lock of its queues overlaps with itself', async () => {
  const world = await worldOfText(`${NET}
void lane_lockless(struct net_device *ndev)
{
	ndev->lltx = true;
}
`);
  expect(canOverlap(named(world, 'lane_xmit'), named(world, 'lane_xmit'), world).can).toBe('yes');
  expect(canOverlap(named(await worldOfText(NET), 'lane_xmit'), named(await worldOfText(NET), 'lane_xmit'), await worldOfText(NET)).can).not.toBe(
    'yes',
  );
});

test('a macro that makes the names of its handlers registers them, and another word of the same spelling does not', async () => {
  const show = (name: string, store = false) =>
    `static ssize_t ${name}(struct device *dev, struct device_attribute *attr, ${store ? 'const char *buf, size_t n' : 'char *buf'})\n{\n\treturn 0;\n}\n`;
  const world =
    await worldOfText(`${show('speed_show')}${show('speed_store', true)}${show('temp_show')}${show('width_show')}${show('lane_width_show')}
static DEVICE_ATTR_RW(speed);
static SENSOR_DEVICE_ATTR_RO(temp1_input, temp, 0);
CONFIGFS_ATTR_RO(lane_, width);
static LANE_THING(temp_show);
`);
  for (const [name, macro] of [
    ['speed_show', 'DEVICE_ATTR_RW'],
    ['speed_store', 'DEVICE_ATTR_RW'],
    ['temp_show', 'SENSOR_DEVICE_ATTR_RO'],
    ['lane_width_show', 'CONFIGFS_ATTR_RO'],
  ] as const)
    expect(roads(world, name)).toContainEqual(`handler ${macro}() task runtime`);
  expect(roads(world, 'temp_show')).toContainEqual('address LANE_THING() ? unknown');
  expect(roads(world, 'width_show')).toEqual(['outside width_show() ? unknown']);
});

test('a wrapper around the name is none that it is given to', async () => {
  const world = await worldOfText(`
static void lane_gone(struct platform_device *pdev)
{
}
static struct platform_driver lane_driver = {
	.remove = __exit_p(lane_gone),
};
`);
  expect(roads(world, 'lane_gone')).toEqual(['table .remove of lane_driver task teardown mutex:struct device.*']);
});

test('a table is known by the braces around the member, however long and wherever it stands', async () => {
  const fn = (name: string) => `static int ${name}(struct inode *inode, struct file *file)\n{\n\treturn 0;\n}\n`;
  const world = await worldOfText(`${fn('lane_a')}${fn('lane_b')}${fn('lane_c')}
static const struct lane_name first = { "a" };
static const struct lane_long long_ops[] __initconst = {
${'\t{ .name = "lane", .number = 1 },\n'.repeat(400)}	{ .open = lane_a },
};
static struct lane_box box = { .n = 1 };
static const struct file_operations lane_fops = { .open = lane_b };
EXPORT_SYMBOL_GPL(lane_b);

int lane_use(void)
{
	struct lane_call call = {
		.go = lane_c,
	};

	if (call.go == lane_c)
		return 0;
	return lane_run(&call);
}
`);
  const tables = (name: string) => registrationsOf(named(world, name), world).map(r => `${r.by} ${r.table} ${r.instance} ${r.member}`);
  expect(tables('lane_a')).toEqual(['table struct lane_long long_ops open']);
  expect(tables('lane_b')).toEqual(['table struct file_operations lane_fops open']);
  expect(tables('lane_c')).toEqual(['table struct lane_call call go']);
});

test('a hunk inside of a table is of the table that its section names', async () => {
  const world = await worldIn([
    hunkPatch(
      'drivers/lane/lane.c',
      'static int lane_in(struct inode *inode)',
      4,
      '+static int lane_in(struct inode *inode, struct file *file)\n+{\n+\treturn 0;\n+}',
    ),
    hunkPatch('drivers/lane/lane.c', 'static const struct file_operations lane_fops = {', 40, ' \t.llseek = noop_llseek,\n+\t.open = lane_in,\n };'),
  ]);
  expect(registrationsOf(named(world, 'lane_in'), world).map(r => `${r.table} ${r.instance} ${r.member}`)).toContainEqual(
    'struct file_operations lane_fops open',
  );
});

test('what stands in a table of the file alone is reached by the calls through it', async () => {
  const code = (head: string) => `
struct lane_kind {
	void (*step)(struct lane *lane);
};
struct lane {
	const struct lane_kind *kind;
};
static void lane_fast(struct lane *lane)
{
	lane->n = 1;
	lane->m = 1;
}
static const struct lane_kind fast = { .step = lane_fast };

${head}void lane_work(struct work_struct *work)
{
	struct lane *lane = container_of(work, struct lane, work);

	lane->kind->step(lane);
}
void lane_init(struct lane *lane)
{
	lane->kind = &fast;
	INIT_WORK(&lane->work, lane_work);
}
`;
  expect(roads(await worldOfText(code('static ')), 'lane_fast')).toEqual(['handler INIT_WORK() task runtime lane_work()']);
});

test('a string before the name holds no argument of its own, and what ends a registration is none', async () => {
  const world = await worldOfText(`
static void lane_boot(struct device_node *node)
{
}
CLK_OF_DECLARE(lane, "lane,clock-(1),a", lane_boot);

static void lane_note(acpi_handle handle, u32 event, void *data)
{
}
int lane_off(acpi_handle handle)
{
	return acpi_remove_notify_handler(handle, ACPI_DEVICE_NOTIFY, lane_note);
}
`);
  expect(roads(world, 'lane_boot')).toEqual(['handler CLK_OF_DECLARE() task setup']);
  expect(registrationsOf(named(world, 'lane_note'), world)).toEqual([]);
});
