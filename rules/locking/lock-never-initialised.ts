import { lockText, makesObject, takings } from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { CodeFile, Rule, World } from '../../src/model/rule.ts';

export default {
  id: 'lock-never-initialised',
  title: 'A lock is taken that is never initialised',
  why: `
    Zeroed memory is not a lock: without its initialiser a mutex has a wait list of NULL pointers, and lockdep turns itself off when it
    meets a lock without a class. It works by luck until two tasks contend. Certain by inspection of the visible code.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['missing-init', 'missing-lock'],
  references: ['include/linux/mutex_types.h, comment above struct mutex', 'Documentation/locking/lockdep-design.rst, Lock-class'],
  knownGaps: ['only types declared in a source file are checked: a lock in a header may be initialised anywhere'],
  examples: {
    bad: [
      `
struct vault {
	struct mutex lock;
	int coins;
};

struct vault *vault_new(void)
{
	return kzalloc(sizeof(struct vault), GFP_KERNEL);
}

void vault_put_coin(struct vault *v)
{
	mutex_lock(&v->lock); /* want: lock-never-initialised "struct vault" */
	v->coins++;
	mutex_unlock(&v->lock);
}`,
    ],
    good: [
      `
struct vault {
	struct mutex lock;
	int coins;
};

struct vault *vault_new(void)
{
	struct vault *v = kzalloc(sizeof(*v), GFP_KERNEL);

	if (v)
		mutex_init(&v->lock);
	return v;
}

void vault_put_coin(struct vault *v)
{
	mutex_lock(&v->lock);
	v->coins++;
	mutex_unlock(&v->lock);
}`,
      `
struct vault {
	struct mutex lock;
	int coins;
};

static struct vault only = { .lock = __MUTEX_INITIALIZER(only.lock) };

void vault_put_coin(struct vault *v)
{
	mutex_lock(&v->lock);
	v->coins++;
	mutex_unlock(&v->lock);
}`,
      `
struct vault {
	struct mutex lock;
	int coins;
};

int vault_probe(struct device *dev, struct vault *v)
{
	return devm_mutex_init(dev, &v->lock);
}

void vault_put_coin(struct vault *v)
{
	mutex_lock(&v->lock);
	v->coins++;
	mutex_unlock(&v->lock);
}`,
      `
struct vault {
	struct mutex *lock;
	int coins;
};

/* It borrows the lock of another. */
void vault_put_coin(struct vault *v)
{
	mutex_lock(v->lock);
	v->coins++;
	mutex_unlock(v->lock);
}`,
      `
struct vault {
	struct mutex lock;
	int coins;
};

/* The objects are made elsewhere. */
void vault_count(struct vault *v)
{
	mutex_lock(&v->lock);
	v->coins++;
	mutex_unlock(&v->lock);
}`,
      `
/* A type of another file. */
void vault_put_coin(struct bank_vault *v)
{
	mutex_lock(&v->lock);
	v->coins++;
	mutex_unlock(&v->lock);
}`,
    ],
  },
  checkFile(file, report, world) {
    if (!file.whole || file.isHeader) return;
    const told = new Set<string>();
    for (const fn of file.functions) {
      for (const event of fn.events) {
        const member = event.kind === 'lock' ? memberOf(fn, event, file, world) : null;
        if (!member || told.has(`${member.type}.${member.name}`)) continue;
        told.add(`${member.type}.${member.name}`);
        if (!makes(file, member.type) || initialised(file, member.name, world)) continue;
        report(
          { event, fn },
          {
            message: `${fn.name}() takes ${nameOf(fn, event)}, and nothing in the file initialises this member of ${member.type}`,
            question: 'Where is it initialised?',
            dismissal: 'Not an issue if a macro that is not visible does, or every object is a copy of one that is initialised',
            confidence: world.declared(member.type)?.members.size ? 'high' : 'medium',
          },
        );
      }
    }
  },
} satisfies Rule;

/** The member that the event locks, where its type is one that the file declares for itself. */
function memberOf(fn: CFunction, event: Event, file: CodeFile, world: World): { type: string; name: string } | null {
  const { cell } = event;
  if (!cell?.type || !/^\w+$/.test(cell.path) || fn.isMacro) return null;
  const declared = world.declared(cell.type);
  const member = declared?.path === file.path ? declared.members.get(cell.path) : undefined;
  return member && world.type(member.type)?.is === 'lock' && member.pointer === 0 && !member.array ? { type: cell.type, name: cell.path } : null;
}

function nameOf(fn: CFunction, event: Event): string {
  const [taken] = takings(fn, event);
  return taken ? lockText(taken.lock, event) : 'a lock';
}

/** Does the file allocate objects of the type itself? */
function makes(file: CodeFile, type: string): boolean {
  return file.functions.some(fn =>
    fn.events.some(e => {
      if (!makesObject(e)) return false;
      const size = e.args.find(arg => arg.includes('sizeof'));
      if (size?.includes(type)) return true;
      return size !== undefined && e.into !== null && fn.events.some(o => o.cell?.type === type && o.cell.base === e.into);
    }),
  );
}

/** Does anything in the file set a member of that name up, or hand it to something that may? */
function initialised(file: CodeFile, name: string, world: World): boolean {
  if (world.designated(file.path).has(name)) return true;
  const written = new RegExp(`(?:->|\\.)${name}\\b`);
  return file.functions.some(fn =>
    fn.events.some(
      e =>
        e.kind !== 'lock' &&
        e.kind !== 'unlock' &&
        ((e.kind === 'write' && e.cell !== null && (e.cell.path === name || e.cell.path.endsWith(`.${name}`))) ||
          (!/is_(?:locked|contended)|^lockdep_|assert|destroy|trylock|wait_event/.test(e.api) &&
            e.args.some(arg => arg.startsWith('&') && written.test(arg)))),
    ),
  );
}
