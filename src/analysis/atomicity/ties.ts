/**
 * Pairs of cells that an invariant ties: stated in a comment or the log, compared with each other by a function, or updated by two
 * functions that do the opposite of each other on one index.
 */

import { calleeOf } from '../../c/calls/callees.ts';
import { innermostAt } from '../../c/cfg/loops.ts';
import { cellKey, isConstantText } from '../../c/lower/cells.ts';
import type { CFunction, Comparison, Event, Operand } from '../../model/code.ts';
import type { Operation } from '../../model/fact.ts';
import type { CodeFile, Tie, TieEvidence } from '../../model/rule.ts';

/** A text of the author in which an invariant may be stated. */
export interface AuthorText {
  text: string;
  path: string;
  line: number;
}

interface Pair {
  keys: [string, string];
  type: string | null;
  /** Functions that update both, and by which events. */
  updates: { fn: CFunction; events: [Event, Event] }[];
}

/** More candidates than this in one series are no pairs but tables of flags. */
const MOST_PAIRS = 2000;

export function tiesOf(files: CodeFile[], statements: AuthorText[]): Tie[] {
  const functions = files.flatMap(f => f.functions);
  const pairs = pairsOf(functions);
  if (pairs.length === 0) return [];
  const comparisons = new Map<string, Compared[]>();
  for (const c of functions.flatMap(fn => comparisonsOf(fn, functions))) {
    const key = pairKey(c.left, c.right);
    const known = comparisons.get(key);
    if (known) known.push(c);
    else comparisons.set(key, [c]);
  }
  const mentions = mentionsIn(statements);
  const ties: Tie[] = [];
  for (const pair of pairs) {
    const names = namesOf(pair.keys);
    const evidence: TieEvidence[] = [];
    let relation: Tie['relation'] = 'unknown';
    for (const s of mentions(names)) {
      const stated = statedRelation(s.text, names);
      if (!stated) continue;
      if (relation === 'unknown') relation = stated.relation;
      evidence.push({ kind: 'stated', path: s.path, line: s.line, side: 'new', text: stated.text });
    }
    for (const c of comparisons.get(pairKey(...pair.keys)) ?? []) {
      if (relation === 'unknown' && c.inverted && c.operator === '==') relation = 'complement';
      evidence.push({ kind: 'compared', path: c.fn.path, line: c.line, side: c.fn.side, text: `${c.fn.name}() compares them` });
    }
    const mirror = mirrored(pair);
    if (mirror) {
      if (relation === 'unknown') relation = mirror.relation;
      evidence.push(mirror.evidence);
    }
    if (evidence.length > 0) ties.push({ keys: pair.keys, names, type: pair.type, relation, evidence });
  }
  return ties;
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a}&${b}` : `${b}&${a}`;
}

/** Finds the statements that may speak of both names, by the first word of each: a whole file has thousands of comments. */
function mentionsIn(statements: AuthorText[]): (names: [string, string]) => AuthorText[] {
  let index: Map<string, Set<number>> | null = null;
  const words = () => {
    const found = new Map<string, Set<number>>();
    statements.forEach((s, i) => {
      for (const [word] of s.text.toLowerCase().matchAll(/[a-z0-9]+/g)) {
        for (const form of [word, word.replace(/(?:map|bitmap|bits?|mask)$/, '')]) {
          const known = found.get(form);
          if (known) known.add(i);
          else found.set(form, new Set([i]));
        }
      }
    });
    return found;
  };
  return names => {
    index ??= words();
    const [a, b] = names.map(name => index?.get(/[a-z0-9]+/.exec(name)?.[0] ?? ''));
    return a && b ? [...a].filter(i => b.has(i)).flatMap(i => statements[i] ?? []) : [];
  };
}

/** An update that other CPUs see whole: an atomic read-modify-write or a marked store. */
export function isUpdate(event: Event): boolean {
  return event.cell !== null && !event.uncertain && event.atomic && (event.kind === 'rmw' || event.kind === 'write');
}

/** The index that an event works on: the bit, else the last variable subscript, else nothing. */
export function indexOf(event: Event): string | null {
  if (!event.cell) return null;
  if (event.cell.bit !== null) return event.cell.bit;
  const subscripts = [...event.cell.path.matchAll(/\[([^\]]*)\]/g)].map(m => m[1] ?? '').filter(text => !isConstantText(text));
  return subscripts.at(-1) ?? null;
}

function pairsOf(functions: CFunction[]): Pair[] {
  const pairs = new Map<string, Pair>();
  for (const fn of functions) {
    const updates = fn.events.filter(isUpdate);
    for (const [i, a] of updates.entries()) {
      for (const b of updates.slice(i + 1)) {
        if (!a.cell || !b.cell || a.cell.base !== b.cell.base || a.cell.type !== b.cell.type || indexOf(a) !== indexOf(b)) continue;
        const [x, y] = [cellKey(a.cell), cellKey(b.cell)];
        if (x === y) continue;
        const [first, second] = x < y ? [a, b] : [b, a];
        const keys: [string, string] = x < y ? [x, y] : [y, x];
        const pair = pairs.get(keys.join('&')) ?? { keys, type: a.cell.type, updates: [] };
        pair.updates.push({ fn, events: [first, second] });
        pairs.set(keys.join('&'), pair);
        if (pairs.size > MOST_PAIRS) return [];
      }
    }
  }
  return [...pairs.values()];
}

/** What tells the two apart, as a person would say it: `map[FOO_PRIMARY]` and `map[FOO_SECONDARY]` are primary and secondary. */
export function namesOf(keys: [string, string]): [string, string] {
  const words = keys.map(key =>
    key
      .slice(key.indexOf('|') + 1)
      .split(/[^A-Za-z0-9_]+/)
      .filter(Boolean)
      .flatMap(w => w.split('_'))
      .filter(Boolean),
  );
  const [a = [], b = []] = words;
  let from = 0;
  while (from < Math.min(a.length, b.length) - 1 && a[from] === b[from]) from++;
  let drop = 0;
  while (drop < Math.min(a.length, b.length) - from - 1 && a.at(-1 - drop) === b.at(-1 - drop)) drop++;
  const name = (list: string[]) =>
    list
      .slice(from, list.length - drop)
      .join('_')
      .toLowerCase();
  return [name(a), name(b)];
}

/** What a text says of two names: an equation, or a sentence in which one is the other's complement or copy. */
function statedRelation(text: string, names: [string, string]): { relation: Tie['relation']; text: string } | null {
  const [a, b] = names.map(n => n.replace(/[^\w]/g, ''));
  if (!a || !b || a === b) return null;
  const word = (n: string) => `\\b(?:\\w+(?:->|\\.|_))?${n}(?:_?(?:map|bitmap|bits?|mask))?\\b(?:\\[\\w*\\])?`;
  for (const [x, y] of [
    [a, b],
    [b, a],
  ] as const) {
    const equation = new RegExp(`${word(x)}\\s*(==|=|!=)\\s*([~!]?)\\s*${word(y)}`, 'i').exec(text);
    if (equation) return { relation: equation[1] === '!=' || equation[2] ? 'complement' : 'equal', text: equation[0] };
  }
  for (const sentence of text.split(/(?<=[.;])\s|\n\s*\n|\n(?=\s*@)/)) {
    if (!new RegExp(word(a), 'i').test(sentence) || !new RegExp(word(b), 'i').test(sentence)) continue;
    const flat = sentence.replace(/\s+/g, ' ').trim();
    if (/\b(?:complement|opposite|inverse|inverted|negat)/i.test(sentence)) return { relation: 'complement', text: flat };
    if (/\b(?:mirror|in step|in sync|must (?:agree|match|equal)|always (?:agree|match|equal)|invariant|consistent)/i.test(sentence))
      return { relation: 'equal', text: flat };
  }
  return null;
}

interface Compared {
  fn: CFunction;
  line: number;
  left: string;
  right: string;
  operator: string;
  inverted: boolean;
}

/** Comparisons of two cells in a function, also those that it leaves to a helper in view. */
function comparisonsOf(fn: CFunction, functions: CFunction[]): Compared[] {
  const out: Compared[] = [];
  for (const { comparison, left, right } of comparedEvents(fn, functions)) {
    const [x, y] = [keyOf(left), keyOf(right)];
    if (x === null || y === null || x === y) continue;
    out.push({
      fn,
      line: comparison.line,
      left: x,
      right: y,
      operator: comparison.operator,
      inverted: comparison.left.inverted !== comparison.right.inverted,
    });
  }
  return out;
}

/** Comparisons of a function with the events that each side's value comes from, helpers in view included. */
export function comparedEvents(fn: CFunction, functions: CFunction[]): { comparison: Comparison; left: Event[]; right: Event[] }[] {
  const pick = (indices: readonly number[]) => indices.map(i => fn.events[i]).filter(e => e !== undefined);
  const own = fn.shape.comparisons.map(comparison => ({ comparison, left: pick(comparison.left.sources), right: pick(comparison.right.sources) }));
  const byHelper = fn.events
    .filter(event => (event.kind === 'call' || event.kind === 'expanded') && !event.opaque)
    .flatMap(event => {
      const helper = calleeOf(fn, event, functions);
      return (helper?.shape.comparisons ?? []).flatMap(c => {
        const [i, j] = [c.left.parameter, c.right.parameter];
        if (i === null || j === null) return [];
        const side = (o: Operand, n: number): Operand => ({ sources: event.argSources[n] ?? [], parameter: null, inverted: o.inverted });
        const comparison: Comparison = {
          line: event.line,
          left: side(c.left, i),
          right: side(c.right, j),
          operator: c.operator,
          loop: innermostAt(fn, event.line),
        };
        return [{ comparison, left: pick(comparison.left.sources), right: pick(comparison.right.sources) }];
      });
    });
  return [...own, ...byHelper].sort((a, b) => a.comparison.line - b.comparison.line);
}

function keyOf(events: Event[]): string | null {
  const keys = new Set(events.map(e => (e.cell ? cellKey(e.cell) : '')));
  const [only] = keys;
  return keys.size === 1 && only ? only : null;
}

const OPPOSITE: Partial<Record<Operation, Operation>> = { set: 'clear', clear: 'set', inc: 'dec', dec: 'inc', add: 'sub', sub: 'add' };

/** Two functions, of which each undoes on a variable index what the other does. */
function mirrored(pair: Pair): { relation: Tie['relation']; evidence: TieEvidence } | null {
  for (const [i, f] of pair.updates.entries()) {
    for (const g of pair.updates.slice(i + 1)) {
      const [a, b] = f.events;
      const [c, d] = g.events;
      const index = indexOf(a);
      if (f.fn === g.fn || index === null || isConstantText(index) || !a.operation || !b.operation) continue;
      // Two maps that are set together and cleared together are as often two facts of one thing.
      if (a.operation === b.operation) continue;
      if (OPPOSITE[a.operation] !== c.operation || OPPOSITE[b.operation] !== d.operation) continue;
      const text = `${f.fn.name}() and ${g.fn.name}() do the opposite of each other on both`;
      return {
        relation: a.operation === b.operation ? 'equal' : 'complement',
        evidence: { kind: 'mirrored', path: f.fn.path, line: a.line, side: a.side, text },
      };
    }
  }
  return null;
}
