/** Calls through pointers whose targets the file shows. */
import { describe, expect, test } from 'vitest';
import { calleesIn, effectsOf } from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import { sectionText } from '../../../src/model/section.ts';
import { worldOfText } from '../../code.ts';

const TYPES = `struct foo;
struct foo_ops { void (*take)(struct foo *f); void (*work)(struct foo *f); };
struct foo { spinlock_t lock; int n; const struct foo_ops *ops; };
static void take(struct foo *f)
{
	spin_lock(&f->lock);
}
static void work(struct foo *f)
{
	mutex_lock(&big);
	f->n++;
	mutex_unlock(&big);
}
static void rest(struct foo *f)
{
	f->n--;
	msleep(1);
}
`;
const USE = 'void use(struct foo *f)\n{\n\tf->ops->take(f);\n\tf->n = 1;\n\tf->ops->work(f);\n}\n';

async function use(text: string, path = 'drivers/foo.c'): Promise<{ fn: CFunction; functions: CFunction[] }> {
  const { functions } = await worldOfText(`${TYPES}${text}`, path);
  const fn = functions.find(f => f.name === 'use');
  if (!fn) throw new Error('no use()');
  return { fn, functions };
}

const callOf = (fn: CFunction, member: string): Event | undefined => fn.events.find(e => e.api.endsWith(member));
const locksAtWrite = (fn: CFunction) => fn.events.find(e => e.kind === 'write' && !e.via)?.locks.map(sectionText);

describe('a call through a member of a structure that one source file declares', () => {
  test('does what the only function does that the member is set to', async () => {
    const { fn } = await use(`static const struct foo_ops ops = { .take = take, .work = work };\n${USE}`);
    expect(callOf(fn, 'take')).toMatchObject({ kind: 'expanded', targets: ['take'] });
    expect(locksAtWrite(fn)).toEqual(['spin:struct foo.lock']);
  });

  test('is followed where an assignment sets the member', async () => {
    const { fn } = await use(`static struct foo_ops ops;\nvoid set(void)\n{\n\tops.take = take;\n\tops.work = &work;\n}\n${USE}`);
    expect(locksAtWrite(fn)).toEqual(['spin:struct foo.lock']);
  });

  test('that may run several functions does surely what all of them do, and perhaps what one does', async () => {
    const { fn, functions } = await use(
      `static const struct foo_ops a = { .take = take, .work = work };\nstatic const struct foo_ops b = { .take = take, .work = rest };\n${USE}`,
    );
    const call = callOf(fn, 'work');
    expect(call).toMatchObject({ kind: 'call', opaque: true });
    expect(call && calleesIn(fn, call, functions).map(f => f.name)).toEqual(['work', 'rest']);
    const found = (call && effectsOf(fn, call, functions)) ?? [];
    expect(found.filter(e => e.event.kind === 'write').map(e => [e.cell?.path, e.always])).toEqual([
      ['n', true],
      ['n', true],
    ]);
    expect(found.filter(e => e.event.api === 'msleep').map(e => e.always)).toEqual([false]);
  });

  test.each<[string, string, string?]>([
    ['another file may set it', `${USE}`, 'drivers/foo.h'],
    [
      'it is set to what is no function',
      `static const struct foo_ops a = { .take = take };\nvoid set(struct foo_ops *o, void *x)\n{\n\to->take = x;\n}\n${USE}`,
    ],
    [
      'an initialiser sets it without its name',
      `static const struct foo_ops a = { .take = take };\nstatic const struct foo_ops b = { rest };\n${USE}`,
    ],
    ['its address is taken', `static struct foo_ops a = { .take = take };\nvoid set(void)\n{\n\tfill(&a.take);\n}\n${USE}`],
    ['nothing sets it', USE],
  ])('is not followed where %s', async (_, text, path = 'drivers/foo.c') => {
    const { fn } = await use(text, path);
    expect(callOf(fn, 'take')).toMatchObject({ kind: 'call', opaque: true });
    expect(locksAtWrite(fn)).toEqual([]);
  });
});

test('a call through a static const table of any type is followed, and one through a local that is set once', async () => {
  const { fn } = await use('static const struct bar_ops bar = {\n\t.take = take,\n};\nvoid use(struct foo *f)\n{\n\tbar.take(f);\n\tf->n = 1;\n}\n');
  expect(locksAtWrite(fn)).toEqual(['spin:struct foo.lock']);
  const { fn: local } = await use('void use(struct foo *f)\n{\n\tvoid (*call)(struct foo *f) = take;\n\n\tcall(f);\n\tf->n = 1;\n}\n');
  expect(locksAtWrite(local)).toEqual(['spin:struct foo.lock']);
  const { fn: twice } = await use(
    'void use(struct foo *f)\n{\n\tvoid (*call)(struct foo *f) = take;\n\n\tif (f->n)\n\t\tcall = rest;\n\tcall(f);\n\tf->n = 1;\n}\n',
  );
  expect(locksAtWrite(twice)).toEqual([]);
});
