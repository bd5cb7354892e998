import {
  callersOf,
  comesBefore,
  heldAt,
  initialises,
  isAccess,
  isMadeHere,
  isOwn,
  isTest,
  keyOf,
  lastMember,
  runsAlone,
  type Section,
  section,
  standsHere,
} from '../../../src/analysis/query.ts';
import type { CFunction, Event } from '../../../src/model/code.ts';
import type { Rule, World } from '../../../src/model/rule.ts';
import { examples } from './examples.ts';

export default {
  id: 'declared-guard-not-held',
  title: 'A field is accessed without the lock that its declaration names as its guard',
  why: `
    __guarded_by(&lock) on a declaration is a contract: every plain access holds that lock, writes exclusively. The compiler checks it where context
    analysis is switched on; elsewhere nothing does. An access without the lock races with all that rely on the contract. Certain by inspection.`,
  severity: 'warning',
  confidence: 'high',
  finds: ['missing-lock'],
  references: [
    'Documentation/dev-tools/context-analysis.rst',
    'tools/memory-model/Documentation/access-marking.txt, Use of Plain C-Language Accesses',
  ],
  knownGaps: ['what __pt_guarded_by() guards is not followed', 'functions that are only partly visible are not checked'],
  examples,
  checkFunction(fn, report, world) {
    if (fn.isMacro || fn.broken || !fn.whole || isTest(fn) || runsAlone(fn, world) || isUnchecked(fn)) return;
    const told = new Set<string>();
    for (const event of fn.events) {
      const key = keyOf(event);
      const guard = key !== null && standsHere(event) && isPlain(event) ? world.guard(key) : null;
      if (!guard || guard.pointee || key === null || told.has(key) || isAlone(fn, event)) continue;
      const lock = section(null, guard.lock);
      if (setsUp(fn, event, lock)) continue;
      const held = heldAt(fn, event, world);
      const own = held.filter(one => mayBe(one, lock));
      const writes = fn.events.some(e => e.kind !== 'read' && e.line === event.line && keyOf(e) === key);
      if (own.some(one => one.mode === 'exclusive' || !writes) || event.maybeLocks.some(one => mayBe(one, lock)) || isByConvention(held)) continue;
      // A helper's callers are asked: one without the lock suffices, and where none is in view the contract would have to say so in the helper's head.
      if (own.length === 0 && allCallersHold(fn, lock, world)) continue;
      told.add(key);
      const name = event.cell?.path ?? '';
      const how = own.length > 0 ? `with ${guard.written} held for reading only` : `without ${guard.written}`;
      report(
        { event, fn },
        {
          message: `${fn.name}() ${writes ? 'writes' : 'reads'} ${name} ${how}, and its declaration says that the lock guards it`,
          question: `What keeps other CPUs from ${name} here?`,
          dismissal: `Not an issue if nobody else can reach the object yet, or if all callers of ${fn.name}() hold the lock; __must_hold() would say so`,
        },
      );
    }
  },
} satisfies Rule;

/** A plain access. What is marked, or inside of data_race(), is no data race. */
function isPlain(event: Event): boolean {
  return isAccess(event) && event.ordering === 'plain' && !event.uncertain && !event.unlocked;
}

/** Nobody else knows the object. */
function isAlone(fn: CFunction, event: Event): boolean {
  return event.object !== undefined || event.phase.length > 0 || isOwn(fn, event) || isMadeHere(fn, event);
}

/** The function has initialised the lock, so that the object is new. */
function setsUp(fn: CFunction, event: Event, lock: Section): boolean {
  return fn.events.some(e => initialises(e) && keyOf(e)?.replace(/^\|/, '').replace('|', '.') === lock.object && comesBefore(fn, e, event));
}

/** May it be that lock: its member has the same name, and its type is not known to be another? */
function mayBe(held: Section, lock: Section): boolean {
  return held.object === lock.object || lastMember(held) === lastMember(lock);
}

function isByConvention(held: readonly Section[]): boolean {
  return held.some(one => one.by === 'convention');
}

function allCallersHold(fn: CFunction, lock: Section, world: World): boolean {
  const sites = callersOf(fn, world) ?? world.callers(fn.name);
  return sites.length > 0 && sites.every(site => [...heldAt(site.fn, site.event, world), ...site.event.maybeLocks].some(one => mayBe(one, lock)));
}

/** Attributes by which a function is exempt from the contract (include/linux/compiler-context-analysis.h). */
const UNCHECKED: ReadonlySet<string> = new Set(['__no_context_analysis', '__context_unsafe']);

function isUnchecked({ attributes }: CFunction): boolean {
  return attributes.some(attribute => UNCHECKED.has(attribute.replace(/\(.*/, '')));
}
