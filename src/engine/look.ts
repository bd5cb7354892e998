/** Runs the rules over one state of the code. */

import { type ParseCache, worldOf } from '../analysis/world.ts';
import { asWritten, called, standsHere } from '../c/calls/callees.ts';
import { cellKey } from '../c/lower/cells.ts';
import type { Image } from '../c/text/images.ts';
import type { CFunction, Event } from '../model/code.ts';
import type { Remark, Report, Rule, Use, World } from '../model/rule.ts';
import type { Patch, Problem } from '../model/series.ts';
import type { UserFacts } from '../model/userfacts.ts';
import { declaredTies } from './declared.ts';
import type { Raised } from './raised.ts';

/** The world that the images make, with what the user declares of it. */
export function worldWith(
  images: Image[],
  patches: (Patch | null)[],
  cache: ParseCache,
  facts: UserFacts,
  side: CFunction['side'] = 'new',
): { world: World; problems: Problem[] } {
  const { world, problems } = worldOf(images, patches, cache, side);
  if (facts.invariants.length > 0) {
    const keys = new Set(world.functions.flatMap(fn => fn.events.flatMap(e => (e.cell ? cellKey(e.cell) : []))));
    const known = new Set(world.ties.map(t => t.keys.join()));
    world.ties.push(...declaredTies(facts, keys).filter(t => !known.has(t.keys.join())));
  }
  return { world, problems };
}

/** What the rules say of the world; with `only`, of the files of those paths, the others being there to be known. A rule that fails is a problem. */
export function look(
  world: World,
  rules: readonly Rule[],
  only: ReadonlySet<string> | null = null,
  onStep?: (step: string) => void,
): { raised: Raised[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const raised: Raised[] = [];
  const wanted = (path: string) => only === null || only.has(path);
  const subjects = rules.some(r => r.checkCell)
    ? subjectsOf(world).filter(s => s.uses.some(u => wanted(u.fn.path) && !u.fn.outside && standsHere(u.event)))
    : [];
  for (const [i, rule] of rules.entries()) {
    onStep?.(`rule ${i + 1}/${rules.length}, ${rule.id}`);
    const report: Report = (at, remark: Remark) => {
      const here = at.fn.outside ? (inSeries(remark) ?? at) : at;
      const place = 'event' in here ? here.event : here.place;
      const addedBy = 'event' in here ? here.event.addedBy : here.addedBy === undefined ? here.fn.addedBy : here.addedBy;
      const { path, line, side } = place;
      const event = 'event' in here ? here.event : null;
      if (wanted(path)) raised.push({ rule, fn: here.fn, place: { path, line, side }, event, addedBy, remark, world });
    };
    const attempt = (what: string, run: () => void) => {
      try {
        run();
      } catch (error) {
        problems.push(failed(rule, what, error));
      }
    };
    if (rule.checkFile)
      for (const file of world.files) if (wanted(file.path) && !file.outside) attempt(file.path, () => rule.checkFile?.(file, report, world));
    if (rule.checkFunction)
      for (const fn of world.functions)
        if (wanted(fn.path) && !fn.outside) attempt(`${fn.path}, ${fn.name}()`, () => rule.checkFunction?.(fn, report, world));
    if (rule.checkCell) for (const s of subjects) attempt(s.subject.key, () => rule.checkCell?.(s.subject, s.uses, report, world));
  }
  return { raised: ofTheirOwn(raised), problems };
}

/**
 * What is said of a function's own code. What the review of an expanded helper says is not said again at its callers; and
 * a helper beside a caller that it is expanded into is one function, not two.
 */
function ofTheirOwn(raised: readonly Raised[]): Raised[] {
  const said = new Set(
    raised.map(
      ({ rule, fn, event, place: { path, line } }) =>
        `${rule.id} ${event?.via ? `${fn.name} ${event.via.path} ${event.via.line}` : `${path} ${line}`}`,
    ),
  );
  return raised.filter(({ rule, fn, event, remark }) => {
    const via = event?.via;
    if (via && said.has(`${rule.id} ${via.path} ${via.line}`)) return false;
    // A helper in a helper: the outer one has said it.
    if (via && said.has(`${rule.id} ${called(asWritten(fn, event))} ${via.path} ${via.line}`)) return false;
    const threads = remark.claim?.threads ?? [];
    return !threads.some(({ fn, events }) =>
      events.some(({ via }) => via && threads.some(t => t.fn !== fn && t.fn.name === via.function && t.fn.path === via.path)),
    );
  });
}

/** The place of a claim that the series brings or shows, where the rule names one that stands in the tree alone. */
function inSeries(remark: Remark): { event: Event; fn: CFunction } | null {
  const own = remark.claim?.threads.filter(t => !t.fn.outside) ?? [];
  for (const { fn, events } of own) {
    const event = events.find(e => e.addedBy !== null) ?? events[0];
    if (event) return { event, fn };
  }
  return null;
}

/** A rule's crash as a problem of the input: it hides nothing else. */
export function failed(rule: Rule, where: string, error: unknown): Problem {
  return { severity: 'odd', where, message: `the rule ${rule.id} failed: ${error instanceof Error ? error.message : String(error)}` };
}

/** Every cell, and every pair that an invariant ties, with all its uses. */
function subjectsOf(world: World) {
  const uses = new Map<string, Use[]>();
  for (const fn of world.functions) {
    for (const event of fn.events) {
      if (!event.cell) continue;
      const key = cellKey(event.cell);
      const list = uses.get(key);
      if (list) list.push({ fn, event, side: 0 });
      else uses.set(key, [{ fn, event, side: 0 }]);
    }
  }
  const cells = [...uses].map(([key, list]) => ({ subject: { tie: null, key }, uses: list.sort(ownFirst) }));
  const pairs = world.ties.map(tie => {
    const all = tie.keys.flatMap((key, side) => (uses.get(key) ?? []).map(u => ({ ...u, side: side === 0 ? (0 as const) : (1 as const) })));
    return { subject: { tie, key: tie.keys.join(' & ') }, uses: all.filter(u => !isOfPairHelper(u, all)).sort(byPlace) };
  });
  return [...cells, ...pairs];
}

/** Is the use that of a helper in view which uses both cells itself? The pair is the helper's then, and not its callers'. */
function isOfPairHelper({ event: { via } }: Use, all: readonly Use[]): boolean {
  if (!via || via.isMacro) return false;
  const sides = all.filter(u => u.fn.name === via.function && u.fn.path === via.path && standsHere(u.event)).map(u => u.side);
  return sides.includes(0) && sides.includes(1);
}

/** What a helper does stands in the helper before it stands at its calls. */
function ownFirst(a: Use, b: Use): number {
  return Number(!standsHere(a.event)) - Number(!standsHere(b.event));
}

function byPlace(a: Use, b: Use): number {
  return a.fn.path < b.fn.path ? -1 : a.fn.path > b.fn.path ? 1 : a.fn.line - b.fn.line || a.event.index - b.event.index;
}
