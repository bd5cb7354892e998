import { expect, test } from 'vitest';
import { scan } from '../../src/engine/scan.ts';
import type { UserFunction } from '../../src/model/userfacts.ts';
import { grammar } from '../code.ts';

const like = (name: string, model: string): UserFunction => ({ name, like: model, file: 'facts.yaml', line: 1 });

async function found(code: string, functions: UserFunction[]): Promise<string[]> {
  const { reviews } = scan('drivers/example/lane.c', code, {
    grammar: await grammar(),
    facts: { functions, members: [], types: [], invariants: [] },
  });
  return reviews.flatMap(r => r.findings.map(f => `${f.rule} ${f.line}`));
}

const SLEEPS = `
static void lane_reset(struct lane *lane)
{
	spin_lock(&lane->lock);
	lane->state = 0;
	lane_settle(20);
	spin_unlock(&lane->lock);
}
`;

test('what is declared to sleep as msleep() does may not run under a spinlock', async () => {
  expect(await found(SLEEPS, [])).toEqual([]);
  expect(await found(SLEEPS, [like('lane_settle', 'msleep')])).toEqual(['sleep-in-atomic 6']);
});

test('what is declared like udelay() may', async () => {
  expect(await found(SLEEPS, [like('lane_settle', 'udelay')])).toEqual([]);
});
