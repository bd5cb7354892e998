import {
  begins,
  type ContextFamily,
  called,
  comesBefore,
  effectOfKind,
  guardsAt,
  heldOnEntry,
  holds,
  isHandedOver,
  isMadeHere,
  isTest,
  isUseOf,
  lastMember,
  likelyEffect,
  onward,
  placeOf,
  readAfterFree,
  releasesSection,
  retirementsOf,
  returnedAt,
  runsInSoftirq,
  type Section,
  takesReference,
} from '../../src/analysis/query.ts';
import type { CFunction, Event } from '../../src/model/code.ts';
import type { AssumedStep, Claim, Rule, World } from '../../src/model/rule.ts';
import { examples } from './protected-pointer-escapes/examples.ts';

export default {
  id: 'protected-pointer-escapes',
  title: 'A pointer that is valid only inside a read-side critical section is used after it',
  why: `
    What rcu_dereference() or a lookup under RCU returns stays allocated until the end of the read-side critical section in which it was
    obtained, and no longer: the updater's grace period does not wait for this reader any more. The same holds for a page table that is
    walked with interrupts disabled. What is needed longer wants a reference, or a lock that the updater takes, before the section ends.
    Where no updater is visible the claim assumes one, and where the pointer is returned, a caller that dereferences it.`,
  severity: 'warning',
  confidence: 'high', // Medium where the pointer is only returned: callers may have a section of their own.
  finds: ['rcu-misuse', 'pgtable-tlb', 'use-after-handover'],
  references: [
    'Documentation/RCU/checklist.rst, item 2',
    'Documentation/RCU/rcuref.rst',
    'Documentation/RCU/rcu_dereference.rst, WHICH MEMBER OF THE rcu_dereference() FAMILY SHOULD YOU USE?',
  ],
  knownGaps: [
    'a read-side critical section of the caller is not seen, and makes the pointer valid after all',
    'of the many lookups under RCU only a few are known to return a pointer without a reference',
  ],
  examples,
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || isTest(fn)) return;
    if (/\b(?:rcu_read_lock|RCU|rcu)\b/.test(fn.doc?.text ?? '')) return;
    // What all callers hold may be what the updater takes, and where they keep interrupts or preemption off they are readers themselves.
    const entry = heldOnEntry(fn, world);
    if (entry.context.some(isSection) || runsInSoftirq(fn, world)) return;
    const told = new Set<string>();
    for (const source of fn.events) {
      const [word, section] = [sectionOf(source), sectionAt(source)];
      const pointer = source.into;
      if (word === null || section === null || pointer === null || told.has(pointer)) continue;
      // Nobody else replaces what hangs on an object that this function has made for itself.
      if (isMadeHere(fn, source)) continue;
      // Whether a lock keeps the updater away, the checker says.
      const locked = isLocked(fn, source, source, world);
      if (locked && source.locks.length + source.maybeLocks.length === 0) continue;
      const names = [pointer, ...(source.cell && source.cell.path !== '*' ? [placeOf(source.cell)] : [])];
      const variables = [pointer];
      // Where something may keep it on one way, a flag may lead the others elsewhere.
      const kept = (e: Event) => keeps(e, pointer) || names.some(name => takesReference(e, name));
      if (fn.events.some(e => comesBefore(fn, source, e) && (kept(e) || keepsOwner(fn, e, pointer) || marksUse(e, source, section)))) continue;
      // Who stores to the pointer is its updater, and keeps others away by something else.
      const place = source.cell && placeOf(source.cell);
      if (place !== null && fn.events.some(e => (e.kind === 'publish' || e.kind === 'write') && e.cell !== null && placeOf(e.cell) === place))
        continue;
      for (const end of onward(fn, source, { variables, alive: pointer, result: true }).events) {
        if (!isEnd(fn, end, section) || (isLocked(fn, source, end, world) && !locked) || nested(fn, source, section)) continue;
        const left = onward(fn, end, { variables, alive: pointer });
        const use = left.events.find(
          e => !holds(e.context, section) && (locked || !isLocked(fn, source, e, world)) && !hasOtherSection(e, word) && uses(e, pointer, names),
        );
        // A function that gives no pointer tells no more than whether there was one.
        const exit = use || !fn.head.includes('*') ? undefined : left.exits.find(node => returnedAt(node) === pointer);
        if ((!use && !exit) || (left.gap && !fn.whole && !use)) continue;
        const seen = use && word === 'rcu-read' ? claimOf(fn, source, use, pointer, world, locked) : null;
        if (locked && !seen) continue;
        const claim = seen ?? assumed(fn, source, use ?? null, end, pointer, word);
        told.add(pointer);
        const ending = word === 'irqs-off' ? 'interrupts are enabled again' : end.ends ? `the scope of ${called(end)}` : `${called(end)}()`;
        const place = use ?? { path: fn.path, line: exit?.line ?? end.line, side: fn.side };
        report(use ? { event: use, fn } : { place, fn }, {
          message: use
            ? `${fn.name}() uses ${pointer} after ${ending}, which ends the protection of what ${called(source)}() returned`
            : `${fn.name}() returns ${pointer} after ${ending}, which ends the protection of what ${called(source)}() returned`,
          question: `What keeps ${pointer} valid after the section, and does it need a reference taken inside?`,
          dismissal: use
            ? `Not an issue if the caller is in such a section itself, or holds what keeps ${pointer} alive`
            : 'Not an issue if all callers are in such a section themselves, or only compare the pointer',
          related: [
            { path: source.path, line: source.line, side: source.side, note: 'found here' },
            { path: end.path, line: end.line, side: end.side, note: 'section ends here' },
          ],
          quote: [source, end, place],
          advice: [word === 'irqs-off' ? 'Move the use into the section' : 'Move the use into the section, or take a reference there'],
          ...(use ? {} : { confidence: 'medium' as const }),
          claim,
        });
        break;
      }
    }
  },
} satisfies Rule;

/** The function against an updater in view that frees what the pointer held. */
function claimOf(fn: CFunction, load: Event, use: Event, pointer: string, world: World, locked: boolean): Claim | null {
  const [retirement] = retirementsOf(load, world.functions).filter(r => r.fn !== fn);
  if (!retirement) return null;
  const inside = { kind: 'section' as const, event: use, text: 'Moving the use into the section' };
  const waits = { kind: 'grace-period' as const, event: retirement.free, text: '' };
  return readAfterFree({ fn, load, use, pointer }, retirement, {
    edits: [inside, { kind: 'both', edits: [inside, waits], text: 'Moving the use into the section with a grace period before the free' }],
    stands: !locked,
  });
}

/** The function against an updater out of view, and where the pointer is returned with a caller who looks into it. */
function assumed(fn: CFunction, source: Event, use: Event | null, end: Event, pointer: string, word: 'rcu-read' | 'srcu-read' | 'irqs-off'): Claim {
  const name = pointer.replace(/#\d+$/, '');
  const there = `${name} to be found`;
  const how =
    use === null
      ? `returns to the caller, which dereferences ${name}`
      : use.kind === 'call'
        ? `passes ${name} to ${called(use)}()`
        : `dereferences ${name}`;
  const looks = { before: how, after: use?.kind === 'call' ? `passes ${name}, which is freed, to ${called(use)}()` : `${how}, which is freed` };
  const later: AssumedStep = { does: 'read', cell: name, says: looks };
  const free: AssumedStep = { does: 'write', cell: name, says: { before: '', after: `frees ${name}` } };
  const waits = word === 'irqs-off' ? 'waits for the CPUs that have interrupts disabled' : 'waits for a grace period';
  return {
    threads: [{ fn, events: [source, use ?? end], ...(use ? {} : { then: [later] }) }],
    others: [
      {
        who: `an updater of ${name}`,
        does: [
          { does: 'write', cell: there, value: 0, says: { before: '', after: `unpublishes ${name}` } },
          { does: 'grace-period', says: { before: '', after: waits } },
          free,
        ],
      },
    ],
    ...(word === 'rcu-read' ? {} : { section: word }),
    bad: {
      kind: 'sees',
      reads: [
        { read: source, from: 'before' },
        { read: use ?? later, from: free },
      ],
    },
    meanings: [
      { event: source, access: 'read', cell: there, ordering: 'relaxed', says: { before: `finds ${name}`, after: `does not find ${name}` } },
      ...(use ? [{ event: use, access: 'read' as const, cell: name, ordering: 'relaxed' as const, says: looks }] : []),
    ],
    edits: [{ kind: 'section', event: use ?? later, text: use ? 'Moving the use into the section' : 'Such a section in the caller as well' }],
    assumes: [`an updater unpublishes ${name}, ${waits} and frees it`, ...(use ? [] : [`the caller dereferences ${name}`])],
    stands: true,
  };
}

/** The section that keeps what the event gives; null where none does. */
function sectionOf(event: Event): 'rcu-read' | 'srcu-read' | 'irqs-off' | null {
  const section = effectOfKind(event, 'consume')?.section;
  return section === 'rcu-read' || section === 'srcu-read' || section === 'irqs-off' ? section : null;
}

/** The section that the event is in: of several of SRCU the one of the srcu_struct that it names; null where it is in none of them. */
function sectionAt(event: Event): Section | null {
  const word = sectionOf(event);
  const open = event.context.filter(c => c.family === word);
  const named = /(\w+)\W*$/.exec(event.args[1] ?? '')?.[1];
  if (word !== 'srcu-read' || named === undefined) return open[0] ?? null;
  return open.find(c => c.object === null || lastMember(c) === named) ?? null;
}

function isEnd(fn: CFunction, event: Event, section: Section): boolean {
  if (!holds(event.context, section) || !releasesSection(fn, event, section)) return false;
  // Page tables are walked under what only disables interrupts.
  return section.family !== 'irqs-off' || event.kind !== 'unlock';
}

/** More than one section of the kind is open at the source. */
function nested(fn: CFunction, source: Event, section: Section): boolean {
  if (section.family === 'irqs-off') return false;
  let depth = 0;
  for (const event of fn.events) {
    if (!comesBefore(fn, event, source)) continue;
    if (begins(fn, event, section)) depth++;
    else if (releasesSection(fn, event, section)) depth--;
  }
  return depth > 1;
}

/** A lock is held at the place that may be one of the object which the source reads, or of what it gives. */
function isLocked(fn: CFunction, source: Event, { locks, maybeLocks }: Event, world: World): boolean {
  return guardsAt({ fn, event: { ...source, locks, maybeLocks } }, world).own !== null;
}

/**
 * Bottom halves, preemption or interrupts off make a section too (Documentation/RCU/whatisRCU.rst, rcu_read_lock()). A section of another srcu_struct
 * keeps nothing of this one.
 */
function hasOtherSection(event: Event, word: ContextFamily): boolean {
  return event.context.some(c => isSection(c) && !(word === 'srcu-read' && c.family === word));
}

const READERS: ReadonlySet<string | null> = new Set(['bh-off', 'preempt-off', 'irqs-off', 'rcu-read', 'srcu-read']);

function isSection(context: Section): boolean {
  return READERS.has(context.family);
}

/** Something that may keep the object: a module, a part of it, or a helper that takes what it is given. */
function keeps(event: Event, pointer: string): boolean {
  return takesSome(event) && event.args.some(arg => new RegExp(`\\b${pointer.replace(/#\d+/, '')}\\b`).test(arg));
}

/** A reference to something is taken. */
function takesSome(event: Event): boolean {
  const ref = likelyEffect(event, 'ref');
  return ref !== undefined && ref.by !== 'put';
}

/** A reference to something that a call gave out for the pointer, and that may own it: `try_get(owner)` behind `take_from(p->pool, &owner)`. */
function keepsOwner(fn: CFunction, event: Event, pointer: string): boolean {
  const owner = likelyEffect(event, 'ref')?.by === 'get-unless-zero' ? event.args.find(arg => /^\w+$/.test(arg)) : undefined;
  if (owner === undefined || !event.used) return false;
  const named = new RegExp(`\\b${pointer.replace(/#\d+/, '')}\\b`);
  return fn.events.some(
    e => comesBefore(fn, e, event) && e.args.some(arg => named.test(arg)) && e.args.some(arg => arg.replace(/^\(.*\)(?=&)/, '') === `&${owner}`),
  );
}

/**
 * A call, still inside the section, that is given a part of the object which the pointer stands in, or a count there that goes up: users of its own, or a
 * lock, that the updater may wait for before it frees: `use_lock_use(&synth->use_lock)`, whatever else is known of the call.
 */
function marksUse(event: Event, source: Event, section: Section): boolean {
  // A contract that a pointer is not kept says nothing of counts in what it points to.
  const isContract = event.fact?.contract !== undefined;
  if ((!isContract && (event.fact ?? event.inferred)?.keepsNothing) || !holds(event.context, section)) return false;
  // As written, and as what a copy stands for.
  const owners = [/^(.+)->\w+$/.exec(source.args[0] ?? '')?.[1], source.cell?.base];
  if (event.kind !== 'call' && event.operation !== 'inc') return false;
  return owners.some(owner => owner != null && event.args.some(arg => arg.startsWith(`&${owner}->`)));
}

function uses(event: Event, pointer: string, names: readonly string[]): boolean {
  // Who frees it is its updater.
  if (event.kind === 'free' || event.kind === 'rcu') return false;
  // Behind the place that it was loaded from may stand another copy of that.
  const written = new RegExp(`\\b${pointer.replace(/#\d+/, '')}\\b`).test(event.text);
  if (
    names.some(name => isUseOf(event, name) && (name === pointer || written)) ||
    event.args.some(arg => arg === `*${pointer}` || arg.startsWith(`${pointer}->`))
  )
    return true;
  // Printing and comparing the address is no use.
  return (
    event.kind === 'call' && isHandedOver(event, pointer) && !/trace|print|pr_|dbg|debug|warn|err|info|cmp|equal|same|log|_rcu$/i.test(event.api)
  );
}
