import {
  called,
  callersGive,
  failsAlong,
  initOrExit,
  isContext,
  type Leak,
  leaksOf,
  leavesByContract,
  lockKey,
  lockText,
  pieceLeaksOf,
  registrationsOf,
} from '../../src/analysis/query.ts';
import type { CFunction, FlowNode } from '../../src/model/code.ts';
import type { Rule, World } from '../../src/model/rule.ts';
import { left } from './unlock-missing-on-path/change.ts';
import { examples } from './unlock-missing-on-path/examples.ts';

export default {
  id: 'unlock-missing-on-path',
  title: 'A return path misses an unlock that the other paths have',
  why: `
    A return path without the unlock leaves the lock held forever: the next task that wants it hangs, and an RCU read-side critical section,
    or disabled interrupts, stay as they are. The usual place is an error return added later, between lock and unlock.`,
  severity: 'error',
  confidence: 'high',
  finds: ['lock-imbalance'],
  references: ['include/linux/cleanup.h, scope-based cleanup helpers', 'Documentation/dev-tools/context-analysis.rst, Keywords'],
  knownGaps: [
    'a function with no unlock on any path is assumed to return with the lock held',
    'a function that is not visible counts as an unlock if its name says so',
    'where a patch shows only part of the function, only the return of an errno right beside the path to the unlock is reported',
    'an unlock that a patch removes is reported only if the facts know the lock, and nothing that the patch adds may release it',
    'two locks of one class held at once are followed by the member alone, so their imbalance is not reported',
  ],
  examples,
  checkFunction(fn, report, world) {
    const told = new Set<string>();
    for (const { lock, exit, release } of pieceLeaksOf(fn, world.functions)) {
      // Only what is new: of the old ways nothing is known but that they have stood.
      const addedBy = world.addedBy(fn.path, exit.line);
      if (addedBy === null || isMisled(fn, exit.line) || told.has(`${exit.line}`)) continue;
      told.add(`${exit.line}`);
      const name = lockText(lock, release);
      report(
        { place: { path: fn.path, line: exit.line, side: fn.side }, fn, addedBy },
        {
          message: `${fn.name}() returns ${exit.returned} without the unlock of ${name} that the path around it has`,
          detail: [`${name} is not acquired in between, so it is still held at the return, if it was acquired above the lines shown`],
          question: `Is ${name} held here, and what releases it on this path?`,
          dismissal: `Not an issue if ${name} was acquired by the caller, which releases it on failure`,
          related: [{ path: fn.path, line: release.line, side: fn.side, note: 'released here on the path around the return' }],
          quote: [{ path: fn.path, line: exit.line, side: fn.side }, release],
          severity: 'warning',
          confidence: 'medium',
          shape: `${fn.name}|${lockKey(lock)}`,
        },
      );
    }
    for (const leak of leaksOf(fn, world.functions)) {
      if (isContract(fn, leak, world) || isMisled(fn, leak.exit.line)) continue;
      const key = `${lockKey(leak.taking.lock)}|${leak.line}`;
      if (told.has(key)) continue;
      told.add(key);
      const name = nameOf(leak);
      const [release] = leak.releases;
      const exit = leak.exit.returned === undefined ? 'returns' : `returns ${leak.exit.returned}`;
      const sure = leak.exit.returned === undefined || isError(leak.exit.returned, fn) || failsOn(leak, fn);
      report(
        leak.event
          ? { event: leak.event, fn }
          : { place: { path: fn.path, line: leak.line, side: fn.side }, fn, addedBy: world.addedBy(fn.path, leak.line) },
        {
          message: `${fn.name}() ${exit} with ${OFF[leak.taking.lock.family ?? ''] ?? `${name} held`}`,
          detail: [`${called(leak.from)}() acquires it, and the other return paths release it`],
          question: `What releases ${name} on this path?`,
          dismissal: `Not an issue if a function called on this path releases ${name}, or if callers do so on this result`,
          related: [
            { path: fn.path, line: leak.from.line, side: fn.side, note: 'acquired here' },
            ...(release ? [{ path: fn.path, line: release.line, side: fn.side, note: 'released here on another path' }] : []),
          ],
          quote: [
            { path: fn.path, line: leak.from.line, side: fn.side },
            { path: fn.path, line: leak.line, side: fn.side },
          ],
          ...(sure ? {} : { confidence: 'medium' as const }),
          shape: `${fn.name}|${lockKey(leak.taking.lock)}`,
        },
      );
    }
  },
  checkChange(before, after, series, report) {
    if (!before || !after) return;
    for (const { place, addedBy, remark } of left(before, after, series)) report({ place, fn: after, addedBy }, remark);
  },
} satisfies Rule;

/** The return is not where its indentation says: that it keeps a lock is what comes of it. */
function isMisled(fn: CFunction, line: number): boolean {
  return fn.shape.misled?.some(m => m.next === line) ?? false;
}

const OFF: Record<string, string> = {
  'irqs-off': 'interrupts disabled',
  'preempt-off': 'preemption disabled',
  'bh-off': 'bottom halves disabled',
};

function nameOf(leak: Leak): string {
  const { lock } = leak.taking;
  if (lock.family === 'rcu-read') return 'the RCU read lock';
  return isContext(lock) ? `the effect of ${called(leak.from)}()` : lockText(lock, leak.from);
}

/** Does the function return with the lock where its result tells so: callers give it back, or only its failures do? */
function isContract(fn: CFunction, leak: Leak, world: World): boolean {
  const entry = neverLocked(fn, world);
  const failing = isError(leak.exit.returned, fn) || failsOn(leak, fn);
  // A variable that need not hold an error may well tell the caller.
  if (!failing && /^[a-z_]\w*$/.test(leak.exit.returned ?? '')) return true;
  // What disables preemption for its caller says by its result that it has.
  if (!failing && leak.exit.returned !== undefined && isContext(leak.taking.lock) && leak.taking.lock.family !== 'rcu-read') return true;
  if (leavesByContract(fn)) return true;
  if (entry) return false;
  const given = leak.released;
  // Callers can tell the ways apart, and the one that keeps the lock is no failure.
  if (!failing && leak.exit.returned !== undefined && given.every(exit => differ(exit, leak.exit, fn))) return true;
  return callersGive(fn, leak.taking.lock, world);
}

/** Does the returned variable surely hold an error on the way? */
function failsOn(leak: Leak, fn: CFunction): boolean {
  const variable = leak.exit.returned ?? '';
  return /^[a-z_]\w*$/.test(variable) && failsAlong(fn, variable, leak.way);
}

function differ(released: FlowNode, kept: FlowNode, fn: CFunction): boolean {
  if (released === kept) return false;
  if (isError(released.returned, fn)) return true;
  const constant = /^(?:-?\d+|true|false|NULL|[A-Z][A-Z0-9_]*)$/;
  const [a, b] = [released.returned ?? '', kept.returned ?? ''];
  return a !== b && (constant.test(a) || constant.test(b));
}

function isError(returned: string | undefined, fn: CFunction): boolean {
  if (returned === undefined) return false;
  return (
    /^\(?-\s*(?:E[A-Z0-9]+|\d+)\)?$|^(?:ERR_PTR|PTR_ERR|ERR_CAST|dev_err_probe)\b/.test(returned) || (returned === 'NULL' && fn.head.includes('*'))
  );
}

/** Functions that the kernel runs by a table or as a handler never return with a lock, but for the members of which that is known. */
function neverLocked(fn: CFunction, world: World): boolean {
  if (/\birqreturn_t\b/.test(fn.head) || initOrExit(fn) !== null) return true;
  return registrationsOf(fn, world).some(({ fact }) => fact !== null && !fact.keepsLock);
}
