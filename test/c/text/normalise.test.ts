import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeOnly, normalise } from '../../../src/c/text/normalise.ts';

/** Words that the rules of normalisation look for, mixed with anything. */
const words = [
  ...[
    'static ',
    '__init ',
    'list_for_each_entry(',
    'struct foo',
    'container_of(p, struct x *, m)',
    'SYSCALL_DEFINE2(',
    'DEFINE_PER_CPU(',
    'guard(mutex)(',
  ],
  ...[
    'scoped_cond_guard(a, return -1, &x) {',
    '__free(kfree)',
    '__attribute__((x))',
    '{',
    '}',
    '(',
    ')',
    ';',
    ',',
    '"',
    "'",
    '/*',
    '*/',
    '//',
    '\n',
    '\\\n',
    '#define ',
  ],
  ...[
    '#ifdef A\n',
    '#else\n',
    '#endif\n',
    'for_each_x(a) b;',
    '= ',
    'é',
    '\u{1f600}',
    '\t',
    '\r\n',
    'asm volatile(',
    'BTF_ID_FLAGS(',
    'va_arg(ap, unsigned long)',
    'case ',
    'if (a) ',
    'if IS_BAD(a) ',
    'unsigned int',
    'const struct x *',
    '...',
    '==',
    'return x',
    'break;',
    'KERN_ERR ',
    '"a"',
    'PFX',
    'typeof(',
    'offsetof(',
    '__volatile',
    'asm_goto_output(',
    ':',
    '1000baseX',
    '#if 0\n',
    'MEM_STATIC void *f(',
    '\nMACRO(x)\n',
  ],
];
const text = fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 6 })), { maxLength: 40 }).map(parts => parts.join(''));
const breaks = (s: string) => [...s.matchAll(/\n/g)].map(m => m.index);

describe('any text', () => {
  test('keeps its length and its line breaks', () => {
    fc.assert(
      fc.property(text, s => {
        const { text: made } = normalise(s);
        expect(made.length).toBe(s.length);
        expect(breaks(made)).toEqual(breaks(s));
      }),
      { numRuns: 3000, seed: 1 },
    );
  });
  test('without its comments and strings keeps them too', () => {
    fc.assert(
      fc.property(text, s => {
        expect(codeOnly(s).length).toBe(s.length);
        expect(breaks(codeOnly(s))).toEqual(breaks(s));
      }),
      { numRuns: 2000, seed: 2 },
    );
  });
});

test('a comment of many lines is no code on any of them', () => {
  expect(codeOnly('a /* {\n * {\n */ b').replace(/\s+/g, ' ')).toBe('a b');
});

test('a loop macro becomes a while of the same width, and its name is kept', () => {
  const { text: made, macros } = normalise('void f(void)\n{\n\tlist_for_each_entry(a, b, c) {\n\t}\n}\n');
  expect(made).toContain('\twhile              (a, b, c) {');
  expect([...macros.values()]).toEqual(['list_for_each_entry']);
});

test('a cleanup is noted where it stood', () => {
  const { text: made, cleanups } = normalise('void f(void)\n{\n\tchar *p __free(kfree) = g();\n}\n');
  expect([...cleanups.values()]).toEqual(['kfree']);
  expect(made).not.toContain('__free');
});

describe('code alone', () => {
  test.each([
    ['a string with a quote in it', 'a "x\\"y" b', 'a b'],
    ['a string that does not end stops at its line', 'a "x\nb', 'a b'],
    ['a directive with a continued line', '#define A \\\n\tb\nc', ' c'],
    ['a directive that opens a comment', '#define A /* x\n y */\nc', ' c'],
    ['a sign that begins no line', 'a # b', 'a # b'],
    ['a comment in a string', 'a "/*" b', 'a b'],
    ['a character', "a '\"' b", 'a b'],
  ])('%s', (_, given, expected) => {
    expect(codeOnly(given).replace(/\s+/g, ' ')).toBe(expected);
  });
});

describe('an #if group', () => {
  const read = (s: string) =>
    normalise(s)
      .text.replace(/[ \t]+/g, ' ')
      .replace(/ ?\n ?/g, '\n')
      .replace(/\n+/g, '\n')
      .trim();
  test.each([
    ['of whole statements stays', '#ifdef A\na();\n#else\nb();\n#endif', '#ifdef A\na();\n#else\nb();\n#endif'],
    ['inside an expression keeps its first arm', 'x = 1\n#ifdef A\n+ 2\n#else\n+ 3\n#endif\n;', 'x = 1\n+ 2\n;'],
    ['that opens a block keeps its first arm', '{\n#ifdef A\nif (a) {\n#else\nif (b) {\n#endif\nc();\n}\n}', '{\nif (a) {\nc();\n}\n}'],
    ['behind a condition keeps its first arm', '{ if (a)\n#ifdef A\nb();\n#else\nc();\n#endif\n}', '{ if (a)\nb();\n}'],
    ['whose first arm is never compiled keeps the next', 'f(\n#if 0\na\n#else\nb\n#endif\n);', 'f(\nb\n);'],
    ['around two heads keeps the first', '#ifdef A\nint f(int a)\n#else\nint f(void)\n#endif\n{\n}', 'int f(int a)\n{\n}'],
  ])('%s', (_, given, expected) => {
    expect(read(given)).toBe(expected);
  });
});

test('a system call is a function of its own name with its parameters', () => {
  expect(normalise('SYSCALL_DEFINE2(dup2, unsigned int, oldfd, unsigned int, newfd)\n{\n}\n').text).toMatch(
    /^int +dup2\( unsigned int {2}oldfd, unsigned int {2}newfd\)\n/,
  );
  expect(normalise('SYSCALL_DEFINE0(sync)\n{\n}\n').text).toMatch(/^int +sync\(\)\n/);
});
