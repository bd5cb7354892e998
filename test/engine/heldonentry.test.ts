import { expect, test } from 'vitest';
import { heldOnEntry } from '../../src/analysis/query.ts';
import { decideClaim } from '../../src/engine/witness.ts';
import type { Claim, World } from '../../src/model/rule.ts';
import { worldOfText } from '../code.ts';
import { at, fn } from './claim.ts';

const BOX = 'struct box {\n\tint full;\n\tint n;\n\tstruct mutex lock;\n\tstruct rw_semaphore sem;\n};\n';

/** take() finds the box full and then reads n, while empty() clears both. */
function claimOn(world: World): Claim {
  const [take, empty] = [fn(world, 'take'), fn(world, 'empty')];
  const [full, n, clear] = [at(take, 'READ_ONCE', 'full'), at(take, 'READ_ONCE', 'n'), at(empty, 'WRITE_ONCE', 'n')];
  return {
    threads: [
      { fn: take, events: [full, n] },
      { fn: empty, events: [clear] },
    ],
    bad: {
      kind: 'sees',
      reads: [
        { read: full, from: 'before' },
        { read: n, from: clear },
      ],
    },
    starts: [{ cell: full, value: 1 }],
    edits: [
      { kind: 'lock', text: 'one lock' },
      { kind: 'move', event: n, where: 'before', to: full, text: 'the other order' },
    ],
    assumes: [],
    meanings: [{ event: clear, access: 'write', cell: full, ordering: 'relaxed', besides: 'always' }],
  };
}

const TAKE = '\tif (READ_ONCE(b->full))\n\t\treturn READ_ONCE(b->n);\n\treturn 0;\n';
const EMPTY = '\tWRITE_ONCE(b->n, 0);\n';

async function seen(code: string, asked: boolean): Promise<boolean> {
  const world = await worldOfText(BOX + code);
  const onEntry = asked ? (f: ReturnType<typeof fn>) => heldOnEntry(f, world) : undefined;
  const decided = onEntry ? decideClaim(claimOn(world), { left: 100_000 }, onEntry) : decideClaim(claimOn(world));
  return 'witness' in decided;
}

const called = (lock: (call: string) => string) => `static int take(struct box *b)\n{\n${TAKE}}
static void empty(struct box *b)\n{\n${EMPTY}}
void run(struct box *b)\n{\n${lock('b->n = take(b)')}\n}
void stop(struct box *b)\n{\n${lock('empty(b)')}\n}\n`;

test('a lock that all callers of both sides hold keeps them apart', async () => {
  const locked = called(call => `\tmutex_lock(&b->lock);\n\t${call};\n\tmutex_unlock(&b->lock);`);
  expect([await seen(locked, true), await seen(locked, false)]).toEqual([false, true]);
});

test('one that they share keeps nobody apart, and one that a single side shares does', async () => {
  const shared = (lock: string) => `\tdown_${lock}(&b->sem);\n`;
  const both = (other: string) => `int take(struct box *b)\n{\n${shared('read')}${TAKE}}\nvoid empty(struct box *b)\n{\n${shared(other)}${EMPTY}}\n`;
  expect(await seen(both('read'), true)).toBe(true);
  expect(await seen(both('write'), true)).toBe(false);
});
