import { describe, expect, test } from 'vitest';
import { effectsOf } from '../../../src/analysis/query.ts';
import { sectionText } from '../../../src/model/section.ts';
import { functionsOf, loweredOf } from '../compact.ts';

/** What the last function's first call of something in view does, as `kind api path of base`, with a `?` where not always. */
async function effects(text: string): Promise<string[] | null> {
  const functions = await loweredOf(text);
  const fn = functions.at(-1);
  const call = fn?.events.find(e => e.kind === 'call' && !e.opaque && e.argCells);
  if (!fn || !call) throw new Error('no call in view');
  const found = effectsOf(fn, call, functions);
  if (found === null) return null;
  return found.map(
    e =>
      `${e.event.kind} ${e.event.api} ${e.cell ? `${e.cell.path}${e.cell.bit === null ? '' : `:${e.cell.bit}`} of ${e.cell.base}` : '-'}${e.always ? '' : ' ?'}`,
  );
}

describe('a call does what the function in view does', () => {
  test.each<[string, string, string[] | null]>([
    [
      "to the caller's object",
      'static void a(struct s *p)\n{\n\tatomic_inc(&p->refs);\n}\nvoid f(struct s *x)\n{\n\ta(x);\n}',
      ['rmw atomic_inc refs of x'],
    ],
    [
      'to what the argument points to',
      'static void a(atomic_t *r)\n{\n\tatomic_inc(r);\n}\nvoid f(struct s *x)\n{\n\ta(&x->refs);\n}',
      ['rmw atomic_inc refs of x'],
    ],
    [
      'through a member',
      'static void a(struct s *p)\n{\n\tatomic_inc(&p->next->refs);\n}\nvoid f(struct s *x)\n{\n\ta(x->next);\n}',
      ['read read next of x->next', 'rmw atomic_inc refs of x->next->next'],
    ],
    [
      "with the caller's bit",
      'static void a(struct s *p, int b)\n{\n\tset_bit(b, &p->flags);\n}\nvoid f(struct s *x, int i)\n{\n\ta(x, i);\n}',
      ['rmw set_bit flags:i of x'],
    ],
    [
      'perhaps, where it is under a condition',
      'static void a(struct s *p, int b)\n{\n\tif (b)\n\t\tkfree(p);\n}\nvoid f(struct s *x, int i)\n{\n\ta(x, i);\n}',
      ['free kfree * of x ?'],
    ],
    [
      'through two',
      'static void a(struct s *p)\n{\n\tkfree(p);\n}\nstatic void b(struct s *q)\n{\n\tq->n = 1;\n\ta(q);\n}\nvoid f(struct s *x)\n{\n\tb(x);\n}',
      ['write = n of x', 'free kfree * of x'],
    ],
    ['to globals', 'static void a(void)\n{\n\ttotal = 1;\n}\nvoid f(struct s *x)\n{\n\ta();\n}', ['write = total of null']],
    ['unknown where it calls what is not in view', 'static void a(struct s *p)\n{\n\tgone(p);\n}\nvoid f(struct s *x)\n{\n\ta(x);\n}', null],
    ['unknown where it calls itself', 'static void a(struct s *p)\n{\n\tif (p)\n\t\ta(p->next);\n}\nvoid f(struct s *x)\n{\n\ta(x);\n}', null],
    ['unknown through a pointer', 'static void a(struct s *p)\n{\n\tp->fn(p);\n}\nvoid f(struct s *x)\n{\n\ta(x);\n}', null],
    ['of a macro', '#define bump(p) do { atomic_inc(&(p)->refs); } while (0)\nvoid f(struct s *x)\n{\n\tbump(x);\n}', ['rmw atomic_inc refs of x']],
  ])('%s', async (_, text, expected) => {
    expect(await effects(text)).toEqual(expected);
  });
});

test('what a helper takes where it succeeds comes with interrupts as it leaves them, and not where it fails', async () => {
  const functions = await functionsOf(`static int prep(struct s *x)
{
	spin_lock_irq(&x->lock);
	if (x->dead) {
		spin_unlock_irq(&x->lock);
		return -EINVAL;
	}
	return 0;
}
void f(struct s *x)
{
	if (prep(x)) {
		x->a = 1;
		return;
	}
	x->b = 1;
	spin_unlock_irq(&x->lock);
}`);
  const at = (path: string) => functions.at(-1)?.events.find(e => e.cell?.path === path);
  expect(at('a')?.context.map(sectionText)).not.toContain('irqs-off');
  expect(at('b')?.context.map(sectionText)).toContain('irqs-off');
  expect(at('b')?.locks).toHaveLength(1);
});
