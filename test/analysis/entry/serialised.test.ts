import { expect, test } from 'vitest';
import { guardsAt, heldOnEntry, oneSided, serialiserOf } from '../../../src/analysis/query.ts';
import type { World } from '../../../src/model/rule.ts';
import { sectionText } from '../../../src/model/section.ts';
import { worldOfText } from '../../code.ts';

const TYPES = `struct box { spinlock_t lock; struct mutex mutex; struct rw_semaphore sem; int n; struct box *next; };
struct shelf { struct mutex lock; struct list_head boxes; };
static DEFINE_MUTEX(all);
static DEFINE_MUTEX(apart);
`;

async function worldOf(code: string): Promise<World> {
  return worldOfText(TYPES + code);
}

/** The write of n in the function. */
function site(world: World, name: string) {
  const fn = world.functions.find(f => f.name === name);
  const event = fn?.events.find(e => e.cell?.path === 'n' && e.kind === 'write');
  if (!fn || !event) throw new Error(`${name}() does not write n`);
  return { fn, event };
}

async function between(one: string, two: string, more = ''): Promise<string> {
  const world = await worldOf(`void one(struct box *b)\n{\n${one}\n}\nvoid two(struct box *b)\n{\n${two}\n}\n${more}`);
  const found = serialiserOf(site(world, 'one'), site(world, 'two'), world);
  return found ? `${sectionText(found.lock)}${found.sure ? '' : '?'}` : '';
}

const under = (lock: string) => `mutex_lock(${lock}); b->n = 1; mutex_unlock(${lock});`;

test.each<[string, string, string, string]>([
  ['one lock on both sides keeps them apart', under('&b->mutex'), under('&b->mutex'), 'mutex:struct box.mutex'],
  ['two locks do not', under('&b->mutex'), under('&all'), ''],
  ['a lock on one side does not', under('&b->mutex'), 'b->n = 2;', ''],
  ['a lock that both share does not', 'down_read(&b->sem); b->n = 1; up_read(&b->sem);', 'down_read(&b->sem); b->n = 2; up_read(&b->sem);', ''],
  [
    'one that a single side shares does',
    'down_read(&b->sem); b->n = 1; up_read(&b->sem);',
    'down_write(&b->sem); b->n = 2; up_write(&b->sem);',
    'rwsem:struct box.sem (shared)',
  ],
  [
    'a call that is given an object may take the lock of another',
    'task_lock(b); b->n = 1; task_unlock(b);',
    'spin_lock(&b->lock); b->n = 2; spin_unlock(&b->lock);',
    'spin:struct box.*?',
  ],
  ['a lock on some path is unsure', 'if (b->next) mutex_lock(&b->mutex); b->n = 1;', under('&b->mutex'), 'mutex:struct box.mutex?'],
  [
    'CPU hotplug held for reading is no lock of data',
    'cpus_read_lock(); b->n = 1; cpus_read_unlock();',
    'cpus_write_lock(); b->n = 2; cpus_write_unlock();',
    '',
  ],
])('%s', async (_, one, two, expected) => {
  expect(await between(one, two)).toBe(expected);
});

test('over a span the lock must be held throughout', async () => {
  const world = await worldOf(`void one(struct box *b)
{
	mutex_lock(&b->mutex);
	b->n = 1;
	mutex_unlock(&b->mutex);
	mutex_lock(&b->mutex);
	b->next->n = 2;
	mutex_unlock(&b->mutex);
}
void two(struct box *b)
{
	${under('&b->mutex')}
}
`);
  const [a, b] = [site(world, 'one'), site(world, 'two')];
  const [until] = a.fn.events.filter(e => e.cell?.path === 'n').slice(1);
  expect(serialiserOf(a, b, world)?.sure).toBe(true);
  expect(until && serialiserOf({ ...a, until }, b, world)).toBe(null);
});

test('a side that takes the lock later is told', async () => {
  const world = await worldOf(`void one(struct box *b)\n{\n\t${under('&b->mutex')}\n}
void two(struct box *b)\n{\n\tb->n = 2;\n\tmutex_lock(&b->mutex);\n\tstart(b);\n\tmutex_unlock(&b->mutex);\n}\n`);
  const found = oneSided(site(world, 'one'), site(world, 'two'), world);
  expect(found && [found.by.name, found.not.name, found.later]).toEqual(['one', 'two', true]);
});

async function guards(body: string, more = '', head = 'void one(struct box *b, struct shelf *s)'): Promise<(string | null)[]> {
  const world = await worldOf(`${head}\n{\n${body}\n}\n${more}`);
  const { own, other } = guardsAt(site(world, 'one'), world);
  return [own, other].map(lock => lock && sectionText(lock));
}

const OTHER = 'void two(struct box *b)\n{\n\tb->n = 2;\n}\n';

test.each<[string, string, string, string, (string | null)[]]>([
  ['a lock of the object may guard its member', under('&b->mutex'), OTHER, '', ['mutex:struct box.mutex', null]],
  ['a lock of what the function is given beside it may', under('&s->lock'), OTHER, '', ['mutex:struct shelf.lock', null]],
  [
    'a lock of another object does not',
    `struct shelf *s = first_shelf(); ${under('&s->lock')}`,
    OTHER,
    'void one(struct box *b)',
    [null, 'mutex:struct shelf.lock'],
  ],
  [
    'one under which the object was found does',
    'struct box *b; mutex_lock(&s->lock); b = list_first_entry(&s->boxes, struct box, node); b->n = 1; mutex_unlock(&s->lock);',
    OTHER,
    'void one(struct shelf *s)',
    ['mutex:struct shelf.lock', null],
  ],
  [
    'a lock of which there is one does where the member is touched under it elsewhere',
    under('&all'),
    `void two(struct box *b)\n{\n${under('&all')}\n}\n`,
    '',
    ['mutex:all', null],
  ],
  ['and does not where it is touched without it everywhere else', under('&all'), OTHER, '', [null, 'mutex:all']],
  [
    'a lock that the function is given may be any',
    under('lock'),
    OTHER,
    'void one(struct box *b, struct mutex *lock)',
    ['mutex:struct mutex.*', null],
  ],
  [
    'what a name says that callers hold may be the object’s',
    'b->n = 1;',
    OTHER,
    'void one(struct box *b) __must_hold(&b->mutex)',
    ['asserted:struct box.mutex', null],
  ],
])('%s', async (_, body, more, head, expected) => {
  expect(await guards(body, more, head || undefined)).toEqual(expected);
});

test('what callers hold is known however far up, whoever is asked first', async () => {
  const chain = Array.from(
    { length: 8 },
    (_, i) => `static void step${i}(struct box *b)\n{\n\t${i === 0 ? 'b->n = 1' : `step${i - 1}(b)`};\n\tb->next = 0;\n\tdo_more(b);\n}\n`,
  );
  const world = await worldOf(`${chain.join('')}void top(struct box *b)\n{\n\tspin_lock(&b->lock);\n\tstep7(b);\n\tspin_unlock(&b->lock);\n}\n`);
  for (const i of [0, 3, 7]) {
    const fn = world.functions.find(f => f.name === `step${i}`);
    expect(fn && heldOnEntry(fn, world).locks.map(sectionText)).toEqual(['spin:struct box.lock']);
  }
});

test('a function that is only handed to one in view runs under what is held there', async () => {
  const walk = (more: string) => `static void walk(struct box *b, void (*visit)(struct box *))
{
	for (; b; b = b->next)
		visit(b);
	${more}
}
static void note(struct box *b)
{
	b->n = 1;
}
void top(struct box *b)
{
	spin_lock(&b->lock);
	walk(b, note);
	spin_unlock(&b->lock);
}
`;
  const held = async (code: string) => {
    const world = await worldOf(code);
    const fn = world.functions.find(f => f.name === 'note');
    return fn && heldOnEntry(fn, world).locks.map(sectionText);
  };
  expect(await held(walk(''))).toEqual(['spin:struct box.lock']);
  expect(await held(walk('b->hook = visit;'))).toEqual([]);
});
