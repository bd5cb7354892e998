import { expect, test } from 'vitest';
import { partnersOf } from '../../../src/analysis/query.ts';
import { worldOfText } from '../../code.ts';

/** Functions that may store to b->n while look() reads it, in the order in which they are named. */
async function partners(code: string): Promise<string[]> {
  const world = await worldOfText(`struct box {\n\tspinlock_t lock;\n\tint n;\n};\n${code}`);
  const sites = world.functions.flatMap(fn => fn.events.filter(e => e.cell?.path === 'n' && e.kind === 'write').map(event => ({ fn, event })));
  const fn = world.functions.find(f => f.name === 'look');
  const event = fn?.events.find(e => e.cell?.path === 'n');
  if (!fn || !event) throw new Error('nobody looks');
  return partnersOf(sites, { fn, event }, world).map(p => p.fn.name);
}

const LOOK = 'int look(struct box *b)\n{\n\treturn b->n;\n}\n';
const stores = (name: string, body = '', head = 'void') => `${head} ${name}(struct box *b)\n{\n\t${body}b->n = 1;\n}\n`;

test('set-up, teardown, tests and private objects are no partners', async () => {
  expect(
    await partners(
      `${LOOK}${stores('boot', '', 'void __init')}${stores('unload', '', 'void __exit')}
struct box *build(void)
{
	struct box *b = kzalloc(sizeof(*b), GFP_KERNEL);

	b->n = 1;
	return b;
}
${stores('fill')}`,
    ),
  ).toEqual(['fill']);
});

test('what a table runs as a device comes and goes is none, and neither is its helper', async () => {
  const code = `${LOOK}${stores('step', '', 'static void')}
static int start(struct platform_device *pdev)
{
	step(platform_get_drvdata(pdev));
	return 0;
}
static struct platform_driver driver = { .probe = start };
`;
  expect(await partners(code)).toEqual([]);
  expect(await partners(code.replace('.probe', '.wake'))).toEqual(['step']);
});

test('a helper that the function alone calls is the same thread', async () => {
  const helper = stores('note', '', 'static void');
  const look = LOOK.replace('return', 'note(b);\n\treturn');
  expect(await partners(helper + look)).toEqual([]);
  expect(await partners(`${helper}${look}void other(struct box *b)\n{\n\tnote(b);\n}\n`)).toEqual(['note']);
});

test('what the kernel calls comes first, what fails comes later, and what the same lock keeps away last', async () => {
  const look = 'int look(struct box *b)\n{\n\tint n;\n\n\tspin_lock(&b->lock);\n\tn = b->n;\n\tspin_unlock(&b->lock);\n\treturn n;\n}\n';
  const code = `${look}
void held(struct box *b)
{
	spin_lock(&b->lock);
	b->n = 2;
	spin_unlock(&b->lock);
}
int failed(struct box *b)
{
	if (box_run(b)) {
		b->n = 0;
		return -EIO;
	}
	return 0;
}
${stores('called')}
static irqreturn_t fired(int irq, void *data)
{
	struct box *b = data;

	b->n = 3;
	return IRQ_HANDLED;
}
int ask(struct box *b)
{
	return request_irq(7, fired, 0, "box", b);
}
`;
  expect(await partners(code)).toEqual(['fired', 'called', 'failed', 'held']);
});

test('what RTNL keeps from running beside the place is none, and what may be at another object comes last', async () => {
  const table = (member: string, name: string) => `static const struct net_device_ops ops_${name} = { .${member} = ${name} };\n`;
  const lookIn = 'static int look(struct box *b)\n{\n\treturn b->n;\n}\n';
  const at = `${lookIn}static const struct net_device_ops ops_look = { .ndo_open = look };\n`;
  expect(await partners(`${at}${stores('stop', '', 'static void')}${table('ndo_stop', 'stop')}${stores('fill')}`)).toEqual(['fill']);
  const both = `${lookIn}${stores('beat', '', 'static void')}${stores('fill')}
static const struct tty_port_operations ops = { .activate = look, .shutdown = beat };
`;
  expect(await partners(both)).toEqual(['fill', 'beat']);
});
