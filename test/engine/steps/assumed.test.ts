import { describe, expect, test } from 'vitest';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { AssumedStep, Claim } from '../../../src/model/rule.ts';
import { lockKey } from '../../../src/model/section.ts';
import { worldOfText } from '../../code.ts';
import { at, decided, fn } from '../claim.ts';

describe('a CPU out of view', () => {
  const claimOf = (f: CFunction, put: Event, use: Event, other: Partial<Claim> = {}): Claim => {
    const last: AssumedStep = { does: 'put', cell: 'count' };
    const free: AssumedStep = { does: 'write', cell: 'object', where: { gave: last }, says: { before: '', after: 'frees it' } };
    return {
      threads: [{ fn: f, events: [put, use] }],
      others: [{ who: 'another holder', does: [last, free] }],
      bad: { kind: 'sees', reads: [{ read: use, from: free }] },
      meanings: [
        { event: put, access: 'put', cell: 'count', ordering: 'release' },
        { event: use, access: 'read', cell: 'object', ordering: 'relaxed', says: { before: 'looks', after: 'looks too late' } },
      ],
      starts: [{ cell: 'count', value: 2 }],
      edits: [{ kind: 'move', event: put, where: 'after', to: use, text: 'the put last' }],
      assumes: ['another CPU holds the only other reference'],
      ...other,
    };
  };
  const drop = async () => {
    const f = fn(await worldOfText('int drop(struct box *b)\n{\n\tbox_put(b);\n\treturn box_len(b);\n}\n'), 'drop');
    return { f, put: at(f, 'box_put'), use: at(f, 'box_len') };
  };

  test('is a thread of the execution, of no function, and what it does is told without a place', async () => {
    const { f, put, use } = await drop();
    expect(decided(claimOf(f, put, use))).toMatchObject({
      verdict: 'Sometimes',
      fixedVerdict: 'Never',
      reach: 'Sometimes',
      strength: 'sc',
      threads: [
        { name: 'drop()', function: 'drop' },
        { name: 'another holder (assumed)', function: null },
      ],
      steps: [
        { thread: 0, text: 'count: 2 -> 1', line: 3 },
        { thread: 1, text: 'count: 1 -> 0', path: '', line: 0 },
        { thread: 1, text: 'frees it', path: '', line: 0 },
        { thread: 0, text: 'looks too late', line: 4 },
      ],
      assumes: ['another CPU holds the only other reference'],
    });
  });

  test('does nothing after an assumed put that left the count above 0: with a third reference nobody frees', async () => {
    const { f, put, use } = await drop();
    expect(decided(claimOf(f, put, use, { starts: [{ cell: 'count', value: 3 }] }))).toBe(
      'not-decided: drop() against another holder: no execution shows this',
    );
  });

  test('frees where the count is not yet 0, if it is said to', async () => {
    const { f, put, use } = await drop();
    const last: AssumedStep = { does: 'put', cell: 'count' };
    const free: AssumedStep = { does: 'write', cell: 'object', where: { gave: last, zero: true } };
    const others = [{ who: 'another holder', does: [last, free] }];
    const bad = { kind: 'sees' as const, reads: [{ read: use, from: free }] };
    expect(decided(claimOf(f, put, use, { others, bad, starts: [{ cell: 'count', value: 3 }] }))).toMatch(/no fix was found that rules it out$/);
  });

  test('keeps out of a lock that the function holds', async () => {
    const world = await worldOfText(`
int look(struct box *b)
{
	int n;

	spin_lock(&b->lock);
	n = READ_ONCE(b->low);
	n += READ_ONCE(b->high);
	spin_unlock(&b->lock);
	return n;
}
`);
    const f = fn(world, 'look');
    const [low, high] = f.events.filter(e => e.api === 'READ_ONCE') as [Event, Event];
    const lock = low.locks.map(lockKey)[0] ?? '';
    const writes: AssumedStep[] = [
      { does: 'write', cell: low },
      { does: 'write', cell: high },
    ];
    const claim = (does: AssumedStep[]): Claim => ({
      threads: [{ fn: f, events: [low, high] }],
      others: [{ who: 'a writer', does }],
      bad: {
        kind: 'sees',
        reads: [
          { read: low, from: 'before' },
          { read: high, from: writes[1] as AssumedStep },
        ],
      },
      edits: [{ kind: 'reuse', event: high, first: low, text: 'one read' }],
      assumes: [],
    });
    expect(decided(claim([{ does: 'lock', cell: lock }, ...writes, { does: 'unlock', cell: lock }]))).toMatch(/no execution shows this$/);
    expect(decided(claim(writes))).toMatchObject({ verdict: 'Sometimes', fixedVerdict: 'Never' });
  });
});

test('what callers do before and afterwards runs in the thread of the function', async () => {
  const world = await worldOfText(`
void box_unlock(struct box *b)
{
	clear_bit(BOX_BUSY, &b->state);
}

int box_trylock(struct box *b)
{
	return !test_and_set_bit(BOX_BUSY, &b->state);
}
`);
  const [unlock, lock] = [fn(world, 'box_unlock'), fn(world, 'box_trylock')];
  const [clear, set] = [at(unlock, 'clear_bit'), at(lock, 'test_and_set_bit')];
  const look: AssumedStep = { does: 'read', cell: 'guarded' };
  expect(
    decided({
      threads: [
        { fn: unlock, events: [clear], before: [{ does: 'write', cell: 'guarded' }] },
        { fn: lock, events: [set], then: [look] },
      ],
      bad: {
        kind: 'sees',
        reads: [
          { read: set, from: clear },
          { read: look, from: 'before' },
        ],
      },
      edits: [{ kind: 'order', event: clear, ordering: 'release', text: 'clear_bit_unlock()' }],
      starts: [{ cell: clear, value: 1 }],
      assumes: ['callers touch what it guards'],
    }),
  ).toMatchObject({ strength: 'weak', outcome: 'CPU 1 reads BOX_BUSY as CPU 0 wrote it and reads guarded as it was before' });
});

describe('a section that interrupts off make', () => {
  const claimOf = async (use: string, rest: string, section?: 'irqs-off'): Promise<Claim> => {
    const f = fn(
      await worldOfText(
        `void walk(struct box *b)\n{\n\tstruct item *i;\n\n\tlocal_irq_disable();\n\ti = find(b);\n${use}\tlocal_irq_enable();\n${rest}}\n`,
      ),
      'walk',
    );
    const [find, look] = [at(f, 'find'), at(f, 'item_show')];
    const free: AssumedStep = { does: 'write', cell: 'item' };
    return {
      threads: [{ fn: f, events: [find, look] }],
      others: [
        {
          who: 'an updater',
          does: [{ does: 'write', cell: 'there', value: 0 }, { does: 'grace-period', says: { before: '', after: 'waits' } }, free],
        },
      ],
      ...(section ? { section } : {}),
      bad: {
        kind: 'sees',
        reads: [
          { read: find, from: 'before' },
          { read: look, from: free },
        ],
      },
      meanings: [
        { event: find, access: 'read', cell: 'there', ordering: 'relaxed' },
        { event: look, access: 'read', cell: 'item', ordering: 'relaxed' },
      ],
      edits: [{ kind: 'section', event: look, text: 'the use inside' }],
      assumes: [],
    };
  };

  test('ends where they are on again', async () => {
    const witness = decided(await claimOf('', '\titem_show(i);\n', 'irqs-off'));
    expect(witness).toMatchObject({ verdict: 'Sometimes', fixedVerdict: 'Never' });
    expect(typeof witness === 'string' ? [] : witness.steps?.map(s => s.text)).toContain('waits');
  });

  test('keeps what is used inside', async () => {
    expect(decided(await claimOf('\titem_show(i);\n', '', 'irqs-off'))).toMatch(/no execution shows this$/);
  });

  test('is none where the claim does not say so', async () => {
    expect(decided(await claimOf('', '\titem_show(i);\n'))).toMatch(/no fix was found that rules it out$/);
  });
});

test('a look moved behind the operation that must succeed first runs only where it did', async () => {
  const f = fn(await worldOfText('void grab(pte_t pte)\n{\n\tstruct page *p = entry_page(pte);\n\n\tpage_look(p);\n\tpage_take(p);\n}\n'), 'grab');
  const [find, look, take] = [at(f, 'entry_page'), at(f, 'page_look'), at(f, 'page_take')];
  const last: AssumedStep = { does: 'put', cell: 'count' };
  const free: AssumedStep = { does: 'write', cell: 'page', where: { gave: last } };
  const claim = (effect: boolean): Claim => ({
    threads: [{ fn: f, events: [find, look, take] }],
    others: [{ who: 'a CPU that unmaps', does: [{ does: 'write', cell: 'entry', value: 0 }, last, free] }],
    bad: {
      kind: 'sees',
      reads: [
        { read: find, from: 'before' },
        { read: look, from: free },
      ],
    },
    meanings: [
      { event: find, access: 'read', cell: 'entry', ordering: 'relaxed' },
      { event: look, access: 'read', cell: 'page', ordering: 'relaxed' },
      { event: take, access: 'try', cell: 'count', ordering: 'full' },
    ],
    starts: [{ cell: 'count', value: 1 }],
    edits: [{ kind: 'move', event: look, where: 'after', to: take, ...(effect ? { effect: true as const } : {}), text: 'the look behind' }],
    assumes: [],
  });
  expect(decided(claim(true))).toMatchObject({ verdict: 'Sometimes', fixedVerdict: 'Never' });
  expect(decided(claim(false))).toMatch(/no fix was found that rules it out$/);
});
