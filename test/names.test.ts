import { describe, expect, test } from 'vitest';
// @ts-expect-error a script without declarations
import { lowered, namesIn, rises, spellings, spellingsIn } from '../scripts/names.mjs';
// @ts-expect-error a script without declarations
import { tokensOf } from '../scripts/tokens.mjs';

const kinds = (text: string): string[] => tokensOf(text).map((token: { kind: string; text: string }) => `${token.kind} ${token.text}`);
const regexes = (text: string): string[] => spellingsIn(tokensOf(text)).regexes.map((token: { text: string }) => token.text);
const strings = (text: string): string[] => spellingsIn(tokensOf(text)).strings.map((token: { text: string }) => token.text);

test('no rule and no analysis spells more names than were written down', () => {
  expect(rises().filter((line: string) => !line.includes('npm run generate'))).toEqual([]);
});

describe('tokens', () => {
  test.each([
    ['after an operator', 'const a = /x/g;', 'regex /x/g'],
    ['as an argument', "s.replace(/'/, '')", "regex /'/"],
    ['after return', 'return /a\\/b/.test(s);', 'regex /a\\/b/'],
    ['with a slash in a class', 'f(/[/"]/)', 'regex /[/"]/'],
    ['after the condition of an if', 'if (a) /x/.test(b);', 'regex /x/'],
    ['in the expression of a template', `\`\${s.replace(/\`/, "")}\``, 'regex /`/'],
  ])('a regular expression %s is one', (_name, text, token) => {
    expect(kinds(text)).toContain(token);
  });

  test.each(['a / b / c', '(a) / b / c', 'a[0] / b / c', '1 / b / c', 'f(a / 2, b / 2)'])('in %s a slash divides', text => {
    expect(kinds(text).filter(token => token.startsWith('regex'))).toEqual([]);
  });

  test('what comments, strings and templates hold is no code', () => {
    expect(kinds(`// /a/\n/* /b/ */ '/c/'; \`/d/ \${e} /f/\``)).toEqual([
      "string '/c/'",
      'punctuation ;',
      'template `',
      'template /d/ ${',
      'word e',
      'template  /f/`',
    ]);
  });

  test('a token knows its line after a template and a comment of several', () => {
    expect(tokensOf('`a\nb`;\n/* c\nd */ e').at(-1)).toEqual({ kind: 'word', text: 'e', line: 4 });
  });
});

describe('spellings', () => {
  test.each([
    '/^kfree$/.test(e.api)',
    '/_unlock/.exec(fn.name)',
    "e.api.replace(/_relaxed$/, '')",
    'const FREES = /^(?:k|kv)free/;',
    "eventsOf(fn, 'fence', /_wmb$/)",
  ])('%s spells a name', text => {
    expect(regexes(text)).toHaveLength(1);
  });

  test.each([
    '/^\\w+$/.test(e.api)',
    '/\\bstruct\\s+\\w+/.test(head)',
    '/->|\\./.test(e.api)',
    '/pairs? with/.test(comment.text)',
    '/^(?:semaphore|page):/.test(lock)',
  ])('%s spells none', text => {
    expect(regexes(text)).toEqual([]);
  });

  test.each(["e.api === 'kref_put'", "'kref_put' !== e?.api", "e.api.startsWith('scoped_')", "fn.name === 'tlb_flush'"])(
    '%s compares a name',
    text => {
      expect(strings(text)).toHaveLength(1);
    },
  );

  test.each(["e.api === '='", "e.api === 'read'", "e.kind === 'lock'", "'kfree' === kind", 'e.api === other.api'])('%s compares none', text => {
    expect(strings(text)).toEqual([]);
  });

  test.each([
    ['/^kfree$/', 1],
    ['/^(?:smp|virt)_(?:r|w)?mb$/', 4],
    ['/^(?:a|b(?:c|d))|e[|]$/', 4],
    ['/(?:^|_)get(?:_|$)/', 1],
  ])('%s spells %d names', (literal, names) => {
    expect(namesIn(literal)).toBe(names);
  });

  test('rules and analyses are counted by folder, other sources are not', () => {
    const files: Record<string, string> = {
      'rules/rcu/a.ts': 'f(/rcu_read_lock/)',
      'rules/rcu/b/c.ts': "e.api === 'call_rcu'",
      'rules/index.ts': 'f(/rcu/)',
      'src/c/d.ts': 'f(/spin/)',
      'src/read/e.ts': 'f(/subject/)',
    };
    expect(spellings((name: string) => files[name], Object.keys(files))).toEqual({
      'rules/rcu': { regexes: 1, strings: 1 },
      'src/c': { regexes: 1, strings: 0 },
    });
  });
});

describe('the count', () => {
  const before = { 'rules/rcu': { regexes: 3, strings: 1 }, 'src/c': { regexes: 2, strings: 0 } };

  test('may not rise, and is written down when it falls', () => {
    expect(rises(before, before)).toEqual([]);
    expect(rises({ ...before, 'src/c': { regexes: 3, strings: 0 } }, before)).toHaveLength(1);
    expect(rises({ ...before, 'src/c': { regexes: 1, strings: 0 } }, before)).toEqual([expect.stringContaining('npm run generate')]);
    expect(rises({ ...before, 'rules/rmw': { regexes: 0, strings: 1 } }, before)).toHaveLength(1);
  });

  test('is lowered by generating, and never raised', () => {
    const fallen = { ...before, 'rules/rcu': { regexes: 1, strings: 1 } };
    expect(lowered(fallen, before)).toEqual(fallen);
    expect(lowered({ ...before, 'src/c': { regexes: 3, strings: 0 } }, before)).toEqual(before);
  });

  test('may move with its file to another folder', () => {
    const moved = { 'rules/rcu': { regexes: 3, strings: 1 }, 'src/analysis': { regexes: 2, strings: 0 } };
    expect(lowered(moved, before)).toEqual(moved);
  });
});
