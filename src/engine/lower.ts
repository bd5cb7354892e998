/** From a claim to programs: every instruction carries the place of the event that it came from; what has none is an assumption. */
import { cellKey } from '../c/cells.ts';
import { conditionOn } from '../c/query.ts';
import { explore, type Final, serial } from '../lkmm/explore.ts';
import type { Instruction, Order, Program, Thread, Update, Value } from '../lkmm/program.ts';
import type { Event } from '../model/code.ts';
import type { Claim, ClaimThread, Edit } from '../model/rule.ts';

/** A program for each state that the cells may start from. */
export interface Lowered {
  programs: Program[];
  /** The states that count as consistent, in which the cells may start. */
  consistent: Value[][];
  /** Per thread the register that the function returns, or null. */
  results: (string | null)[];
  /** Pairs of registers, in false-alarm claims: what each sample saw. */
  samples: [string, string][];
  assumes: string[];
}

/** Lowers a claim, with an edit if one is given; a text instead where an event has no meaning in the model yet. */
export function lower(claim: Claim, edit: Edit | null): Lowered | string {
  const threads: Thread[] = [];
  const results: (string | null)[] = [];
  const samples: [string, string][] = [];
  for (const [i, thread] of claim.threads.entries()) {
    const lowered = lowerThread(claim, thread, i, samples);
    if (typeof lowered === 'string') return lowered;
    threads.push({ name: `${thread.fn.name}()`, body: edited(lowered.body, edit) });
    results.push(lowered.result);
  }
  const program: Program = {
    name: claim.threads.map(t => t.fn.name).join('+') + (edit ? `+${edit.kind}` : ''),
    cells: claim.tie.names.map(name => ({ name: name.replace(/\W/g, '_'), initial: 0 })),
    locks: edit?.kind === 'lock' ? ['l'] : [],
    threads,
  };
  const settlers: Thread[] = [];
  for (const [i, thread] of claim.settledBy.entries()) {
    const lowered = lowerThread(claim, thread, claim.threads.length + i, []);
    if (typeof lowered === 'string') return lowered;
    settlers.push({ name: `${thread.fn.name}()`, body: lowered.body });
  }
  const consistent = endsOf({ ...program, locks: [], threads: settlers });
  const programs = consistent.map(start => ({ ...program, cells: program.cells.map((c, i) => ({ ...c, initial: start[i] ?? 0 })) }));
  return { programs, consistent, results, samples, assumes: claim.assumes };
}

function lowerThread(
  claim: Claim,
  thread: ClaimThread,
  number: number,
  samples: [string, string][],
): { body: Instruction[]; result: string | null } | string {
  const body: Instruction[] = [];
  const registers = new Map<Event, string>();
  let result: string | null = null;
  const returned = new Set(thread.fn.flow.flatMap(n => n.returns ?? []));
  for (const [k, event] of thread.events.entries()) {
    const instruction = lowerEvent(claim, event, `r${k}`, number);
    if (typeof instruction === 'string') return instruction;
    // A function that goes on only for one outcome of an earlier operation does so here too.
    const earlier = [...registers].find(([e]) => e.kind === 'rmw' && conditionOn(thread.fn, e, event) !== 'any');
    const outcome = earlier ? conditionOn(thread.fn, earlier[0], event) : 'any';
    if (outcome === 'unknown') return `${event.api}() runs under a condition that is not followed`;
    body.push(earlier && outcome !== 'any' ? { ...instruction, when: { register: earlier[1], zero: outcome === 'zero' } } : instruction);
    registers.set(event, `r${k}`);
    if (returned.has(event.index) && event.kind === 'rmw') result = `r${k}`;
  }
  if (claim.bad.kind === 'false-alarm') {
    // A retried sample is in the path as often as the loop runs, each time with registers of its own.
    let from = 0;
    for (const sample of claim.bad.samples) {
      const at = sample.map(event => thread.events.indexOf(event, from));
      const [a = -1, b = -1] = at;
      if (a < 0 || b < 0) continue;
      samples.push([`${number}:r${a}`, `${number}:r${b}`]);
      from = Math.max(a, b) + 1;
    }
  }
  return { body, result };
}

function lowerEvent(claim: Claim, event: Event, into: string, thread: number): Instruction | string {
  const place = { path: event.path, line: event.line };
  const cell = event.cell ? claim.tie.keys.indexOf(cellKey(event.cell)) : -1;
  const order = orderOf(event);
  if (event.kind === 'fence') return { op: 'fence', order: event.ordering === 'rmb' || event.ordering === 'wmb' ? event.ordering : 'full', place };
  if (cell < 0) return `${event.api}() is on neither cell`;
  if (event.kind === 'read') return { op: 'load', cell, into, order, place };
  const update = updateOf(event, thread);
  if (typeof update === 'string') return update;
  if (event.kind === 'rmw') return { op: 'rmw', cell, update, into, order, place };
  if (event.kind === 'write' && update.kind === 'put') return { op: 'store', cell, value: update.value, order, place };
  return `${event.api}() has no meaning in the model`;
}

function orderOf(event: Event): Order {
  const o = event.ordering;
  return o === 'full' || o === 'acquire' || o === 'release' || o === 'plain' ? o : 'relaxed';
}

function updateOf(event: Event, thread: number): Update | string {
  const operand = event.operand ?? '';
  const number = /^-?\d+$/.test(operand) ? Number(operand) : null;
  // A value that is not in view is a symbol of its own in each thread.
  const value: Value = number ?? (/^(?:NULL|false)$/.test(operand) ? 0 : operand === 'true' ? 1 : `${operand.replace(/\W+/g, '_')}_${thread}`);
  switch (event.operation) {
    case 'set':
      return { kind: 'put', value: 1 };
    case 'clear':
      return { kind: 'put', value: 0 };
    case 'flip':
      return { kind: 'flip' };
    case 'store':
    case 'xchg':
      return { kind: 'put', value };
    case 'inc':
      return { kind: 'add', value: 1 };
    case 'dec':
      return { kind: 'add', value: -1 };
    case 'add':
      return { kind: 'add', value: number ?? 1 };
    case 'sub':
      return { kind: 'add', value: -(number ?? 1) };
    default:
      return `${event.api}() has no meaning in the model yet`;
  }
}

function edited(body: Instruction[], edit: Edit | null): Instruction[] {
  if (edit === null) return body;
  if (edit.kind === 'lock') return [{ op: 'lock', lock: 0, place: null }, ...body, { op: 'unlock', lock: 0, place: null }];
  // One word in place of two: neighbours that touch different cells become one access.
  const out: Instruction[] = [];
  let group: Instruction[] = [];
  const flush = () => {
    if (group.length > 0) out.push(group.length === 1 && group[0] ? group[0] : { op: 'together', parts: group, place: group[0]?.place ?? null });
    group = [];
  };
  for (const i of body) {
    if (i.op === 'fence') {
      flush();
      out.push(i);
      continue;
    }
    if (group.some(g => 'cell' in g && 'cell' in i && g.cell === i.cell)) flush();
    group.push(i);
  }
  flush();
  return out;
}

/**
 * The states in which one of the updating functions leaves the cells when it runs alone. What is consistent is what they establish: it is
 * computed from them, and the cells may start in each of these states.
 */
function endsOf(program: Program): Value[][] {
  const numbers = program.threads.flatMap(t => t.body.flatMap(putsOf));
  const domain: Value[] = numbers.some(v => v === 1) ? [0, 1] : [0];
  const guesses = program.cells.reduce<Value[][]>((all, _) => all.flatMap(state => domain.map(v => [...state, v])), [[]]);
  const starts = new Map<string, Value[]>();
  for (const guess of guesses) {
    for (const thread of program.threads.filter(t => t.body.some(writes))) {
      const alone = explore({ ...program, threads: [thread], cells: program.cells.map((c, i) => ({ ...c, initial: guess[i] ?? 0 })) });
      for (const final of alone.finals) starts.set(final.cells.join(), final.cells);
    }
  }
  const counts = program.threads.some(t => t.body.some(i => i.op === 'rmw' && i.update.kind === 'add'));
  if (counts || starts.size === 0) return [program.cells.map(() => 0)];
  return [...starts.values()].sort((a, b) => (a.join() < b.join() ? -1 : 1));
}

function writes(i: Instruction): boolean {
  return i.op === 'store' || i.op === 'rmw' || (i.op === 'together' && i.parts.some(writes));
}

function putsOf(i: Instruction): Value[] {
  if (i.op === 'together') return i.parts.flatMap(putsOf);
  if (i.op === 'store') return [i.value];
  return i.op === 'rmw' && i.update.kind === 'put' ? [i.update.value] : i.op === 'rmw' && i.update.kind === 'flip' ? [1] : [];
}

/** The ends of all serial orders of the program, as text. */
export function serialEnds(program: Program): Set<string> {
  return new Set(serial(program).map(final => final.cells.join()));
}

/** What the calls return, as text, in each serial order. */
export function serialResults(program: Program, results: (string | null)[]): Set<string> {
  return new Set(serial(program).map(final => resultText(final, results)));
}

export function resultText(final: Final, results: (string | null)[]): string {
  return results.map((r, t) => (r === null ? '' : String(final.registers.get(`${t}:${r}`)))).join();
}
