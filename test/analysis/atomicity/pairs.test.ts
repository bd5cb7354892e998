import { expect, test } from 'vitest';
import { pairUpdates } from '../../../src/analysis/atomicity/pairs.ts';
import type { Use } from '../../../src/model/rule.ts';
import { worldOfText } from '../../code.ts';

/** The functions that update both counts. */
async function updating(body: string): Promise<string[]> {
  const world = await worldOfText(`
struct tally {
	unsigned long total;
	unsigned long hits;
};

void tally_change(struct tally *t, unsigned long n)
{
${body}}`);
  const uses = world.functions.flatMap(fn =>
    fn.events.flatMap((event): Use[] => {
      const side = event.cell?.path === 'total' ? 0 : event.cell?.path === 'hits' ? 1 : null;
      return side === null ? [] : [{ fn, event, side }];
    }),
  );
  return pairUpdates(uses, world).map(p => p.fn.name);
}

test('two stores of what others gave are an update of the pair', async () => {
  expect(await updating('	WRITE_ONCE(t->total, n);\n	WRITE_ONCE(t->hits, n);\n')).toEqual(['tally_change']);
});

test('who makes each new value of the old one by hand presumes a lock for each half', async () => {
  expect(await updating('	WRITE_ONCE(t->total, READ_ONCE(t->total) - n);\n	WRITE_ONCE(t->hits, READ_ONCE(t->hits) - n);\n')).toEqual([]);
});
