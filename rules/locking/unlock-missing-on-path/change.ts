/** Paths that a change lets end with a lock held: its release is removed, or it is taken above an early return. */
import { type LeftOpen, leftOpen, lockText } from '../../../src/c/query.ts';
import type { CFunction, Event, Place } from '../../../src/model/code.ts';
import type { Changes, Remark } from '../../../src/model/rule.ts';

/** What is said of each lock that the change leaves held where a path ends, with the place and the patch. */
export function left(before: CFunction, after: CFunction, series: Changes): { place: Place; addedBy: number | null; remark: Remark }[] {
  const parts = series.functions.filter(c => [c.before, c.after].some(f => f?.name === after.name && f.path === after.path));
  const open = leftOpen({
    before,
    after,
    parts,
    lineNow: line => series.lineNow(before.path, line),
    stays: series.stays,
    functions: series.after.functions,
  });
  const told = new Set<string>();
  return open.flatMap(found => {
    const { lock, from, release, exit } = found;
    const key = `${lock}|${release?.line ?? exit.line}`;
    if (told.has(key) || isCallersNow(after, found, series) || isHandedOn(found, series)) return [];
    told.add(key);
    const name = lock === 'context:rcu-read' ? 'the RCU read lock' : lockText(lock, from ?? release ?? undefined);
    const at: Place = release && found.cut ? release : { path: after.path, line: exit.line, side: after.side };
    const returns = exit.returned === undefined ? 'returns' : `returns ${exit.returned}`;
    const remark: Remark = {
      message:
        release && found.cut
          ? `${release.api}() is removed, and ${after.name}() runs on with ${name} held`
          : `${after.name}() ${returns} with ${name} held${release ? `, since ${release.api}() is removed` : ''}`,
      detail: [
        release
          ? `${release.api}() ended the critical section on this path before, and nothing in view does now`
          : `${from?.api ?? 'the lock'}() stands above this return now, and nothing between them releases it`,
      ],
      question: `What releases ${name} on this path?`,
      dismissal: `Not an issue if a function called on this path releases ${name}, or if callers do where they see this result`,
      related: [
        ...(from ? [{ path: from.path, line: from.line, side: from.side, note: 'acquired here' }] : []),
        ...(release ? [{ path: release.path, line: release.line, side: release.side, note: 'released here before' }] : []),
      ],
      quote: [...(from ? [from] : []), ...(release ? [release] : []), ...(found.cut ? [] : [at])],
      ...(from && !found.cut ? {} : { severity: 'warning' as const, confidence: 'medium' as const }),
      shape: `${after.name}|${lock}`,
    };
    return [{ place: at, addedBy: release?.addedBy ?? from?.addedBy ?? null, remark }];
  });
}

/** A caller in view gains a release of the lock: the function returns with it held, and means to. */
function isCallersNow(after: CFunction, { lock }: LeftOpen, series: Changes): boolean {
  const name = /\w+$/.exec(lock)?.[0];
  return series.after.callers(after.name).some(c => c.fn.events.some(e => e.kind === 'unlock' && e.addedBy !== null && lastWord(e.args[0]) === name));
}

/**
 * Where the acquisition is out of view: the series releases the lock in another function now, or no longer takes it in one, which may be the one
 * that took it here.
 */
function isHandedOn({ lock, from, release }: LeftOpen, series: Changes): boolean {
  const name = /\w+$/.exec(lock)?.[0];
  if (from !== null || !release) return false;
  const changed = (e: Event, kind: Event['kind']) => e.kind === kind && e.addedBy !== null && (e.api === release.api || lastWord(e.args[0]) === name);
  return series.functions.some(
    c => c.before?.events.some(e => changed(e, 'lock') && series.stays(e) === null) || c.after?.events.some(e => changed(e, 'unlock')),
  );
}

function lastWord(arg: string | undefined): string | undefined {
  return /\w+(?=\W*$)/.exec(arg ?? '')?.[0];
}
