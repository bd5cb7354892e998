/** Macros that are no C by themselves: functions that use them are read, and what looks alike is left as it is. */
import { describe, expect, test } from 'vitest';
import { normalise } from '../../../src/c/text/normalise.ts';
import { eventsIn, functionsOf } from '../compact.ts';

/** The text as the grammar gets it, white space folded. */
const read = (text: string) =>
  normalise(text)
    .text.replace(/[ \t]+/g, ' ')
    .trim();
const inside = (body: string) => `void f(struct s *x, int i)\n{\n${body}\n}\n`;

describe('a function is read whole', () => {
  test.each([
    ['with a level, a prefix and a string', '\tprintk(KERN_ERR PFX "lost %d\\n", x->n);'],
    ['with a level and a name', '\tprintk(KERN_ERR MESSAGE_LOST, x->n);'],
    ['with a string that a macro goes on with', '\tdump("frame@" __stringify(__LINE__)": ", x->n, "a" PRIx64 "b");'],
    ['with a type of two words as an argument', '\tx->n = min_t(unsigned int, x->n, 4);'],
    ['with a const pointer type as an argument', '\tx->n = get(x, const struct s *, n);'],
    ['with a type that goes over a line', '\tx->n = cast(x, struct\n\t\ts, n);'],
    ['with an operator as an argument', '\tCHECK(x->n, ==, 3);'],
    ['with a jump as an argument', '\tCHECK(x->n, "no", return);'],
    ['with a jump and a value as an argument', '\tCHECK(x->n, return -EINVAL);'],
    ['with statements as an argument', '\tif (poll_ms(i, 20,\n\t\tif (x->n)\n\t\t\tbreak;\n\t) < 0)\n\t\tx->n = 1;'],
    ['with a statement right before the parenthesis', '\tpoll_ms(i, 20, if (x->n) break;);'],
    ['with an argument that a comment stands for', '\tcopy(x, i, /* bounds are checked above */);'],
    ['with no last argument', '\tcopy(x,);'],
    ['with a range of cases', '\tswitch (i) {\n\tcase A(0) ... A(3):\n\tcase 7 ... 9: /* more */\n\t\tx->n = 1;\n\t}'],
    ['with an offset of a member of a member', '\tx->n = offsetof(struct s, pos.x) + offsetof(typeof(*x), arr[i]);'],
    ['with typeof in a declaration and a cast', '\ttypeof(x->n) v = {};\n\n\tx->n = (typeof(x->n))~0U + (typeof(*x) *)x;'],
    ['with an initialised bitmap', '\tDECLARE_BITMAP(busy, 8) = { 0 };\n\n\tset_bit(i, busy);'],
    ['with a macro that wants no semicolon', '\tREAD_FIELD("a", i,\n\t\t   x->n)\n\tx->n = 1;'],
    ['with one at its end', '\tx->n = 1;\n\tREAD_FIELDS()'],
    ['with one before a directive', '\tREAD_FIELDS()\n#undef y\n\tx->n = 1;'],
    ['with a label before a directive', '\tif (i)\n\t\tgoto out;\nout:\n#ifdef CONFIG_Y\n\tx->n = 1;\n#endif\n\t;'],
    ['with a condition that is a macro', '\tif IS_BAD(x->n) {\n\t\tx->n = 1;\n\t}'],
    ['with a number that a macro pastes', '\tset_mode(x, 1000baseX_Full, 16BYTE);'],
    ['with a macro for an assembler template', '\tasm volatile(ALTERNATIVE("", "nop", FEATURE) : "+r" (i) : : "cc", "memory");'],
    ['with a macro among assembler strings', '\tasm volatile("rd %0" CC_SET(c) : CC_OUT(c) (i), [v] "=r" (x->n));'],
    ['with a macro for an assembler operand', '\tasm volatile("call f" : ASM_CALL, "+r" (i) : "r" (x) : "memory");'],
    ['with a register variable', '\tregister long a asm("x1") = i;\n\n\tasm_goto_output("1: ld" : "=r" (a) : : : fail);\nfail:\n\t;'],
    ['with a wait that is a macro', '\tif (i)\n\t\t__asm__ __volatile("sync");'],
    ['with a pointer type of one word as an argument', '\tx->next = va_arg(list, void *);\n\tx->next = alloc_percpu(struct s *);'],
    ['with the alignment of an expression', '\tx->n = __alignof__(*x) + __alignof__(struct s);'],
    ['with an attribute behind a variable', '\tstruct s a __own_aligned;\n\tint b[4] __own_aligned = {};\n\tint __own_value c;'],
    ['with bits without a name', '\tstruct {\n\t\tu32 : 24;\n\t\tu32 a : 4,\n\t\t\t: 4;\n\t} y;\n\n\tset(&y);'],
    ['with a macro of several lines in it', '#define own(y...)\t/* what it is */ \\\n\tset(y)\n\town(x, i);\n#undef own'],
    ['with values that macros make', '\tstatic const u8 regs[] = {\n\t\tREGS(1, 2)\n\t};\n\n\tset(regs);'],
    ['with a loop macro around an increment', '\tqueue_walk(x, i)\n\t\t++x->n;'],
    ['with code that is never compiled', '#if 0\n\tx->n = { ... };\n#endif\n\tx->n = 1;'],
  ])('%s', async (_, body) => {
    const all = await functionsOf(inside(body));
    expect(all.map(f => [f.name, f.broken ?? false, f.whole])).toEqual([['f', false, true]]);
  });

  test.each([
    ['a macro before its type', 'MEM_STATIC int f(struct s *x)'],
    ['a macro before a pointer type', 'API_INLINE u8 *f(struct s *x)'],
    ['a macro after its type', 'static void __my_section f(struct s *x)'],
    ['a macro between two names', 'static my_word __slow f(struct s *x)'],
    ['an attribute with few underscores', 'static void __attribute((unused)) f(struct s *x)'],
    ['a macro without a semicolon above', 'OWN_EXPORT(g)\n\n/* what it does */\nint f(struct s *x)'],
    ['a call of the kernel without a semicolon above', 'module_init(g)\n\nstatic void f(struct s *x)'],
    ['a macro that makes a function above', 'static DEF_CMD(g)\n\nint f(struct s *x)'],
    ['a system call whose name begins with a digit above', 'SYSCALL_DEFINE1(32_get, int, a)\n{\n}\n\nint f(struct s *x)'],
    ['a list of macros above', 'make_read(8)\nmake_read(16)\nmake_read(32)\n\nint f(struct s *x)'],
  ])('below or behind %s', async (_, head) => {
    const all = await functionsOf(`${head}\n{\n\tx->n = 1;\n}\n`);
    expect(all.filter(f => f.events.length > 0).map(f => [f.name, f.events.map(e => e.cell?.path)])).toEqual([['f', ['n']]]);
    expect(all.filter(f => f.broken)).toEqual([]);
  });
});

describe('what is in it is seen', () => {
  test('a loop macro without braces holds what is indented', async () => {
    const [fn] = await functionsOf(inside('\tqueue_walk(x, i)\n\t\tx->n = 1;\n\tx->flags = 0;'));
    expect(fn?.events.map(e => [e.cell?.path ?? e.api, fn.flow[e.node]?.next.length])).toEqual(expect.arrayContaining([['n', 1]]));
    expect(fn?.shape.loops.length).toBe(1);
  });
  test('a macro without a semicolon is a call of its own', async () => {
    const [fn] = await functionsOf(inside('\tREAD_FIELD("a", i, x->n)\n\n\tx->flags = 0;'));
    expect(fn?.shape.loops).toEqual([]);
    expect(fn?.shape.calls).toEqual(['READ_FIELD']);
  });
  test('a return that a macro is given leaves the function on some path', async () => {
    const [fn] = await functionsOf(inside('\tspin_lock(&x->lock);\n\tCHECK(x->n, return);\n\tspin_unlock(&x->lock);'));
    const exits = fn?.flow.filter(n => n.kind === 'exit') ?? [];
    expect(exits.length).toBe(2);
  });
  test('a break in statements that a macro is given ends no loop of the function', () => {
    const text = read(inside('\tfor (;;) {\n\t\tpoll_ms(i, 20,\n\t\t\tif (x->n)\n\t\t\t\tbreak;\n\t\t);\n\t\tif (i)\n\t\t\tbreak;\n\t}'));
    expect(text.match(/\bbreak\b/g)?.length).toBe(1);
  });
  test('an access in statements that a macro is given is an event', async () => {
    expect(await eventsIn('\tpoll_ms(i, 20,\n\t\tu32 got = x->n;\n\t\tx->flags = got;\n\t);')).toEqual(
      expect.arrayContaining(['read read n plain', 'write = flags plain']),
    );
  });
  test('macros that only list values are no functions', async () => {
    expect((await functionsOf('#define CHANNEL(i) { .type = TYPE, .address = addr_of(i->reg) }\n')).length).toBe(0);
    expect((await functionsOf('#define STEP(i) { do_step(i->reg); }\n')).map(f => f.name)).toEqual(['STEP']);
  });
  test('a function that is never compiled is none', async () => {
    expect((await functionsOf('#if 0\nvoid gone(struct s *x)\n{\n\tx->n = 1;\n}\n#else\nvoid there(void)\n{\n}\n#endif\n')).map(f => f.name)).toEqual(
      ['there'],
    );
  });
  test('what the grammar cannot read is said to be broken', async () => {
    expect((await functionsOf(inside('\tx->n = = 1;'))).map(f => f.broken)).toEqual([true]);
    expect((await functionsOf(inside('\tx->n = 1\n\tx->flags = 0;'))).map(f => f.broken)).toEqual([true]);
  });
});

describe('what looks alike is left', () => {
  test.each([
    ['a call with strings', 'f("a", b, "c" "d");'],
    ['a returned string', 'return "a";'],
    ['a string behind a condition', 'if (a) s = "b"; else s = "c";'],
    ['an assembler constraint', 'asm volatile ("x" : [o] "=r" (o) : "r" (i) : "memory");'],
    ['a wide string', 's = L"a";'],
    ['a cast to unsigned', 'a = (unsigned long)b + (unsigned int)c;'],
    ['sizeof of a type', 'a = sizeof(unsigned long) + sizeof(struct s *);'],
    ['a declaration in a loop head', 'for (unsigned int i = 0; i < n; i++) a(i);'],
    ['a product as an argument', 'f(a * b, *c);'],
    ['an address and a negation as arguments', 'f(a, &b, -c, !d, *e);'],
    ['numbers of all kinds', 'f(0x1fUL, 10ull, 1e3, 0b101, 017, 5u);'],
    ['a designated range', 'int a[] = { [0 ... 3] = 1 };'],
    ['an offset of a member', 'a = offsetof(struct s, b);'],
    ['a sum over two lines', 'a = b(c)\n\t\t+ d;'],
    ['a call over two lines', 'f(a,\n\t  b);'],
    ['a variable whose name begins with underscores', 'int __n = 3; struct s *__p; u32 __m; const u8 __o = *__q;'],
    ['a value whose name begins with underscores', 'return __n; goto __out; a = b ? __c : 3;'],
    ['a pointer to a function', 'int (*g)(int, void *) = h;'],
    ['a comparison of a product', 'if (a * b == c * d) e(a * b);'],
    ['bits with a name', 'struct { u32 a : 24; } b;'],
    ['a return without a value', 'if (a)\n\t\treturn;\n\tb();'],
  ])('%s', (_, body) => {
    const text = `void f(void)\n{\n\t${body}\n}\n`;
    expect(read(text)).toBe(text.replace(/[ \t]+/g, ' ').trim());
  });
  test.each([
    ['a typedef in capitals', 'UINT32 f(void)'],
    ['a kernel type with underscores', 'static __be32 f(void)'],
    ['a struct whose tag is in capitals', 'static struct FOO *f(void)'],
    ['words of C alone', 'static inline unsigned long long f(void)'],
    ['a type on a line of its own', 'static const char *\nf(void)'],
    ['an annotation in small letters behind the head', 'static int f(int a)\nan_attribute'],
  ])('%s before a function', (_, head) => {
    expect(read(`${head}\n{\n}\n`)).toBe(`${head}\n{\n}`);
  });
  test.each([
    ['a macro with a semicolon', 'OWN_EXPORT(g);\nint a;'],
    ['a macro that is a function', 'OWN_FUNCTION(g)\n{\n}'],
    ['a lock that a macro defines', 'DEFINE_SPINLOCK(g)\nint a;'],
  ])('%s at the top level', (_, text) => {
    expect(read(text)).toBe(text);
  });
});
