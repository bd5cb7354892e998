/** The series as a change: each function before and after it, what went, and what stays. */

import { comesBefore, nodesAfter } from '../analysis/query.ts';
import type { ParseCache } from '../analysis/world.ts';
import { type Before, type Image, type Images, imagesBefore } from '../c/text/images.ts';
import type { CFunction, Event } from '../model/code.ts';
import type { ChangedFunction, Changes, Remark, Report, Rule, World } from '../model/rule.ts';
import { includesSection } from '../model/section.ts';
import type { Patch, Problem } from '../model/series.ts';
import { failed } from './look.ts';
import type { LinesBefore } from './numbering.ts';
import type { Raised } from './raised.ts';

/** The change, and what became of the lines that were there before it. */
export interface SeriesChange {
  changes: Changes;
  lines: LinesBefore;
  /** For each path before the series the path after it. */
  paths: ReadonlyMap<string, string>;
}

/** Makes a world of images, as they are after the series unless it is said that they are as before it. */
export type MakeWorld = (images: Image[], side?: CFunction['side']) => World;

/**
 * The whole series against what was there before it; null where it changes no file that was there. `outside` are the images of the tree around
 * the series, which are known on both sides.
 */
export function changeOf(
  patches: (Patch | null)[],
  history: Images['history'],
  after: World,
  outside: readonly Image[],
  worldFrom: MakeWorld,
  cache: ParseCache,
): SeriesChange | null {
  const back = imagesBefore(patches, history);
  if (back.images.length === 0) return null;
  const before = worldFrom([...back.images, ...outside], 'old');
  const lines = linesNow(back, history);
  const now = (path: string, line: number) => {
    const at = lines.get(path)?.get(line);
    return at === undefined ? null : { path: back.now.get(path) ?? path, line: at };
  };
  const functions = pairs(before, after, back, lines);
  let kept: Map<Event, Event> | null = null;
  let gone: ReadonlySet<string> | null = null;
  const changes: Changes = {
    before,
    after,
    functions,
    stays: event => {
      kept ??= new Map(functions.flatMap(change => keptEvents(change, lines)));
      return kept.get(event) ?? null;
    },
    lineNow: (path, line) => now(path, line)?.line ?? null,
    undeclared: name => {
      gone ??= undeclaredIn(back, history, cache);
      return gone.has(name);
    },
  };
  return { changes, lines: { removed: back.removed, now }, paths: back.now };
}

/** Names of members and globals that a file of the series declared before it, and that none declares anew. */
function undeclaredIn(back: Before, history: Images['history'], cache: ParseCache): Set<string> {
  const [gone, come] = [new Set<string>(), new Set<string>()];
  for (const image of back.images) {
    const now = history.get(back.now.get(image.path) ?? '')?.at(-1);
    const [old, kept] = [namesIn(image, cache), now ? namesIn(now, cache) : new Set<string>()];
    for (const name of old) if (!kept.has(name)) gone.add(name);
    for (const name of kept) if (!old.has(name)) come.add(name);
  }
  // One that another file or another structure has now was moved.
  return new Set([...gone].filter(name => ![...come].some(c => c === name || memberOf(c) === memberOf(name))).map(memberOf));
}

/** What the file declares: `struct tag.member`, or the name of a global. */
function namesIn(image: Image, cache: ParseCache): Set<string> {
  const types = cache.types.get(image);
  return new Set(
    [...(types?.structs ?? [])].flatMap(([tag, members]) => [...members.keys()].map(m => `${tag}.${m}`)).concat([...(types?.globals.keys() ?? [])]),
  );
}

function memberOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** For each path before the series the lines that it leaves, and where they stand now. */
type Lines = Map<string, Map<number, number>>;

function linesNow(back: Before, history: Images['history']): Lines {
  const found: Lines = new Map();
  const standing = (image: Image) =>
    image.pieces.flatMap(p => p.lines.flatMap((text, i) => (p.origin[i] === null ? [{ text, line: p.firstLine + i }] : [])));
  for (const image of back.images) {
    const now = history.get(back.now.get(image.path) ?? '')?.at(-1);
    if (!now) continue;
    const [old, kept] = [standing(image), standing(now)];
    // What a missing patch changed in between stands on one side only.
    if (old.length !== kept.length || old.some((l, i) => l.text !== kept[i]?.text)) continue;
    found.set(image.path, new Map(old.map((l, i) => [l.line, kept[i]?.line ?? 0])));
  }
  return found;
}

/** Functions of both sides, the one beside the other by the lines that they share, else by name. */
function pairs(before: World, after: World, back: Before, lines: Lines): ChangedFunction[] {
  const changes: ChangedFunction[] = [];
  const paired = new Set<CFunction>();
  const old = new Set(back.now.values());
  for (const file of before.files) {
    if (file.outside) continue;
    const now = lines.get(file.path);
    const candidates = after.files.find(f => f.path === back.now.get(file.path) && !f.outside)?.functions ?? [];
    for (const fn of file.functions) {
      let match: CFunction | null = null;
      let most = 0;
      const shared = new Map<CFunction, number>();
      for (let line = fn.line; now && line <= fn.endLine; line++) {
        const at = now.get(line);
        const holder = at === undefined ? undefined : candidates.find(c => c.line <= at && at <= c.endLine);
        if (!holder) continue;
        const count = (shared.get(holder) ?? 0) + 1;
        shared.set(holder, count);
        // A closing brace is shared by neighbours that diff has mixed up.
        if (count > most && (count > 1 || holder.name === fn.name)) [match, most] = [holder, count];
      }
      match ??= candidates.find(c => c.name === fn.name && !paired.has(c)) ?? null;
      if (match) paired.add(match);
      if (isTouched(fn, before) || (match && isTouched(match, after)) || !match) changes.push({ before: fn, after: match });
    }
  }
  for (const file of after.files)
    if (old.has(file.path) || file.addedBy !== null)
      for (const fn of file.functions) if (!paired.has(fn) && isTouched(fn, after)) changes.push({ before: null, after: fn });
  return changes;
}

function isTouched(fn: CFunction, world: World): boolean {
  for (let line = fn.line; line <= fn.endLine; line++) if (world.addedBy(fn.path, line) !== null) return true;
  return false;
}

/** Events that stand on both sides: those on a line that stays, then those that were removed and written anew. */
function keptEvents({ before, after }: ChangedFunction, lines: Lines): [Event, Event][] {
  if (!before || !after) return [];
  const now = lines.get(before.path);
  const free = new Set(after.events);
  const kept: [Event, Event][] = [];
  const take = (event: Event, found: Event | undefined) => {
    if (!found) return;
    free.delete(found);
    kept.push([event, found]);
  };
  for (const event of before.events) {
    const line = event.addedBy === null ? now?.get(event.line) : undefined;
    if (line !== undefined)
      take(
        event,
        first(free, e => e.line === line && isSame(e, event)),
      );
  }
  const done = new Set(kept.map(([event]) => event));
  for (const event of before.events)
    if (!done.has(event))
      take(
        event,
        first(free, e => e.addedBy !== null && isSame(e, event) && isAlike(e, event)),
      );
  return kept;
}

function first(events: Set<Event>, wanted: (e: Event) => boolean): Event | undefined {
  for (const event of events) if (wanted(event)) return event;
  return undefined;
}

function isSame(a: Event, b: Event): boolean {
  if (a.kind !== b.kind || a.api !== b.api || a.cell?.path !== b.cell?.path || a.cell?.bit !== b.cell?.bit) return false;
  return a.cell !== null || a.args.join() === b.args.join();
}

/** Is what was written anew the same statement: on the same object, with the same value and arguments? */
function isAlike(a: Event, b: Event): boolean {
  return a.cell?.base === b.cell?.base && a.operand === b.operand && a.args.join() === b.args.join();
}

/** What the rules say of each function that changed. */
export function lookAtChange(change: SeriesChange, rules: readonly Rule[]): { raised: Raised[]; problems: Problem[] } {
  const raised: Raised[] = [];
  const problems: Problem[] = [];
  for (const rule of rules) {
    if (!rule.checkChange) continue;
    const report: Report = (at, remark: Remark) => {
      const place = 'event' in at ? at.event : at.place;
      const addedBy = 'event' in at ? at.event.addedBy : at.addedBy === undefined ? at.fn.addedBy : at.addedBy;
      const { path, line, side } = place;
      raised.push({ rule, fn: at.fn, place: { path, line, side }, event: 'event' in at ? at.event : null, addedBy, remark, isChange: true });
    };
    for (const { before, after } of change.changes.functions) {
      try {
        rule.checkChange(before, after, change.changes, report);
      } catch (error) {
        const fn = after ?? before;
        problems.push(failed(rule, fn ? `${fn.path}, ${fn.name}()` : '', error));
      }
    }
  }
  return { raised, problems };
}

/** Kinds whose removal changes what the events beside it mean. */
const ORDERS = new Set<Event['kind']>(['fence', 'lock', 'unlock', 'rcu', 'publish', 'free', 'wait', 'wake', 'write', 'rmw']);

/**
 * Lines that the series leaves as they are and touches all the same, as `path:line`, with the patch: those beside a removed synchronising
 * event, those that have lost a lock, and those that stand under another condition than before.
 */
export function touchedLines({ changes }: SeriesChange): Map<string, number> {
  const found = new Map<string, number>();
  const touch = (event: Event | null | undefined, by: number | null) => {
    if (event && by !== null && event.side === 'new')
      found.set(`${event.path}:${event.line}`, Math.max(by, found.get(`${event.path}:${event.line}`) ?? -1));
  };
  for (const { before, after } of changes.functions) {
    if (after) for (const { event, by } of conditional(after, changes.after)) touch(event, by);
    if (!before || !after) continue;
    for (const { event, by } of conditional(before, changes.before)) touch(changes.stays(event), by);
    const gone = before.events.filter(e => e.addedBy !== null && (ORDERS.has(e.kind) || isMarked(e)) && changes.stays(e) === null);
    const stays = (e: Event) => changes.stays(e) !== null;
    for (const event of gone) {
      for (const beside of [before.events.slice(0, event.index).findLast(stays), before.events.slice(event.index + 1).find(stays)])
        touch(beside && changes.stays(beside), event.addedBy);
    }
    for (const event of before.events) {
      const now = changes.stays(event);
      const lost = now && event.locks.some(l => !includesSection(now.locks, l) && !includesSection(now.maybeLocks, l));
      if (lost) touch(now, gone.findLast(e => e.kind === 'lock' && comesBefore(before, e, event))?.addedBy ?? null);
    }
  }
  return found;
}

function isMarked(event: Event): boolean {
  return event.kind === 'read' && event.ordering !== 'plain';
}

/** Events in an arm of a condition whose own line is the series', where both ways meet again: a test that returns early puts nothing under it. */
function conditional(fn: CFunction, world: World): { event: Event; by: number }[] {
  const found: { event: Event; by: number }[] = [];
  const at = new Map(fn.events.map(e => [e.node, e]));
  for (const node of fn.flow) {
    const by = node.kind === 'branch' ? world.addedBy(fn.path, node.line) : null;
    const [yes, no] = node.next;
    if (by === null || yes === undefined || no === undefined) continue;
    const ways = [yes, no].map(n => new Set([n, ...nodesAfter(fn, n)]));
    const [a = new Set<number>(), b = new Set<number>()] = ways;
    if (![...a].some(n => b.has(n) && fn.flow[n]?.kind !== 'exit')) continue;
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      for (const n of one) {
        const event = other.has(n) ? undefined : at.get(n);
        if (event) found.push({ event, by });
      }
  }
  return found;
}
