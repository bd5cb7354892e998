/** Events in one line each, so that what a function does can be written beside it. */

import { imageOfText } from '../../src/analysis/view.ts';
import { fileOf, parseFile } from '../../src/c/lower/functions.ts';
import { knownTypes } from '../../src/c/lower/knowntypes.ts';
import type { Types } from '../../src/c/syntax/types.ts';
import { builtIn } from '../../src/facts/lookup.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import { sectionText } from '../../src/model/section.ts';
import { grammar, worldOfText } from '../code.ts';

const TYPES = `
struct s {
	spinlock_t lock;
	raw_spinlock_t raw;
	rwlock_t rw;
	struct mutex m;
	struct rw_semaphore sem;
	seqlock_t sl;
	seqcount_t sc;
	int n;
	int arr[4];
	unsigned long flags;
	unsigned long *map;
	atomic_t refs;
	atomic64_t big;
	refcount_t count;
	struct kref kref;
	struct s *next;
	struct s __rcu *rp;
	struct list_head list;
	struct hlist_head head;
	struct hlist_node node;
	unsigned int a:1, b:1;
	struct { int x; int y; } pos;
	wait_queue_head_t wq;
	struct completion done;
	struct timer_list timer;
	struct work_struct work;
	struct delayed_work dwork;
	struct rcu_head rcu;
	void (*fn)(struct s *);
};
static int total;
static struct s one;
static DEFINE_SPINLOCK(big_lock);
`;

/** The functions of a text, behind the types above unless it brings its own. */
export async function functionsOf(text: string, types = TYPES): Promise<CFunction[]> {
  const world = await worldOfText(`${types}${text}`);
  return world.functions;
}

/** The same with no call expanded, as functions are before they know each other. */
export async function loweredOf(text: string, types = TYPES): Promise<CFunction[]> {
  const own: Types = { structs: new Map(), globals: new Map(), constants: new Map() };
  const made = parseFile(imageOfText('drivers/example/example.c', `${types}${text}`), await grammar(), own);
  const names = new Set(made.heads.map(h => h.name));
  const around = {
    side: 'new' as const,
    types: own,
    global: (name: string) => own.globals.get(name),
    defined: (name: string) => names.has(name),
    declares: (type: string) => own.structs.has(type),
    ...builtIn,
    known: knownTypes(own, new Map(), null),
  };
  return fileOf(made, around).functions;
}

/** The function that a body is of, or the last function of a text that has a head. */
export async function functionOf(body: string): Promise<CFunction> {
  const text = /\n\{|^#define/.test(body) ? body : `int f(struct s *x, struct s *y, int i, int v)\n{\n${body}\n}\n`;
  const fn = (await functionsOf(text)).at(-1);
  if (!fn) throw new Error('no function was found');
  return fn;
}

/** `kind api cell ordering [locks] {context}`; an opaque call is `call? api`. */
export function compact(event: Event): string {
  const kind = event.opaque ? `${event.kind}?` : event.kind;
  const cell = event.cell ? `${event.cell.path}${event.cell.bit === null ? '' : `:${event.cell.bit}`}` : '-';
  const locks = event.locks.length > 0 ? ` [${event.locks.map(sectionText).map(short).join(' ')}]` : '';
  const maybe = event.maybeLocks.length > 0 ? ` ?[${event.maybeLocks.map(sectionText).map(short).join(' ')}]` : '';
  const words = [...event.phase, ...event.context.map(sectionText)];
  const context = words.length > 0 ? ` {${words.join(' ')}}` : '';
  return `${kind} ${event.api} ${cell} ${event.ordering ?? '-'}${locks}${maybe}${context}`;
}

function short(lock: string): string {
  return lock.replace(/struct s\./, '');
}

export async function eventsIn(body: string): Promise<string[]> {
  return (await functionOf(body)).events.map(compact);
}
