/** What a call of a function in view does, as events of the caller: wrappers and helpers carry their meaning. */
import type { Cell, CFunction, Event } from '../../model/code.ts';
import { alwaysRuns } from '../cfg/flow.ts';
import { cellKey } from '../lower/cells.ts';
import { calleeOf, calleesOf } from './callees.ts';

/** One thing that a call does. */
export interface CallEffect {
  /** The event as it stands in the function that does it. */
  event: Event;
  fn: CFunction;
  /** Its cell in the caller's words. */
  cell: Cell | null;
  /** Functions that the call goes through, the one called first. */
  via: string[];
  /** It happens on every path through all of them. */
  always: boolean;
}

/** Deeper than this a call is opaque. */
const DEEPEST = 4;
/** A function that does more than this is no helper, and its effects are its own affair. */
const MOST = 64;

/**
 * What the call does, in the order of the text; null where that is not known: nothing in view defines it, it is only partly seen, it calls
 * itself, or it does more than can be followed.
 */
export function effectsOf(fn: CFunction, call: Event, functions: readonly CFunction[]): CallEffect[] | null {
  if (call.kind === 'expanded') return [];
  const all: CallEffect[][] = [];
  for (const callee of calleesOf(fn, call, functions)) {
    const own = follow(callee, call, functions, []);
    if (!own) return null;
    all.push(own);
  }
  const [first, ...others] = all;
  if (!first || others.length === 0) return first ?? null;
  // What only some of them do is not always done.
  return all.flatMap(own => own.map(effect => ({ ...effect, always: all.every(other => other.some(e => e.always && isAlike(e, effect))) })));
}

function isAlike(a: CallEffect, b: CallEffect): boolean {
  const [one, other] = [a.cell && cellKey(a.cell), b.cell && cellKey(b.cell)];
  return a.event.kind === b.event.kind && a.event.ordering === b.event.ordering && one === other;
}

function follow(callee: CFunction | null, call: Event, functions: readonly CFunction[], via: string[]): CallEffect[] | null {
  if (!callee?.whole || via.includes(callee.name) || via.length >= DEEPEST) return null;
  const way = [...via, callee.name];
  const found: CallEffect[] = [];
  for (const event of callee.events) {
    const always = alwaysRuns(callee, event);
    if (event.kind === 'expanded') continue;
    if (event.kind === 'call') {
      if (event.opaque) return null;
      const next = calleeOf(callee, event, functions);
      const inner = next ? follow(next, event, functions, way) : [];
      if (inner === null) return null;
      for (const effect of inner) found.push({ ...effect, cell: inCaller(effect.cell, callee, call), always: effect.always && always });
    } else found.push({ event, fn: callee, cell: inCaller(event.cell, callee, call), via: way, always });
    if (found.length > MOST) return null;
  }
  return found;
}

/** A cell of the callee in the words of the caller: what starts from a parameter starts from the argument. */
export function inCaller(cell: Cell | null, callee: CFunction, call: Event): Cell | null {
  if (!cell || cell.base === null) return cell;
  const root = /^\w+/.exec(cell.base)?.[0] ?? '';
  const position = callee.parameters.findIndex(p => p.name === root);
  if (position < 0) return cell.base.startsWith('*') ? null : cell;
  const argument = call.argCells?.[position] ?? null;
  const rest = cell.base.slice(root.length);
  const bit = cell.bit === null ? null : inText(cell.bit, callee, call);
  if (rest === '' && cell.path.startsWith('*')) {
    // The cell is what the argument points to.
    return argument && { ...argument, path: `${argument.path}${cell.path.slice(1)}`, bit: bit ?? argument.bit };
  }
  const written = (call.args[position] ?? root).replace(/^&\s*/, '').replace(/^\((.*)\)$/, '$1');
  const base = pointedBy(argument) ?? (/^[\w.>[\]-]+$/.test(written) ? written : null);
  if (base === null) return { ...cell, base: `${call.args[position] ?? root}${rest}`, bit };
  // A macro's parameters have no type of their own.
  const type = cell.type ?? (rest === '' && argument?.path === '*' ? argument.type : null);
  return { ...cell, type, base: `${base}${rest}`, bit };
}

/** How the caller reaches what an argument points to, copies followed; null where it is part of an object, whose address the argument is. */
function pointedBy(argument: Cell | null): string | null {
  if (!argument) return null;
  if (argument.path === '*') return argument.base;
  if (!argument.pointee) return null;
  return argument.base === null ? argument.path : `${argument.base}->${argument.path}`;
}

/** A bit number that is a parameter's name, as the caller wrote it. */
function inText(text: string, callee: CFunction, call: Event): string {
  const position = callee.parameters.findIndex(p => p.name === text);
  return position < 0 ? text : (call.args[position] ?? text);
}
