/** A flow graph under construction: nodes, and the open ends that the next node is linked to. */
import type { FlowNode, Mutable } from '../../model/code.ts';

/** An edge without a target yet. */
export interface OpenEdge {
  node: number;
  /** For branches: which way. */
  slot: number;
}

/** A node of a graph under construction, whose edges are still set. */
export interface OpenNode extends Omit<Mutable<FlowNode>, 'next'> {
  next: number[];
}

export class Graph {
  readonly nodes: OpenNode[] = [{ event: null, next: [], kind: 'entry', line: 0 }];
  ends: OpenEdge[] = [{ node: 0, slot: 0 }];
  private readonly labels = new Map<string, number>();

  /** Adds a node behind all open ends, which are then closed; returns its number. */
  add(kind: FlowNode['kind'], line: number, event: number | null = null): number {
    const id = this.place(kind, line, event);
    this.join(this.ends, id);
    this.ends = [{ node: id, slot: 0 }];
    return id;
  }

  /** Adds a node that nothing leads to yet. */
  place(kind: FlowNode['kind'], line: number, event: number | null = null): number {
    this.nodes.push({ event, next: [], kind, line });
    return this.nodes.length - 1;
  }

  join(ends: OpenEdge[], target: number): void {
    for (const { node: from, slot } of ends) {
      const node = this.nodes[from];
      if (!node) continue;
      // An array made of its elements takes no room for more, as one that grows does; most nodes have one edge, branches two.
      if (slot === 0 && node.next.length === 0) node.next = [target];
      else if (slot === 1 && node.next.length === 1) node.next = [node.next[0] ?? target, target];
      else node.next[slot] = target;
    }
  }

  /** A place that loops and labels come back to. */
  meet(line: number): number {
    return this.add('join', line);
  }

  /** A branch by a condition; gives the ends where it holds and where not. */
  branch(line: number, condition: string, decides?: number[], tests?: FlowNode['tests']): { yes: OpenEdge[]; no: OpenEdge[] } {
    const id = this.nodes.length;
    const kind = 'branch';
    // Made in one piece: properties that are added later take room of their own.
    if (!decides) this.nodes.push({ event: null, next: [], kind, line, condition });
    else if (tests) this.nodes.push({ event: null, next: [], kind, line, condition, decides, tests });
    else this.nodes.push({ event: null, next: [], kind, line, condition, decides });
    this.join(this.ends, id);
    this.ends = [];
    return { yes: [{ node: id, slot: 0 }], no: [{ node: id, slot: 1 }] };
  }

  exit(line: number, returned?: string, returns?: number[], fails = false): void {
    const node = this.nodes[this.add('exit', line)];
    if (node && returned !== undefined) node.returned = returned;
    if (node && returns) node.returns = returns;
    if (node && fails) node.fails = true;
    this.ends = [];
  }

  /** An exit that returns nowhere: BUG(), panic(). */
  stop(line: number): void {
    const node = this.nodes[this.add('exit', line)];
    if (node) node.stops = true;
    this.ends = [];
  }

  /** The node of a label, made at its first mention. */
  label(name: string, line: number): number {
    let id = this.labels.get(name);
    if (id === undefined) {
      id = this.place('join', line);
      const node = this.nodes[id];
      if (node) node.label = name;
      this.labels.set(name, id);
    }
    return id;
  }

  /** Fills edges that were never given a target (a label out of view, a switch way without a case) with a gap. */
  seal(): void {
    let gap = -1;
    const count = this.nodes.length;
    for (let i = 0; i < count; i++) {
      const node = this.nodes[i];
      if (!node || node.kind === 'exit' || node.kind === 'gap') continue;
      for (let slot = 0; slot < Math.max(node.next.length, 1); slot++) {
        if (node.next[slot] !== undefined) continue;
        if (gap < 0) gap = this.place('gap', node.line);
        node.next[slot] = gap;
      }
    }
  }
}
