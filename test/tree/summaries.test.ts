import { describe, expect, it } from 'vitest';
import { actsOf, contractsOfFiles, rowOf } from './rows.ts';

describe('sections', () => {
  it('a wrapper opens the lock that it is a wrapper of', async () => {
    expect(await actsOf('foo_lock', 'void foo_lock(struct foo *f)\n{\n\tmutex_lock(&f->lock);\n}\n')).toEqual(['omutex/0->lock', 's']);
  });

  it('what is opened and closed inside is left as it was', async () => {
    expect(await actsOf('foo', 'void foo(struct foo *f)\n{\n\tspin_lock(&f->lock);\n\tf->n++;\n\tspin_unlock(&f->lock);\n}\n')).toEqual([]);
  });

  it('a lock of a helper is named from the argument of its caller', async () => {
    const text = `
static void inner(struct bar *b)
{
	mutex_lock(&b->lock);
}
void outer(int n, struct foo *f)
{
	inner(&f->bar);
}
void further(struct foo *f)
{
	inner(f->other);
}
`;
    expect(await actsOf('outer', text)).toEqual(['omutex/1->bar.lock', 's']);
    expect(await actsOf('further', text)).toEqual(['omutex/0->other->lock', 's']);
  });

  it('a lock that goes with a result goes with it in the row', async () => {
    const text = `
int take(struct foo *f)
{
	int ret;

	ret = mutex_lock_interruptible(&f->lock);
	if (ret)
		return ret;
	f->n++;
	return 0;
}
bool try(struct foo *f)
{
	return spin_trylock(&f->lock);
}
struct foo *find(struct foo *f)
{
	mutex_lock(&f->lock);
	if (f->n)
		return f;
	mutex_unlock(&f->lock);
	return NULL;
}
`;
    expect((await actsOf('take', text))?.[0]).toBe('omutex/0->lock=z');
    expect(await actsOf('try', text)).toContain('ospin/0->lock=n');
    expect((await actsOf('find', text))?.[0]).toBe('omutex/0->lock=n');
  });

  it('a global lock has its name', async () => {
    const text = 'static DEFINE_MUTEX(foo_lock);\nvoid begin(void)\n{\n\tmutex_lock(&foo_lock);\n}\nvoid foo_begin(void)\n{\n\tbegin();\n}\n';
    expect(await actsOf('foo_begin', text)).toEqual(['omutex/foo_lock', 's']);
  });

  it('a lock that is given back for a while is dropped', async () => {
    const text = 'void foo(struct foo *f)\n{\n\tspin_unlock(&f->lock);\n\tf->n++;\n\tspin_lock(&f->lock);\n}\n';
    expect(await actsOf('foo', text)).toContain('dspin/0->lock');
  });

  it('an assertion is asked of the caller, unless the function takes the lock itself', async () => {
    const text = `
static void inner(struct foo *f)
{
	lockdep_assert_held(&f->lock);
	f->n++;
}
void asks(struct foo *f)
{
	inner(f);
}
void has(struct foo *f)
{
	mutex_lock(&f->lock);
	inner(f);
	mutex_unlock(&f->lock);
}
void annotated(struct foo *f) __must_hold(&f->lock)
{
	f->n++;
}
`;
    expect(await actsOf('asks', text)).toEqual(['hlock/0->lock']);
    expect(await actsOf('has', text)).toEqual(['s']);
    expect(await actsOf('annotated', text)).toEqual(['hlock/0->lock']);
  });

  it('one condition that opens and closes leaves the lock as it was', async () => {
    const text = 'void foo(struct foo *f)\n{\n\tif (f->a)\n\t\tmutex_lock(&f->lock);\n\tf->n++;\n\tif (f->a)\n\t\tmutex_unlock(&f->lock);\n}\n';
    expect((await actsOf('foo', text))?.filter(a => !a.startsWith('s'))).toEqual([]);
  });
});

describe('when', () => {
  it('flags that are passed on decide whether it sleeps', async () => {
    const text = `
static void *inner(struct foo *f, gfp_t gfp)
{
	return kmalloc(sizeof(*f), gfp | __GFP_ZERO);
}
void *asks(struct foo *f, int n, gfp_t flags)
{
	return inner(f, flags);
}
void *sleeps(struct foo *f)
{
	return inner(f, GFP_KERNEL);
}
void *never(struct foo *f)
{
	return inner(f, GFP_ATOMIC);
}
`;
    expect(await actsOf('asks', text)).toEqual(['s@g2!']);
    expect(await actsOf('sleeps', text)).toEqual(['s']);
    expect(await actsOf('never', text)).toEqual([]);
  });

  it('an argument or a bit of it decides', async () => {
    const text = `
static void inner(struct foo *f, bool sync, int flags)
{
	if (sync)
		cancel_work_sync(&f->work);
	if (flags & FOO_PUT)
		kfree(f);
}
void outer(struct foo *f, bool sync)
{
	inner(f, sync, FOO_KEEP);
}
void both(struct foo *f)
{
	inner(f, true, FOO_KEEP | FOO_PUT);
}
`;
    expect(await actsOf('outer', text)).toEqual(['s@1+!', 'qwork/0->work//wc@1+!']);
    expect(await actsOf('both', text)).toEqual(['f/0', 's', 'qwork/0->work//wc']);
  });

  it('paths without an object do not count', async () => {
    expect(await actsOf('foo_free', 'void foo_free(struct foo *f)\n{\n\tif (!f)\n\t\treturn;\n\tkfree(f->name);\n\tkfree(f);\n}\n')).toEqual([
      'f/0->name*',
      'f/0',
    ]);
  });

  it('what a call that fails has not done is done always', async () => {
    const text = `
int foo_add(struct foo *f, struct list_head *all)
{
	if (f->dead)
		return -EINVAL;
	list_add(&f->node, all);
	return 0;
}
`;
    expect(await actsOf('foo_add', text)).toEqual(['Plist/0->node/1', 'K/0/1']);
  });
});

describe('references and returns', () => {
  it('a reference of what is returned', async () => {
    const text = `
struct foo *foo_get(struct foo *f)
{
	kref_get(&f->ref);
	return f;
}
struct foo *foo_make(gfp_t gfp)
{
	struct foo *f = kzalloc(sizeof(*f), gfp);

	if (!f)
		return ERR_PTR(-ENOMEM);
	return f;
}
`;
    expect(await rowOf('foo_get', text)).toBe('csl\tfoo(foo)\tv0\tg/0->ref');
    expect(await rowOf('foo_make', text)).toMatch(/^c\tfoo\(=gfp_t\)\tpf\ts@g0!$/);
  });

  it('what is put on the way to NULL is not what is returned', async () => {
    const text = `
struct device *foo_find(struct bar *b)
{
	struct device *d = bar_device(b);

	get_device(d);
	if (b->dead)
		goto out;
	return d;
out:
	put_device(d);
	return NULL;
}
int foo_number(struct bar *b)
{
	void *p = kmalloc(4, GFP_KERNEL);

	if (!p)
		return PTR_ERR(bar_device(b));
	return bar_count(p);
}
`;
    expect((await actsOf('foo_find', text))?.filter(a => /^[gp]/.test(a))).toEqual(['g/r']);
    expect((await rowOf('foo_number', text))?.split('\t')[2]).toBe('e');
  });

  it('a free where the count comes to nothing is part of the put', async () => {
    const text = `
void foo_put(struct foo *f)
{
	if (refcount_dec_and_test(&f->refs))
		kfree(f);
}
void foo_use(struct foo *f)
{
	refcount_inc(&f->refs);
	foo_put(f);
}
`;
    expect(await actsOf('foo_put', text)).toEqual(['p/0->refs//f']);
    expect(await actsOf('foo_use', text)).toEqual([]);
  });

  it("a reference of a member that is returned is the result's", async () => {
    const text = `
struct device *foo_parent(struct foo *f)
{
	return get_device(f->parent);
}
void foo_look(struct foo *f)
{
	struct device *d = foo_parent(f);

	put_device(d);
}
`;
    expect(await actsOf('foo_parent', text)).toEqual(['g/r']);
    expect((await actsOf('foo_look', text))?.filter(a => /^[gp]/.test(a))).toEqual([]);
  });

  it('a reference that is taken and dropped again is none', async () => {
    const text = 'void foo(struct device *d)\n{\n\tget_device(d);\n\tbar_nothing(d);\n\tput_device(d);\n}\nvoid bar_nothing(struct device *d) { }\n';
    expect((await actsOf('foo', text))?.filter(a => /^[gp]/.test(a))).toEqual([]);
  });
});

describe('bodies', () => {
  const REAL = 'void foo(struct foo *f)\n{\n\tmutex_lock(&f->lock);\n}\n';

  it('an empty stub beside a real body counts for nothing', async () => {
    const files = {
      'include/linux/foo.h': '#ifdef CONFIG_FOO\nvoid foo(struct foo *f);\n#else\nstatic inline void foo(struct foo *f) { }\n#endif\n',
      'kernel/foo.c': `${REAL}EXPORT_SYMBOL(foo);\n`,
    };
    expect(await actsOf('foo', files)).toEqual(['omutex/0->lock', 's']);
  });

  it('where two machines differ, what one of them does may be', async () => {
    const files = { 'arch/arm64/mm/foo.c': REAL, 'arch/x86/mm/foo.c': 'void foo(struct foo *f)\n{\n\tf->n = 1;\n\tmight_sleep();\n}\n' };
    expect(await actsOf('foo', files)).toEqual(['omutex/0->lock?', 's']);
  });

  it('a static function of one file is not that of another', async () => {
    const files = {
      'drivers/a/a.c': 'static void help(struct foo *f)\n{\n\tkfree(f);\n}\nvoid a(struct foo *f)\n{\n\thelp(f);\n}\n',
      'drivers/b/b.c': 'static void help(struct foo *f)\n{\n\tf->n = 1;\n}\nvoid b(struct foo *f)\n{\n\thelp(f);\n}\n',
    };
    expect(await actsOf('a', files)).toEqual(['f/0']);
    expect(await actsOf('b', files)).toEqual([]);
    expect((await contractsOfFiles(files)).map(c => c.name)).toEqual(['a', 'b']);
  });

  it('a private function whose name another file has for itself gets no row', async () => {
    const files = {
      'drivers/a/a.c': 'void help(struct foo *f)\n{\n\tkfree(f);\n}\n',
      'drivers/b/b.c': 'static void help(struct foo *f)\n{\n\tf->n = 1;\n}\nvoid b(struct foo *f)\n{\n\thelp(f);\n}\n',
    };
    expect((await contractsOfFiles(files)).map(c => c.name)).toEqual(['b']);
  });

  it('functions that call each other come to an end', async () => {
    const text = `
void even(struct foo *f, int n)
{
	if (n)
		odd(f, n - 1);
	else
		mutex_lock(&f->lock);
}
void odd(struct foo *f, int n)
{
	might_sleep();
	if (n)
		even(f, n - 1);
}
`;
    expect(await actsOf('odd', text)).toContain('s');
    expect(await actsOf('even', text)).toContain('omutex/0->lock?');
  });

  it('calls through pointers and of what no file has leave the row open', async () => {
    const text = `
void by_pointer(struct foo *f)
{
	f->ops->run(f);
}
void by_name(struct foo *f)
{
	nowhere(f);
}
EXPORT_SYMBOL(by_pointer);
EXPORT_SYMBOL(by_name);
int reads(struct foo *f)
{
	return f->n;
}
`;
    expect(await rowOf('by_pointer', text)).toMatch(/^l?\t|^[osl]+\t/);
    expect(await rowOf('by_name', text)).not.toMatch(/^c/);
    expect(await rowOf('reads', text)).toBe('cl\t(foo)');
  });

  it('facts win over bodies', async () => {
    const files = { 'lib/kref.c': 'void kref_get(struct kref *k)\n{\n\tkfree(k);\n}\nvoid foo(struct foo *f)\n{\n\tkref_get(&f->ref);\n}\n' };
    expect(await actsOf('foo', files)).toEqual(['g/0->ref']);
    expect((await contractsOfFiles(files)).filter(c => !c.byFact).map(c => c.name)).toEqual(['foo']);
    expect(await rowOf('kref_get', files)).toBe('f\t(kref)');
  });

  it('a macro that names another call does what that does', async () => {
    const files = {
      'include/linux/foo.h':
        '#define foo_stop(f, n) bar_stop(n, (f))\n#define foo_end bar_end\nstatic inline void bar_end(struct foo *f) { kfree(f); }\n',
      'kernel/foo.c': 'void bar_stop(int n, struct foo *f)\n{\n\tdel_timer_sync(&f->timer);\n}\n',
    };
    expect((await actsOf('foo_stop', files))?.find(a => a.startsWith('q'))).toBe('qtimer/0->timer//wc');
    expect(await actsOf('foo_end', files)).toEqual(['f/0']);
  });

  it('types of parameters and of the result', async () => {
    const text = 'const struct foo *foo(struct bar *const b, struct baz **p, gfp_t gfp, int n, spinlock_t *l)\n{\n\treturn b->foo;\n}\n';
    expect(await rowOf('foo', text)).toBe('cl\tfoo(bar,baz*,=gfp_t,,=spinlock_t*)\tv0->foo*');
  });
});

describe('what no body shows', () => {
  const FILES = {
    'include/trace/events/foo.h':
      'TRACE_EVENT(foo_done,\n\tTP_PROTO(struct foo *f),\n\tTP_ARGS(f)\n);\nDEFINE_EVENT(foo_class, foo_start,\n\tTP_PROTO(int n),\n\tTP_ARGS(n)\n);\n',
    'include/linux/foo.h':
      '#define foo_warn(f, fmt, ...) dev_warn((f)->dev, "foo: " fmt, ##__VA_ARGS__)\n#define foo_opt(f, o) ((f)->opts & FOO_##o)\n#define foo_call(o, f) foo_##o(f)\n',
  };

  it('a tracepoint does nothing of the kind', async () => {
    expect(await rowOf('trace_foo_done', FILES)).toBe('cl\t()');
    expect(await rowOf('trace_foo_start', FILES)).toBe('cl\t()');
    expect(await rowOf('trace_foo_start_enabled', FILES)).toBe('cl\t()');
  });

  it('a macro that prints or tests a bit is read, one that calls a pasted name is not', async () => {
    expect(await rowOf('foo_warn', FILES)).toMatch(/^c/);
    expect(await rowOf('foo_opt', FILES)).toBe('cl\t(,)');
    expect(await rowOf('foo_call', FILES)).toBeUndefined();
  });
});

describe('a body that does more than a row holds', () => {
  const completing = (count: number, after: string) =>
    `void foo(struct foo *f)\n{\n${Array.from({ length: count }, (_, i) => `\tcomplete(&f->done${i});\n`).join('')}${after}}\n`;

  it.each([
    [20, '', 20, true],
    [30, '', 24, false],
    // What decides most is kept, though it comes last; what was not told apart is not there to be kept.
    [30, '\tkfree(f->data);\n', 24, false],
    [60, '', 24, false],
  ])('of %i wakes is not wholly read where something is left out', async (count, after, acts, complete) => {
    const contract = (await contractsOfFiles({ 'kernel/foo.c': completing(count, after) })).find(c => c.name === 'foo');
    expect(contract?.acts).toHaveLength(acts);
    expect(contract?.complete).toBe(complete);
    if (after !== '') expect(contract?.acts[0]?.does).toBe('free');
  });

  it('leaves its callers open too', async () => {
    const text = `${completing(60, '')}void outer(struct foo *f)\n{\n\tf->n = 0;\n\tfoo(f);\n}\n`;
    expect((await contractsOfFiles({ 'kernel/foo.c': text })).find(c => c.name === 'outer')?.complete).toBe(false);
  });
});

it('another name of a function of which facts say all does what they say', async () => {
  const text = '#define foo_zalloc kmem_cache_zalloc\n#define foo_tryget kref_get_unless_zero\n';
  expect(await rowOf('foo_zalloc', { 'include/linux/foo.h': text })).toBe('c\t()\tf\ts@g1!');
  expect(await rowOf('foo_tryget', { 'include/linux/foo.h': text })).toBe('csl\t()\t\tg/0=n');
});
