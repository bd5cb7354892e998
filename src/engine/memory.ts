/**
 * The memory of a draft: a location for each cell, lock and name that the claim speaks of, a number for each constant, and a register for
 * each read. Whatever becomes steps, be it seen, meant or assumed, gets its places here, so that the same memory is the same location.
 */
import { cellKey, cellName } from '../c/lower/cells.ts';
import type { Event } from '../model/code.ts';
import type { Claim } from '../model/rule.ts';
import type { DraftLocation, ThreadStep } from './draft.ts';

/** Locations, registers and numbers of one draft, made as they are asked for. */
export class Memory {
  private readonly claim: Claim;
  private readonly locations: DraftLocation[] = [];
  private readonly byKey = new Map<string, number>();
  private readonly masks = new Map<string, Map<string, number>>();
  private readonly symbols = new Map<string, number>();
  /** Registers of accesses that stand for their order alone: what they hold is made up. */
  private readonly asides = new Set<string>();
  private registers = 0;

  constructor(claim: Claim) {
    this.claim = claim;
    if (claim.tie) for (const [i, key] of claim.tie.keys.entries()) this.byKey.set(key, this.location(claim.tie.names[i] ?? key, 'int'));
    // The cells of the claim are those of the events that it names; others on the way are only looked at for what they order.
    const elsewhere = new Set(claim.meanings?.flatMap(m => (typeof m.cell === 'string' && !m.besides ? [m.event] : [])));
    for (const event of claim.threads.flatMap(t => [...t.events, ...(t.calls ?? []).flatMap(c => c.events)]))
      if (!elsewhere.has(event)) this.cellOf(event, true);
    for (const m of claim.meanings ?? []) this.meant(m.cell);
    for (const assumed of [...claim.threads.flatMap(t => [...(t.before ?? []), ...(t.then ?? [])]), ...(claim.others ?? []).flatMap(o => o.does)])
      if (assumed.cell !== undefined && assumed.does !== 'lock' && assumed.does !== 'unlock') this.meant(assumed.cell);
  }

  /** The locations with names of their own and what the claim says that they start with, once all steps are made. */
  settled(): DraftLocation[] {
    // A word of which one bit alone is looked at goes by that bit's name.
    for (const [key, bits] of this.masks) {
      const [bit, other] = [...bits.keys()];
      const location = this.locations[this.byKey.get(key) ?? -1];
      if (bit && /^[A-Z]/i.test(bit) && other === undefined && location && !this.claim.tie) location.name = bit;
    }
    const used = new Set<string>();
    const locations = this.locations.map(l => {
      let unique = l.name;
      while (used.has(unique)) unique += '_';
      used.add(unique);
      return { ...l, name: unique };
    });
    for (const start of this.claim.starts ?? []) {
      const at = typeof start.cell === 'string' ? this.byKey.get(`meant ${start.cell}`) : this.known(start.cell);
      const location = at === null || at === undefined ? undefined : locations[at];
      if (!location) continue;
      const mask = typeof start.cell === 'string' ? null : this.maskOf(start.cell);
      const value = typeof start.value === 'string' ? (this.numberOf(start.value) ?? 0) : start.value;
      location.given = true;
      const others = typeof location.initial === 'number' ? location.initial : 0;
      location.initial = mask === null ? value : value === 0 ? others & ~mask : others | mask;
    }
    return locations;
  }

  /** The location of the event's cell, null where it is none of the claim's. */
  known(event: Event): number | null {
    return this.cellOf(event, false);
  }

  /** The location of a cell that the claim speaks of by an event on it, or by a name. */
  meant(cell: Event | string): number {
    const known = typeof cell === 'object' ? this.cellOf(cell, true) : null;
    if (known !== null) return known;
    const [key, name] = typeof cell === 'string' ? [cell, cell] : [cell.text, 'object'];
    return this.keyed(`meant ${key}`, name, 'int');
  }

  /** A location that stands for the order of one access alone. */
  elsewhere(event: Event): number {
    return this.location(event.cell ? cellName(event.cell) : 'other', 'int');
  }

  lock(name: string): number {
    return this.keyed(`lock ${name}`, /(\w+)\W*$/.exec(name)?.[1] ?? 'lock', 'spinlock_t');
  }

  /** The location that tells a thread that what starts it has run. */
  start(event: Event): number {
    return this.keyed(`started ${event.path}:${event.line}:${event.index}`, 'started', 'int');
  }

  register(): string {
    return `r${this.registers++}`;
  }

  /** A register that nothing may be concluded from. */
  aside(): string {
    const register = this.register();
    this.asides.add(register);
    return register;
  }

  isAside(register: string): boolean {
    return this.asides.has(register);
  }

  /** The mask of the event's bit in its word; bits that are not constants are taken for the same one. */
  maskOf(event: Event): number | null {
    if (!event.cell || event.cell.bit === null) return null;
    const key = cellKey(event.cell);
    const bits = this.masks.get(key) ?? new Map<string, number>();
    this.masks.set(key, bits);
    const bit = /^(?:\d+|[A-Z][A-Z0-9_]*|[A-Z]{2,}_\w+)$/.test(event.cell.bit) ? event.cell.bit : '';
    const mask = bits.get(bit) ?? 1 << bits.size;
    bits.set(bit, mask);
    return mask;
  }

  /** A constant as the code writes it: a name in capitals stands for a number of its own, other text for none that is known. */
  numberOf(text: string | null): number | null {
    const operand = (text ?? '').trim();
    if (/^-?(?:0x[\da-f]+|\d+)[UL]*$/i.test(operand)) return Number(operand.replace(/[UL]+$/i, ''));
    if (/^(?:NULL|false)$/.test(operand)) return 0;
    if (operand === 'true') return 1;
    return /^[A-Z][A-Z0-9_]*$/.test(operand) ? this.symbolOf(operand) : null;
  }

  /** A number for what the code names, the same for the same text, and unlike any other. */
  symbolOf(text: string): number {
    const known = this.symbols.get(text);
    if (known !== undefined) return known;
    this.symbols.set(text, 100 + this.symbols.size);
    return 99 + this.symbols.size;
  }

  /** The register with the pointer that the event's cell is reached through, and what the pointer points to. */
  pointerOf(event: Event, before: readonly ThreadStep[]): string | null {
    const target = event.cell ? this.byKey.get(cellKey(event.cell)) : undefined;
    return target === undefined || !event.cell?.base ? null : this.pointerTo(target, [event.cell.base], before);
  }

  /** The register with the pointer to the location, loaded before under one of the names. */
  pointerTo(target: number, names: readonly string[], before: readonly ThreadStep[]): string | null {
    if (this.claim.tie) return null;
    for (const step of [...before].reverse()) {
      const load = step.event;
      if (!load || step.act.op !== 'load' || step.register === null || step.act.location === target) continue;
      const { cell, into } = load;
      const named = (name: string) =>
        into === name ||
        (load.each && load.args.includes(name)) ||
        (cell?.base ? name === `${cell.base}->${cell.path}` || name === `${cell.base}.${cell.path}` : name === cell?.path);
      if (!names.some(named)) continue;
      const pointer = this.locations[step.act.location];
      if (!pointer || (pointer.target !== undefined && pointer.target !== target)) return null;
      pointer.target = target;
      return step.register;
    }
    return null;
  }

  /** Says that what the one location holds is the address of the other. */
  points(from: number, to: number): void {
    const pointer = this.locations[from];
    if (pointer) pointer.target ??= to;
  }

  private cellOf(event: Event, add: boolean): number | null {
    if (!event.cell || event.kind === 'lock' || event.kind === 'unlock') return null;
    const key = cellKey(event.cell);
    return add && touches(event) ? this.keyed(key, nameOfCell(event), 'int') : (this.byKey.get(key) ?? null);
  }

  private keyed(key: string, name: string, type: DraftLocation['type']): number {
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const made = this.location(name, type);
    this.byKey.set(key, made);
    return made;
  }

  private location(name: string, type: DraftLocation['type']): number {
    const plain = name.replace(/\W+/g, '_').replace(/^_+|_+$/g, '');
    this.locations.push({ name: /^[a-z]/i.test(plain) ? plain : `c_${plain}`, type, initial: 0 });
    return this.locations.length - 1;
  }
}

/** Does the event access its cell? A publication is a store of a pointer. */
export function touches(event: Event): boolean {
  return event.kind === 'read' || event.kind === 'write' || event.kind === 'rmw' || event.kind === 'publish';
}

/** The last word of the cell's path; what a pointer points to goes by the pointer's name, a count by that of what it counts. */
function nameOfCell(event: Event): string {
  const { cell } = event;
  if (!cell) return 'cell';
  if (cell.path !== '*') return cellName(cell).split(/->|\./).at(-1) ?? 'cell';
  const base = (cell.base ?? '').split(/->|\./).at(-1) ?? '';
  return event.kind === 'rmw' ? `${base} count` : base;
}
