import { expect, test } from 'vitest';
import { rules } from '../../rules/index.ts';
import { grammar } from '../code.ts';
import { edited, unmarked } from './edit.ts';
import { examplesOf, type Kind, type Transformed } from './kind.ts';
import { kinds } from './kinds.ts';
import { sourceOf } from './source.ts';

const [rule] = rules;

/** What the kind makes of a bad example with this text, and of the good ones beside it. */
async function transformed(name: string, bad: string, good: string[] = []): Promise<Transformed | null> {
  const parser = await grammar();
  const kind = kinds.find((k: Kind) => k.name === name);
  if (!rule || !kind) throw new Error(`no kind ${name}`);
  const all = examplesOf({ ...rule, examples: { bad: [bad], good } }, text => sourceOf(text, parser));
  const [example] = all;
  return example && kind.concerns(example) ? kind.transform(example, all) : null;
}

/** The files that come of it, one after the other; null where the kind leaves the text alone. */
async function check(name: string, text: string, expected: string | null): Promise<void> {
  const made = await transformed(name, text);
  const files = made?.patches.flatMap(p => p.files.map(f => f.hunks.flatMap(h => h.lines.map(l => `${l.text}\n`)).join('')));
  expect(files?.join('=\n') ?? null).toBe(expected === null ? null : expected.replace(/^\n/, ''));
}

const want = `/* want: ${rule?.id} "" */`;

test('edits are made at their offsets, and never over each other', () => {
  expect(edited('abcdef', [{ start: 4, end: 5, text: 'X' }, { start: 1, end: 1, text: '-' }])).toBe('a-bcdXf'); // biome-ignore format: one text
  expect(() =>
    edited('abcdef', [
      { start: 0, end: 3, text: '' },
      { start: 2, end: 4, text: '' },
    ]),
  ).toThrow('overlap');
  expect(unmarked('a\nb/*@*/\nc')).toEqual({ text: 'a\nb\nc', lines: [2] });
});

test('a lock call moves to a helper that has what the lock hangs on as its parameter, flags by a pointer', async () => {
  await check(
    'lock helpers',
    `
/* Counts. */
void f(struct m *m, int n)
{
	unsigned long flags;

	spin_lock_irqsave(&m->lock[n], flags);
	m->n++;
	spin_unlock_irqrestore(&m->lock[n], flags);
}

int g(struct m *m)
{
	return mutex_lock_interruptible(&m->big);
}
`,
    `
static void step_1(struct m *m, int n, unsigned long *flags)
{
	spin_lock_irqsave(&m->lock[n], *flags);
}

static void step_2(struct m *m, int n, unsigned long flags)
{
	spin_unlock_irqrestore(&m->lock[n], flags);
}

/* Counts. */
void f(struct m *m, int n)
{
	unsigned long flags;

	step_1(m, n, &flags);
	m->n++;
	step_2(m, n, flags);
}

static int step_3(struct m *m)
{
	return mutex_lock_interruptible(&m->big);
}

int g(struct m *m)
{
	return step_3(m);
}
`,
  );
});

test('inline helpers go to a header with the types, and those of the file’s own locks stay', async () => {
  await check(
    'inline lock helpers',
    `
struct m {
	struct mutex lock;
};

static DEFINE_MUTEX(all);

void f(struct m *m)
{
	mutex_lock(&all);
	mutex_lock(&m->lock);
}
`,
    `
struct m {
	struct mutex lock;
};

static inline void step_1(struct m *m)
{
	mutex_lock(&m->lock);
}

=
#include "example_parts.h"
static DEFINE_MUTEX(all);

void f(struct m *m)
{
	mutex_lock(&all);
	step_1(m);
}
`,
  );
});

test('the faulty statement moves with its locals; an assigned value and a condition are returned', async () => {
  await check(
    'statement helper',
    `
int f(struct m *m)
{
	int n;

	n = atomic_read(&m->n); ${want}
	if (n > m->most) ${want}
		return -EBUSY;
	m->n = n; ${want}
	return READ_ONCE(m->n); ${want}
}
`,
    `
static int step_1(struct m *m)
{
	return atomic_read(&m->n);
}

static bool step_2(int n, struct m *m)
{
	return n > m->most;
}

static void step_3(struct m *m, int n)
{
	m->n = n;
}

static int step_4(struct m *m)
{
	return READ_ONCE(m->n);
}

int f(struct m *m)
{
	int n;

	n = step_1(m); ${want}
	if (step_2(n, m)) ${want}
		return -EBUSY;
	step_3(m, n); ${want}
	return step_4(m); ${want}
}
`,
  );
});

test('a jump, a bare return, a guard and a statement of a static local stay where they are', async () => {
  await check('statement helper', `\nint f(struct m *m)\n{\n\tif (m->n)\n\t\tgoto out; ${want}\nout:\n\treturn 0; ${want}\n}\n`, null);
  await check('statement helper', `\nvoid f(struct m *m)\n{\n\tguard(mutex)(&m->lock); ${want}\n\tm->n++;\n}\n`, null);
  await check('statement helper', `\nvoid f(struct m *m)\n{\n\tstatic int n;\n\n\tm->n = n++; ${want}\n}\n`, null);
});

test('a section to the end of its block becomes a guard, its early exits with it; one in the middle a scoped guard', async () => {
  await check(
    'guards',
    `
int f(struct m *m)
{
	mutex_lock(&m->lock);
	if (!m->n) {
		mutex_unlock(&m->lock);
		return -ENOENT;
	}
	spin_lock(&m->stat);
	m->n++;
	spin_unlock(&m->stat);
	m->sum++;
	mutex_unlock(&m->lock);
	return 0;
}
`,
    `
int f(struct m *m)
{
	guard(mutex)(&m->lock);
	if (!m->n) {
		return -ENOENT;
	}
	scoped_guard(spinlock, &m->stat) {
		m->n++;
	}
	m->sum++;
	return 0;
}
`,
  );
});

test('sections that overlap, that a goto leaves, or that a read of shared memory follows in the return are no guards', async () => {
  const body = (text: string) => `\nint f(struct m *m)\n{\n${text}}\n`;
  await check('guards', body('\tmutex_lock(&a);\n\tmutex_lock(&b);\n\tmutex_unlock(&a);\n\tmutex_unlock(&b);\n\treturn 0;\n'), null);
  await check('guards', body('\tmutex_lock(&a);\n\tif (m->n)\n\t\tgoto out;\n\tmutex_unlock(&a);\nout:\n\treturn 0;\n'), null);
  await check(
    'guards',
    body('\tmutex_lock(&a);\n\tm->n++;\n\tmutex_unlock(&a);\n\treturn m->n;\n'),
    body('\tscoped_guard(mutex, &a) {\n\t\tm->n++;\n\t}\n\treturn m->n;\n'),
  );
});

test('a guard becomes a lock with an unlock before each exit of its scope', async () => {
  await check(
    'no guards',
    `
int f(struct m *m)
{
	guard(mutex)(&m->lock);
	if (!m->n)
		return -ENOENT;
	scoped_guard(rcu) {
		m->n++;
	}
	return 0;
}
`,
    `
int f(struct m *m)
{
	mutex_lock(&m->lock);
	if (!m->n) {
		mutex_unlock(&m->lock);
		return -ENOENT;
	}
	rcu_read_lock();
	{
		m->n++;
	}
	rcu_read_unlock();
	mutex_unlock(&m->lock);
	return 0;
}
`,
  );
});

test('a declared wrapper stands for each primitive, but not for a function of the file', async () => {
  const text = `
static void smp_mb(void)
{
}

void f(struct m *m)
{
	smp_mb();
	smp_wmb();
	mutex_lock(&m->lock);
}
`;
  await check('declared calls', text, text.replace('smp_wmb', 'my_smp_wmb'));
  await check('declared locks', text, text.replace('mutex_lock', 'my_mutex_lock'));
  const made = await transformed('declared calls', text);
  expect(made?.facts?.functions).toEqual([{ name: 'my_smp_wmb', like: 'smp_wmb', file: 'facts.yaml', line: 2 }]);
});

test('a loop that runs once holds all but declarations; a value returned at the end is kept', async () => {
  const text = `
int f(struct m *m)
{
	int n = 0;

	if (!m)
		return -EINVAL;
	n++;
	return m->n + n;
}
`;
  await check(
    'do once',
    text,
    text.replace(/\tif[^}]*/, s => `\tdo {\n${s.replace(/^/gm, '\t').slice(0, -1)}\t} while (0);\n`),
  );
  await check(
    'counted once',
    text,
    `
int f(struct m *m)
{
	int kept_1;
	int turn_1;
	int n = 0;

	for (turn_1 = 0; turn_1 < 1; turn_1++) {
		if (!m)
			return -EINVAL;
		n++;
		kept_1 = m->n + n;
	}
	return kept_1;
}
`,
  );
});

test('early returns jump to one at the end; a branch gets braces, and no jump leads over a cleanup', async () => {
  await check(
    'one exit',
    `
int f(struct m *m)
{
	if (!m)
		return -EINVAL; /* none */
	return m->n;
}

int g(struct m *m)
{
	if (!m)
		return -EINVAL;
	guard(mutex)(&m->lock);
	return m->n;
}
`,
    `
int f(struct m *m)
{
	int kept_1;
	if (!m) {
		kept_1 = -EINVAL;
		goto out_1; /* none */
	}
	kept_1 = m->n;
out_1:
	return kept_1;
}

int g(struct m *m)
{
	if (!m)
		return -EINVAL;
	guard(mutex)(&m->lock);
	return m->n;
}
`,
  );
});

test('types and inline functions move to a header, those that need the file’s own functions stay', async () => {
  await check(
    'header and source',
    `
#include <linux/slab.h>

struct m {
	int n;
};

static inline int twice(struct m *m)
{
	return 2 * m->n;
}

static int own(struct m *m)
{
	return twice(m);
}

static inline int thrice(struct m *m)
{
	return own(m) + m->n;
}
`,
    `
struct m {
	int n;
};

static inline int twice(struct m *m)
{
	return 2 * m->n;
}

=
#include <linux/slab.h>
#include "example_parts.h"

static int own(struct m *m)
{
	return twice(m);
}

static inline int thrice(struct m *m)
{
	return own(m) + m->n;
}
`,
  );
});

test('a patch leads from the nearest correct example to the faulty one, hunk by hunk', async () => {
  const lines = (change: string) => Array.from({ length: 20 }, (_, i) => (i === 2 || i === 15 ? `${change}${i}` : `line${i}`)).join('\n');
  const body = (change: string) => `\nint a[] = {\n${lines(change).replace(/$/gm, ',')}\n};\n`;
  const made = await transformed('patch to bad', body('bad').replace('bad15,', `bad15, ${want}`), [body('good'), '\nint b;\n']);
  const [file] = made?.patches[0]?.files ?? [];
  expect(file?.hunks.map(h => [h.oldStart, h.oldCount, h.newStart, h.newCount])).toEqual([
    [1, 7, 1, 7],
    [14, 7, 14, 7],
  ]);
  expect(file?.hunks.flatMap(h => h.lines.filter(l => l.kind !== 'context').map(l => `${l.oldLine} ${l.newLine} ${l.text}`))).toEqual([
    '4 null good2,',
    'null 4 bad2,',
    '17 null good15,',
    'null 17 bad15,',
  ]);
  expect(made?.places).toEqual([['drivers/example/example.c:17']]);
});
