import { expect, test } from 'vitest';
import { allMembers, memberOf, typeOf } from '../../src/facts/members.ts';
import { worldOfText } from '../code.ts';

test('a member of a table is known by the table', () => {
  expect(memberOf('struct net_device_ops', 'ndo_start_xmit')).toMatchObject({ runs: 'softirq', sleeps: false, holds: ['netif-tx'] });
  expect(memberOf('struct net_device_ops', 'ndo_open')).toMatchObject({ runs: 'task', holds: ['rtnl'], phase: 'up' });
  expect(memberOf('struct vm_operations_struct', 'open')?.holds).toEqual(['mmap']);
});

test('drivers of any bus have the members of a driver', () => {
  expect(memberOf('struct spi_driver', 'remove')).toMatchObject({ phase: 'teardown', driver: 'unbind', holds: ['device'] });
});

test('a table out of view leaves what the name of the member says, and no lock', () => {
  expect(memberOf(null, 'open')).toMatchObject({ struct: '*', runs: 'task', holds: [] });
  expect(memberOf('struct lane_ops', 'probe')).toMatchObject({ struct: '*', phase: 'setup' });
  expect(memberOf('struct lane_ops', 'lane_go')).toBeUndefined();
});

test('every member that is known has a source, and never runs beside members that exist', () => {
  const known = new Set(allMembers().map(m => m.member));
  for (const { struct, member, source, neverWith } of allMembers()) {
    expect(source, `${struct}.${member}`).not.toBe('');
    for (const other of neverWith) expect(known.has(other), `${struct}.${member}: ${other}`).toBe(true);
  }
});

test('a type of a lock has the family of its functions', () => {
  expect(typeOf('struct mutex')).toMatchObject({ is: 'lock', family: 'mutex' });
  expect(typeOf('struct pci_dev')).toMatchObject({ is: 'device' });
  expect(typeOf('struct lane')).toBeUndefined();
});

test('where a function is named tells the type of the table around it', async () => {
  const world = await worldOfText(`
static int lane_open(struct inode *inode, struct file *file)
{
	return 0;
}
static const struct file_operations lane_fops = {
	.owner = THIS_MODULE,
	.open = lane_open,
};
static int lane_probe(struct device *dev)
{
	struct lane *lane = dev->lane;
	lane->go = lane_open;
	return 0;
}
`);
  const [open] = world.functions;
  expect(open && world.mentions(open).map(m => [m.table, m.member])).toEqual([
    ['struct file_operations', 'open'],
    [null, 'go'],
  ]);
});
