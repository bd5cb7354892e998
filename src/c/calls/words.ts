/** What a callee writes, in the words of its caller: parameters as the arguments, locals by names that are free there. */
import type { Cell, CFunction, Event } from '../../model/code.ts';
import { inCaller } from './effects.ts';

/** A callee's names in the words of its caller; with `result`, that local of the callee is the variable that the call's value goes to. */
export class Words {
  private readonly body: CFunction;
  private readonly call: Event;
  /** Locals of the callee that go by another name, since the caller has one like it. */
  private readonly locals = new Map<string, string>();
  private readonly parameters: ReadonlyMap<string, string>;

  constructor(body: CFunction, call: Event, names: Set<string>, result: string | null) {
    this.body = body;
    this.call = call;
    this.parameters = new Map(
      body.parameters.flatMap((p, i): [string, string][] => (call.args[i] === undefined ? [] : [[p.name, call.args[i] ?? '']])),
    );
    // What both name and neither declares is one global.
    for (const name of body.locals ?? []) {
      if (this.parameters.has(name)) continue;
      if (name === result && call.into !== null) {
        if (name !== call.into) this.locals.set(name, call.into);
        continue;
      }
      let free = name;
      while (names.has(free)) free = `${free}_`;
      names.add(free);
      if (free !== name) this.locals.set(name, free);
    }
  }

  name(name: string): string {
    return this.locals.get(name) ?? name;
  }

  /** Code of the callee as the caller would write it. */
  text(text: string): string {
    if (this.parameters.size === 0 && this.locals.size === 0) return text;
    return text.replace(/(->|\.)?\b([A-Za-z_]\w*)\b(->)?/g, (all: string, before: string | undefined, name: string, arrow: string | undefined) => {
      if (before !== undefined) return all;
      const local = this.locals.get(name);
      if (local !== undefined) return `${local}${arrow ?? ''}`;
      const given = this.parameters.get(name);
      if (given === undefined) return all;
      if (arrow !== undefined && /^&\w[\w.>[\]-]*$/.test(given)) return `${given.slice(1)}.`;
      const isAlone = name.length === text.length || /^&?\w[\w.>[\]-]*$/.test(given);
      return `${isAlone ? given : `(${given})`}${arrow ?? ''}`;
    });
  }

  cell(cell: Cell | null): Cell | null {
    if (!cell) return cell;
    const own = cell.path.includes('[') ? { ...cell, path: this.subscripts(cell.path) } : cell;
    return own.base === null ? own : this.based(own, own.base);
  }

  /** A path with its subscripts in the caller's words. */
  private subscripts(path: string): string {
    return path.replace(/\[([^[\]]*)\]/g, (_, index: string) => `[${this.text(index)}]`);
  }

  private based(cell: Cell, base: string): Cell | null {
    const root = /^\w+/.exec(base)?.[0] ?? '';
    const local = this.locals.get(root);
    if (local !== undefined) return { ...cell, base: `${local}${base.slice(root.length)}` };
    return inCaller(cell, this.body, this.call);
  }
}
