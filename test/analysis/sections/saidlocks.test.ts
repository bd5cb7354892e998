import { describe, expect, test } from 'vitest';
import { whyHeld } from '../../../src/analysis/entry/why.ts';
import { heldOnEntry } from '../../../src/analysis/query.ts';
import { saidLocks } from '../../../src/analysis/sections/saidlocks.ts';
import { sectionText } from '../../../src/model/section.ts';
import { worldOfText } from '../../code.ts';

const parameters = [{ name: 'l', type: 'struct lane *' }];
const said = (text: string) => saidLocks({ doc: { line: 1, endLine: 2, text }, parameters }).map(sectionText);

describe('a comment above a function', () => {
  test.each<string>([
    'Takes and releases l->lock.',
    'The caller must not hold l->lock.',
    'Call it without l->lock held.',
    'If the caller holds l->lock, nothing is printed.',
    'Called with spinlock held.',
    'The lane must be held open by the caller.',
    'Returns with l->lock held.',
    'Context: Process context. May sleep.',
    'Called with the lane that is to be closed.',
    'Holds a reference of the lane.',
  ])('says of no lock that callers hold it: %s', text => {
    expect(said(text)).toEqual([]);
  });

  test.each<[string, string[]]>([
    ['Caller must hold l->lock.', ['asserted:struct lane.lock']],
    ['lane_go - starts a lane\n@l: the lane\n\nContext: Any context. Callers must hold @l->lock.', ['asserted:struct lane.lock']],
    ['Must be called with the l->lock held', ['asserted:struct lane.lock']],
    ['Called with lane_mutex held.', ['asserted:lane_mutex']],
    ['The caller holds the struct lane->lock and lanes_lock.', ['asserted:struct lane.lock', 'asserted:lanes_lock']],
    ['Called under rtnl_lock().', ['asserted:rtnl']],
    ['Caller must hold rcu_read_lock().', ['rcu-read']],
    ['Called with interrupts disabled.', ['irqs-off']],
    ['lanes_lock must be held.', ['asserted:lanes_lock']],
    ['This function requires the caller holds l->lock', ['asserted:struct lane.lock']],
  ])('says what callers hold: %s', (text, expected) => {
    expect(said(text)).toEqual(expected);
  });
});

const held = async (code: string, name: string) => {
  const world = await worldOfText(`struct lane {\n\tspinlock_t lock;\n\tint n;\n};\n${code}`);
  const fn = world.functions.find(f => f.name === name);
  if (!fn) throw new Error(`no ${name}()`);
  const entry = heldOnEntry(fn, world);
  return [...entry.locks, ...entry.context].map(sectionText);
};

test('the trail names the comment, or the table', async () => {
  const world = await worldOfText(
    `/* Called with lanes_lock held. */\nstatic int lane_stop(struct net_device *dev)\n{\n\tdev->x = 1;\n\treturn 0;\n}\nstatic const struct net_device_ops ops = {\n\t.ndo_stop = lane_stop,\n};\n`,
  );
  const [fn] = world.functions;
  expect(fn && whyHeld(fn, 4, world)?.map(w => [sectionText(w.section), w.held, ...w.trail.map(t => `${t.kind} ${t.line} ${t.text}`)])).toEqual([
    ['asserted:lanes_lock', 'callers', 'comment 1 '],
    ['rtnl:rtnl', 'callers', 'table 8 .ndo_stop of struct net_device_ops'],
  ]);
});

test('what a comment says holds on entry, unless the function acquires it itself', async () => {
  const body = (text: string) => `\n/* Called with l->lock held. */\nvoid lane_step(struct lane *l)\n{\n${text}\tl->n++;\n}\n`;
  expect(await held(body(''), 'lane_step')).toEqual(['asserted:struct lane.lock']);
  expect(await held(body('\tspin_lock(&l->lock);\n'), 'lane_step')).toEqual([]);
});

describe('what the core holds for a table', () => {
  const stop = 'static int lane_stop(struct net_device *dev)\n{\n\treturn 0;\n}\n';
  const table = 'static const struct net_device_ops lane_ops = { .ndo_stop = lane_stop };\n';

  test('holds on entry of what stands in it', async () => {
    expect(await held(`${stop}${table}`, 'lane_stop')).toEqual(['rtnl:rtnl']);
  });

  test('not where something else runs it too', async () => {
    const work = 'void lane_init(struct lane *l)\n{\n\tINIT_WORK(&l->work, lane_stop);\n}\n';
    const call = 'void lane_reset(struct net_device *dev)\n{\n\tlane_stop(dev);\n}\n';
    expect(await held(`${stop}${table}${work}`, 'lane_stop')).toEqual([]);
    expect(await held(`${stop}${table}${call}`, 'lane_stop')).toEqual([]);
    expect(await held(`${stop.replace('static ', '')}${table}`, 'lane_stop')).toEqual([]);
  });

  test('nor where the table is not known by its type', async () => {
    expect(await held(`${stop}struct lane_ops { int x; };\nstatic const struct lane_ops ops = { .ndo_stop = lane_stop };\n`, 'lane_stop')).toEqual(
      [],
    );
  });

  test('and in its helpers', async () => {
    const helper = 'static void lane_halt(struct net_device *dev)\n{\n\tdev->x = 1;\n\tdev->y = 1;\n}\n';
    expect(await held(`${helper}${stop.replace('return 0', 'lane_halt(dev);\n\treturn 0')}${table}`, 'lane_halt')).toEqual(['rtnl:rtnl']);
  });
});

describe('what a callee asks for by __must_hold()', () => {
  const callee = 'static void lane_add(struct lane *l, int n) __must_hold(&l->lock)\n{\n\tl->n += n;\n\tl->n += n;\n}\n';
  test('holds on entry of its caller', async () => {
    expect(await held(`${callee}void lane_go(struct lane *lane)\n{\n\tlane_add(lane, 1);\n}\n`, 'lane_go')).toEqual(['asserted:struct lane.lock']);
  });
  test('not where the caller acquires it itself, on some path', async () => {
    const some = '\tif (lane->n)\n\t\tspin_lock(&lane->lock);\n';
    expect(await held(`${callee}void lane_go(struct lane *lane)\n{\n${some}\tlane_add(lane, 1);\n}\n`, 'lane_go')).toEqual([]);
  });
  test('nor of one that calls something else', async () => {
    expect(await held(`${callee}void lane_go(struct lane *lane)\n{\n\tlane_sub(lane, 1);\n}\n`, 'lane_go')).toEqual([]);
  });
});
