/** What an exit returns where its expression is a local: `kept = p; goto out; ... out: return kept;` returns p. */
import type { FlowNode, LocalSetting } from '../../model/code.ts';
import type { OpenEdge, OpenNode } from './graph.ts';

/** A local variable that is set on edges of the flow graph. */
export interface Setting extends LocalSetting {
  ends: readonly OpenEdge[];
  /** To an error: a negative errno, or a pointer made of one. */
  fails: boolean;
}

/** An edge to an exit, perhaps by joins, and what it sets the returned local to; null where that is set earlier. */
interface Arrival {
  from: number;
  slot: number;
  set: Setting | null;
}

/**
 * Gives, in a graph under construction, each exit that returns a local the value that is set right before it, with nothing but joins in between; where paths set several, each
 * gets an exit of its own at the same line. So one return that all paths jump to is read as the returns that it stands for.
 */
export function splitReturns(flow: OpenNode[], settings: readonly Setting[]): void {
  const set = new Map<string, Setting[]>();
  for (const s of settings) if (s.copies !== undefined) set.set(s.name, []);
  if (set.size === 0) return;
  const exits = flow.flatMap((node, at) => (node.kind === 'exit' && set.has(node.returned ?? '') ? [at] : []));
  if (exits.length === 0) return;
  for (const s of settings) set.get(s.name)?.push(s);
  const into = sourcesOf(flow);
  for (const exit of exits) {
    const node = flow[exit];
    if (node) split(flow, node, arrivalsAt(flow, exit, set.get(node.returned ?? '') ?? [], into));
  }
}

function split(flow: OpenNode[], node: OpenNode, arrivals: readonly Arrival[]): void {
  const groups = new Map<string | null, Arrival[]>();
  for (const a of arrivals) {
    const value = a.set?.copies ?? null;
    groups.set(value, [...(groups.get(value) ?? []), a]);
  }
  // What is not known stays at the exit that was there, or else the last of the values.
  const stays = groups.has(null) ? null : ([...groups.keys()].at(-1) ?? null);
  const plain = { ...node };
  for (const [value, group] of groups) {
    if (value === null) continue;
    const to = value === stays ? node : { ...plain, next: [] };
    to.value = value;
    if (group.every(a => a.set?.fails)) to.fails = true;
    const sources = new Set(group.flatMap(a => a.set?.sources ?? []));
    if (sources.size > 0) to.returns = [...sources];
    if (to === node) continue;
    flow.push(to);
    for (const { from, slot } of group) {
      const source = flow[from];
      if (source) source.next[slot] = flow.length - 1;
    }
  }
}

function arrivalsAt(flow: readonly FlowNode[], exit: number, own: readonly Setting[], into: readonly ReadonlySet<number>[]): Arrival[] {
  const found: Arrival[] = [];
  const reached = new Set([exit]);
  for (const at of reached) {
    for (const from of into[at] ?? []) {
      const node = flow[from];
      for (const [slot, to] of (node?.next ?? []).entries()) {
        if (to !== at) continue;
        const set = own.findLast(s => s.ends.some(end => end.node === from && end.slot === slot)) ?? null;
        if (set === null && node?.kind === 'join') reached.add(from);
        else found.push({ from, slot, set });
      }
    }
  }
  return found;
}

function sourcesOf(flow: readonly FlowNode[]): readonly ReadonlySet<number>[] {
  const into = flow.map(() => new Set<number>());
  for (const [from, node] of flow.entries()) for (const to of node.next) into[to]?.add(from);
  return into;
}

/** What a run that ends at the exit returns: the expression as written, or where that is a local the name or constant that it was set to right before. */
export function returnedAt(exit: FlowNode): string | undefined {
  return exit.value ?? exit.returned;
}
