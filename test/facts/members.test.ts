import { expect, test } from 'vitest';
import { allFacts } from '../../src/facts/lookup.ts';
import { allMembers, memberOf, typeFactOf } from '../../src/facts/members.ts';
import { isContext, sectionText } from '../../src/model/section.ts';
import { worldOfText } from '../code.ts';

const held = (struct: string, member: string) =>
  memberOf(struct, member)?.holds.map(({ section, argument }) => `${sectionText(section)}${argument === null ? '' : ` of ${argument}`}`);

test('a member of a table is known by the table', () => {
  expect(memberOf('struct net_device_ops', 'ndo_start_xmit')).toMatchObject({ runs: 'softirq', sleeps: false, unless: ['lltx'] });
  expect(memberOf('struct net_device_ops', 'ndo_open')).toMatchObject({ runs: 'task', phase: 'up', pair: ['ndo_stop'] });
});

test('what its caller holds is a section, with the argument that it is of', () => {
  expect(held('struct net_device_ops', 'ndo_open')).toEqual(['rtnl:rtnl']);
  expect(held('struct net_device_ops', 'ndo_start_xmit')).toEqual(['bh-off', 'spin:struct netdev_queue._xmit_lock']);
  expect(held('struct vm_operations_struct', 'access')).toEqual(['mmap:struct mm_struct.* (shared)']);
  expect(held('struct inode_operations', 'lookup')).toEqual(['rwsem:struct inode.* (shared) of 0']);
});

test('a table says of all its members what no row says of one', () => {
  expect(memberOf('struct ethtool_ops', 'get_strings')).toMatchObject({ struct: 'struct ethtool_ops', runs: 'task' });
  expect(held('struct ethtool_ops', 'get_strings')).toEqual(['rtnl:rtnl']);
});

test('drivers of any bus have the members of a driver', () => {
  expect(memberOf('struct spi_driver', 'remove')).toMatchObject({ phase: 'teardown', driver: 'unbind', pair: ['probe', 'probe_new'] });
  expect(held('struct spi_driver', 'remove')).toEqual(['mutex:struct device.*']);
});

test('a table out of view leaves what the name of the member says, and no lock', () => {
  expect(memberOf(null, 'open')).toMatchObject({ struct: '*', runs: 'task', holds: [] });
  expect(memberOf('struct lane_ops', 'probe')).toMatchObject({ struct: '*', phase: 'setup' });
  expect(memberOf('struct lane_ops', 'lane_go')).toBeUndefined();
});

test('some eighty tables are known, and a driver of cpufreq or tty is no driver of a bus', () => {
  const tables = new Set(allMembers().map(m => m.struct));
  expect(tables.size).toBeGreaterThan(80);
  expect(memberOf('struct cpufreq_driver', 'suspend')).toMatchObject({ struct: '*' });
  expect(held('struct cpufreq_driver', 'suspend')).toEqual([]);
});

test('every lock that a table holds is of a family that functions acquire, or of one with a name of its own', () => {
  const families = new Set(allFacts().flatMap(f => (f.lock ? [f.lock.family] : [])));
  const own = new Set(['ldsem']);
  for (const { struct, member, holds } of allMembers())
    for (const { section } of holds)
      if (!isContext(section))
        expect(families.has(section.family ?? '') || own.has(section.family ?? ''), `${struct}.${member}: ${sectionText(section)}`).toBe(true);
});

test('every member that is known has a source, and never runs beside members that exist', () => {
  const known = new Set(allMembers().map(m => m.member));
  for (const { struct, member, source, neverWith } of allMembers()) {
    expect(source, `${struct}.${member}`).not.toBe('');
    for (const other of neverWith) expect(known.has(other), `${struct}.${member}: ${other}`).toBe(true);
  }
});

test('a type of a lock has the family of its functions', () => {
  expect(typeFactOf('struct mutex')).toMatchObject({ is: 'lock', family: 'mutex' });
  expect(typeFactOf('struct pci_dev')).toMatchObject({ is: 'device' });
  expect(typeFactOf('struct lane')).toBeUndefined();
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
