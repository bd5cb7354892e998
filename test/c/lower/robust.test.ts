import fc from 'fast-check';
import { expect, test } from 'vitest';
import { imageOfText, viewOfText } from '../../../src/analysis/view.ts';
import { parseCache, worldOf } from '../../../src/analysis/world.ts';
import { builtIn } from '../../../src/facts/lookup.ts';
import { grammar } from '../../code.ts';

const SAMPLE = `
struct ring {
	spinlock_t lock;
	atomic_t used;
	unsigned long *map;
	struct ring *next;
};

/* Takes a slot { of the ring (the caller
 * holds no lock). */
static int ring_take(struct ring *r, unsigned int i)
{
	unsigned long flags;
	int ret = -EBUSY;

	spin_lock_irqsave(&r->lock, flags);
	if (test_and_set_bit(i, r->map)) {
		pr_debug("slot %u (%s) is \\"taken\\"\\n",
			 i, r->next ? "first" : "last");
		goto out;
	} else if (!r->next) {
		ret = 0;
	}
	switch (i) {
	case 0:
		atomic_inc(&r->used);
		fallthrough;
	case 1:
		do {
			cpu_relax();
		} while (atomic_read(&r->used));
		break;
	default:
		break;
	}
#ifdef CONFIG_RING
	list_for_each_entry(r, &r->list, list) {
		guard(mutex)(&r->m);
		r->used.counter |= 1;
	}
#else
	r->map = NULL;
#endif
out:
	spin_unlock_irqrestore(&r->lock, flags);
	return ret;
}

SYSCALL_DEFINE1(ring, int, fd)
{
	return ring_take(NULL, fd);
}
`;
const LINES = SAMPLE.split('\n');
const HEAD = 'static int ring_take(struct ring *r, unsigned int i)';

test('every window of a file is read without a fault, and its events lie in its lines', async () => {
  const parser = await grammar();
  for (let from = 0; from < LINES.length; from++) {
    for (const length of [1, 2, 3, 5, 7, 12, 30]) {
      const lines = LINES.slice(from, from + length);
      for (const section of ['', HEAD, 'struct ring {']) {
        const piece = { firstLine: from + 1, lines, origin: lines.map(() => null), section };
        const { world } = worldOf([{ path: 'a.c', whole: false, pieces: [piece], addedBy: null, after: 0 }], [], parseCache(parser, builtIn));
        for (const fn of world.functions) {
          expect(fn.line).toBeGreaterThanOrEqual(from + 1);
          expect(fn.endLine).toBeLessThanOrEqual(from + lines.length);
          for (const event of fn.events) {
            expect(event.line).toBeGreaterThanOrEqual(from);
            expect(event.line).toBeLessThanOrEqual(from + lines.length + 1);
            expect(fn.flow[event.node]?.event).toBe(event.index);
          }
        }
      }
    }
  }
});

test('any soup of words is read without a fault', async () => {
  const parser = await grammar();
  const words = SAMPLE.match(/\w+|[^\w\s]|\n/g) ?? [];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 120 }), parts => {
      const { world } = viewOfText('a.c', parts.join(' '), parser, builtIn);
      for (const fn of world.functions) for (const event of fn.events) expect(fn.flow[event.node]?.event).toBe(event.index);
    }),
    { numRuns: 300, seed: 3 },
  );
});

test('the same text gives the same events', async () => {
  const parser = await grammar();
  const read = () => JSON.stringify(worldOf([imageOfText('a.c', SAMPLE)], [], parseCache(parser, builtIn)).world.functions);
  expect(read()).toBe(read());
});

test('what nests deeper than the stack goes is read without a fault', async () => {
  const parser = await grammar();
  for (const text of [
    `void f(int a)\n{\n${'if (a) {\n'.repeat(3000)}${'}'.repeat(3000)}\n}`,
    `void f(int a)\n{\na = ${'('.repeat(5000)}1${')'.repeat(5000)};\n}`,
    `void f(int a)\n{\na = ${'a + '.repeat(5000)}1;\n}`,
    `void f(int a)\n{\n${'if (a) ; else '.repeat(3000)};\n}`,
  ])
    expect(viewOfText('a.c', text, parser, builtIn).world.functions.length).toBeLessThan(3);
});
