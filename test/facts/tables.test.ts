import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { factOf } from '../../src/facts/lookup.ts';
import type { Fact, Ordering } from '../../src/model/fact.ts';
import { shared } from '../beside.ts';

interface Generator {
  factsTable(): string;
  readFacts(files: { name: string; text: string }[]): Fact[];
}
const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const { factsTable, readFacts }: Generator = await import(pathToFileURL(at('scripts/facts.mjs')).href);

describe('the generated table', () => {
  it('is that of rules/facts as they stand', () => {
    expect(readFileSync(at('src/facts/tables.ts'), 'utf8') === factsTable(), 'run node scripts/facts.mjs').toBe(true);
  });

  it('stays small enough to be loaded by every run', () => {
    expect(readFileSync(at('src/facts/tables.ts')).length).toBeLessThan(300_000);
  });
});

describe('reading the YAML', () => {
  const read = (text: string) => readFacts([{ name: 'locks.yaml', text }]);
  const group = (...rows: string[]) =>
    `groups:\n  - source: include/linux/x.h\n    kind: call\n    rows:\n${rows.map(row => `      ${row}\n`).join('')}`;

  it('expands words and parts, the nearer saying over the farther', () => {
    const facts = read(`
defaults: { cell: 3 }
shapes:
  add: { operation: add, cell: 2 }
parts:
  order:
    '': { ordering: full }
    _relaxed: { ordering: relaxed, cell: 1 }
groups:
  - source: include/linux/x.h
    kind: rmw
    rows:
      '{a|b}_add{order}': { as: add, except: [b_add_relaxed] }
      c: { ordering: relaxed, cell: 0 }
`);
    expect(facts.map(fact => [fact.api, fact.operation, fact.ordering, fact.cell])).toEqual([
      ['a_add', 'add', 'full', 2],
      ['a_add_relaxed', 'add', 'relaxed', 1],
      ['b_add', 'add', 'full', 2],
      ['c', null, 'relaxed', 0],
    ]);
  });

  it('takes from another function all but the source', () => {
    const [lock, same] = read(
      'groups:\n  - { source: include/a.h, rows: { a_lock: { kind: lock, lock: mutex, cell: 0, sleeps: yes } } }\n  - { source: include/b.h, rows: { guard(a): { like: a_lock } } }\n'.replace(
        'sleeps: yes',
        "sleeps: 'yes'",
      ),
    );
    expect(same).toEqual({ ...lock, api: 'guard(a)', source: 'include/b.h' });
  });

  it.each([
    ['an unknown key', group('a: { colour: red }'), 'locks.yaml:5: unknown key colour'],
    ['an unknown word', group('a:', 'b: { sleeps: often }'), 'locks.yaml:6: sleeps: "often" is not one of no, yes, maybe'],
    ['an unknown ordering', group('a: { ordering: acquired }'), 'locks.yaml:5: ordering: "acquired" is not one of none, plain'],
    ['a position that is none', group('a: { cell: first }'), 'locks.yaml:5: cell: "first" is not an argument position'],
    ['a context that is none', group('a: { context: irqs-off }'), 'locks.yaml:5: context: "irqs-off" is not words such as +irqs-off'],
    ['a function said twice', group("'{a|b}':", 'b:'), 'locks.yaml:6: b is said twice, first at locks.yaml:5'],
    ['a name that is none', group('a b:'), 'locks.yaml:5: a b is not a name'],
    ['an unknown part', group("'a{order}':"), 'locks.yaml:5: no part is named order'],
    ['an unknown shape', group('a: put'), 'locks.yaml:5: no shape is named put'],
    ['an exception that is none', group("'{a|b}': { except: [c] }"), 'locks.yaml:5: c is excepted and not among the names'],
    ['a model that is none', group('a: { like: b }'), 'locks.yaml:5: a: is like b, which is not a fact of its own'],
    ['a missing source', 'groups:\n  - rows:\n      a: { kind: call }\n', 'locks.yaml:3: a: source is missing'],
    ['a missing kind', 'groups:\n  - source: include/x.h\n    rows:\n      a: {}\n', 'locks.yaml:4: a: kind is missing'],
    ['a missing ordering', group('a: { kind: rmw }'), 'locks.yaml:5: a: ordering is missing'],
    ['a missing family', group('a: { kind: lock }'), 'locks.yaml:5: a: lock is missing'],
    ['a lock that is none', group('a: { lock: spin }'), 'locks.yaml:5: a: lock is said of a call'],
    ['broken YAML', group('a: { cell: 0'), 'locks.yaml:'],
    ['a key said twice', group('a:', 'a:'), 'locks.yaml:6: a is said twice here'],
  ])('tells file and line of %s', (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  it('tells all that is wrong at once', () => {
    expect(() => read(group('a: { cell: x }', 'b: { bit: y }'))).toThrow(/locks\.yaml:5: .*\nlocks\.yaml:6: /);
  });
});

const audit = `${shared}/facts/primitives.csv`;

describe.skipIf(!existsSync(audit))('against the audited list of primitives', () => {
  const [head = [], ...body] = existsSync(audit) ? cells(readFileSync(audit, 'utf8')) : [];
  const rows = body.map(row => new Map(head.map((name, index) => [name, row[index] ?? ''])));

  // Where the list is mistaken: kmem_cache_free() frees argument 1; a replacement goes to the place of argument 0; the page-table
  // lock is that of the entry; some take no argument; both counting forms return whether they counted.
  const corrected = new Set([
    'kmem_cache_free cell',
    'list_replace cell',
    'list_replace_init cell',
    'list_replace_rcu cell',
    'hlist_replace_rcu cell',
    'hlist_nulls_replace_rcu cell',
    'hlist_nulls_replace_init_rcu cell',
    'pmd_lock cell',
    'pud_lock cell',
    'rcu_read_lock_held cell',
    'rcu_read_lock_bh_held cell',
    'rcu_read_lock_sched_held cell',
    'rcu_read_lock_any_held cell',
    'lockdep_rtnl_is_held cell',
    'static_key_slow_inc_cpuslocked result',
    'static_branch_inc_cpuslocked result',
  ]);
  const orderings = new Map<string, Ordering[]>([
    ['none', ['none', 'plain']], // The list does not tell plain accesses from calls.
    ['none(plain)', ['none', 'plain']],
    ['relaxed', ['relaxed']],
    ['acquire', ['acquire']],
    ['release', ['release']],
    ['full', ['full']],
    ['rmb', ['rmb']],
    ['wmb', ['wmb']],
    ['compiler-only', ['compiler']],
  ]);
  const atomicity = new Map([
    ['yes', true],
    ['no', false],
    ['this-cpu-only', false],
    ['no(arch)', false],
  ]);

  it('knows every function of it', () => {
    expect(rows.length).toBeGreaterThan(2000);
    expect(rows.flatMap(row => (factOf(row.get('api') ?? '') ? [] : [row.get('api')]))).toEqual([]);
  });

  it('agrees on cell, result, atomicity and on every ordering that is one plain word', () => {
    const differing: string[] = [];
    for (const row of rows) {
      const fact = factOf(row.get('api') ?? '');
      if (!fact) continue;
      const differs = (what: string, ours: unknown, theirs: unknown) => {
        if (ours !== theirs && !corrected.delete(`${fact.api} ${what}`)) differing.push(`${fact.api}: ${what} is ${ours} here and ${theirs} there`);
      };
      const cell = row.get('loc_arg');
      differs('cell', fact.cell, cell === '-' ? null : Number(cell));
      differs('result', fact.result !== 'none', row.get('returns_value') === 'yes');
      const atomic = atomicity.get(row.get('atomic') ?? '');
      if (atomic !== undefined) differs('atomic', fact.atomic, atomic);
      const ordering = orderings.get(row.get('ordering') ?? '');
      if (ordering && !ordering.includes(fact.ordering)) differs('ordering', fact.ordering, row.get('ordering'));
    }
    expect(differing).toEqual([]);
    expect([...corrected], 'corrections that are not needed').toEqual([]);
  });
});

/** Rows of a CSV text (RFC 4180). */
function cells(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, bare = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (end === '' && row.length === 0 && quoted === undefined && bare === '') break;
    row.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
