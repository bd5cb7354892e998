/** Conditions of one function that decide one another: what a branch settles of the tests that may come after it. */
import type { CFunction, Decision, FlowNode } from '../../model/code.ts';
import { nodesAfter } from './flow.ts';

/** What a branch tests: a condition as written, and where it compares a local, with what. */
export interface BranchCondition {
  /** The text, with the versions of the locals in it. */
  key: string;
  /** Locals that it is about. */
  locals: readonly string[];
  test: LocalTest | null;
  /** It reads memory: another test of it is another read. */
  reads: boolean;
}

/** A comparison of a local, or of two, with a constant. */
export interface LocalTest {
  /** The local with its version: two tests of one subject are of one value. */
  subject: string;
  is: 'equal' | 'less';
  than: Constant;
  /** The condition holds where the comparison does not. */
  not: boolean;
}

/** A constant as written, and what its value may be. */
export interface Constant {
  name: string;
  low: number;
  high: number;
}

/** What each way out of a switch is taken for; null for the default and for what is no constant. */
export interface Cases {
  subject: string | null;
  locals: readonly string[];
  labels: (Constant | null)[];
}

/** One condition of the function, without its denial, however often it is tested. */
interface Form {
  id: number;
  test: Omit<LocalTest, 'not'> | null;
  locals: Set<string>;
  /** Branches that test it. */
  nodes: Set<number>;
}

/** What of a function says where its locals are set. */
export type Settings = Pick<CFunction, 'flow' | 'events' | 'settings'>;

/** What a node decides of conditions, as a node of the flow has it. */
export type Correlation = Pick<FlowNode, 'settles' | 'reads' | 'forgets'>;

/**
 * For each branch what its edges settle of other conditions (`settles`), and for each edge that sets a local which of those it makes stale for
 * the next round of a loop (`forgets`), by the number of the node.
 */
export function correlationsOf(
  fn: Settings,
  conditions: ReadonlyMap<number, BranchCondition>,
  switches: ReadonlyMap<number, Cases>,
): ReadonlyMap<number, Correlation> {
  const found = new Map<number, Correlation>();
  if (conditions.size + switches.size < 2) return found;
  const forms = new Map<string, Form>();
  const formOf = (key: string, node: number, test: Form['test'], locals: readonly string[]): Form => {
    const known = forms.get(key) ?? { id: forms.size + 1, test, locals: new Set<string>(), nodes: new Set<number>() };
    forms.set(key, known);
    known.nodes.add(node);
    for (const local of locals) known.locals.add(local);
    return known;
  };
  const made = new Map<number, (readonly { form: Form; holds: boolean }[])[]>();
  const equal = (node: number, { subject, locals }: Cases, than: Constant) =>
    formOf(`${subject} equal ${than.name}`, node, { subject: subject ?? '', is: 'equal', than }, locals);
  for (const [node, { key, locals, test }] of conditions) {
    const form = formOf(test ? `${test.subject} ${test.is} ${test.than.name}` : key, node, test, locals);
    made.set(
      node,
      [true, false].map(way => [{ form, holds: way !== (test?.not ?? false) }]),
    );
  }
  for (const [node, cases] of switches) {
    if (cases.subject === null) continue;
    const labels = cases.labels.flatMap(label => (label ? [label] : []));
    // Labels of one switch differ. A way more than there are labels is taken where none fits.
    const ways = [...cases.labels, null].map(own => labels.map(label => ({ form: equal(node, cases, label), holds: label === own })));
    made.set(node, ways);
  }
  const related = new Map<string, Form[]>();
  for (const form of forms.values()) {
    if (!form.test) continue;
    const known = related.get(form.test.subject);
    if (known) known.push(form);
    else related.set(form.test.subject, [form]);
  }
  const settled = [...made].map(([at, ways]) => ({ at, ways: ways.map(way => settledBy(way, related)) }));
  // What one branch alone speaks of is of no use to others.
  const speakers = new Map<Form, number>();
  for (const { ways } of settled) for (const form of new Set(ways.flat().map(([form]) => form))) speakers.set(form, (speakers.get(form) ?? 0) + 1);
  for (const { at, ways } of settled) {
    const kept = ways.map(way => way.flatMap(([form, holds]): Decision[] => ((speakers.get(form) ?? 0) > 1 ? [[form.id, holds]] : [])));
    if (!kept.some(way => way.length > 0)) continue;
    found.set(at, conditions.get(at)?.reads ? { settles: kept, reads: true } : { settles: kept });
  }
  for (const [at, forgets] of forgotten(fn, [...forms.values()])) found.set(at, { ...found.get(at), forgets });
  return found;
}

/** What follows of all conditions from those that a way decides. */
function settledBy(way: readonly { form: Form; holds: boolean }[], related: ReadonlyMap<string, readonly Form[]>): [Form, boolean][] {
  const found = new Map<Form, boolean>(way.map(({ form, holds }) => [form, holds]));
  for (const { form, holds } of way) {
    for (const other of (form.test && related.get(form.test.subject)) ?? []) {
      const implied = found.has(other) || !form.test || !other.test ? null : implies(form.test, holds, other.test);
      if (implied !== null) found.set(other, implied);
    }
  }
  return [...found];
}

/** Whether the second comparison holds where the first does, or does not; null where that does not tell. */
function implies(a: Omit<LocalTest, 'not'>, holds: boolean, b: Omit<LocalTest, 'not'>): boolean | null {
  const [c, d] = [a.than, b.than];
  if (a.is === 'equal') {
    if (!holds) return null;
    if (b.is === 'equal') return c.name === d.name ? true : c.high < d.low || d.high < c.low ? false : null;
    if (!comparable(c) || !comparable(d) || (c.high < 0 && d.low > 0)) return null;
    return c.high < d.low ? true : c.low >= d.high ? false : null;
  }
  if (b.is === 'less') return holds ? (c.high <= d.low ? true : null) : d.high <= c.low ? false : null;
  if (!comparable(c) || !comparable(d)) return null;
  return holds ? (d.low >= c.high ? false : null) : d.high < c.low ? false : null;
}

/** A negative number that an unsigned variable is compared with is a large one: only its sign against zero is told. */
function comparable(c: Constant): boolean {
  return c.low >= 0 || c.high < 0;
}

/** A loop brings a variable back to a test with another value: what was decided of the old one is forgotten where it is set. */
function forgotten(fn: Settings, forms: readonly Form[]): Map<number, number[][]> {
  const found = new Map<number, number[][]>();
  const byLocal = new Map<string, Form[]>();
  for (const form of forms) {
    if (![...form.nodes].some(at => nodesAfter(fn, at).has(at))) continue;
    for (const local of form.locals) byLocal.set(local, [...(byLocal.get(local) ?? []), form]);
  }
  if (byLocal.size === 0) return found;
  const forget = (at: number, slot: number, { id, nodes }: Form) => {
    const node = fn.flow[at];
    const to = node?.next[slot];
    if (!node || to === undefined || ![...nodes].some(test => test === to || nodesAfter(fn, to).has(test))) return;
    const edges = found.get(at) ?? node.next.map(() => []);
    found.set(at, edges);
    if (!edges[slot]?.includes(id)) edges[slot]?.push(id);
  };
  for (const { name, ends } of fn.settings ?? [])
    for (const form of byLocal.get(name) ?? []) for (const end of ends) forget(end.node, end.slot, form);
  for (const event of fn.events) {
    for (const arg of event.args) {
      const given = /^&(\w+)$/.exec(arg)?.[1] ?? (event.each ? arg : undefined);
      for (const form of (given !== undefined && byLocal.get(given)) || [])
        for (const [slot] of (fn.flow[event.node]?.next ?? []).entries()) forget(event.node, slot, form);
    }
  }
  return found;
}
