import { expect, test } from 'vitest';
import { renamed } from './renamed.ts';

test('renaming leaves the kernel’s functions, members and macros alone', () => {
  const text = `
static int kick(struct m *m)
{
	m->kick = 1;
	spin_lock(&m->lock);
	kick_off(m);
	return kick(m) + KICK(m);
}

int other(int a);
`;
  expect(renamed(text, n => `x${n}_create`)).toBe(text.replace('int kick', 'int x0_create').replace('return kick', 'return x0_create'));
});
