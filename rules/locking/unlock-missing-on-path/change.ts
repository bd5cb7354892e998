/** Paths that a change lets end with a lock held: its release is removed, or it is taken above an early return. */
import { called, type LeftOpen, leftOpen, lockKey, lockText } from '../../../src/analysis/query.ts';
import { type CFunction, type Event, type Place, UNNAMED } from '../../../src/model/code.ts';
import type { Changes, Remark } from '../../../src/model/rule.ts';

/** What is said of each lock that the change leaves held where a path ends, with the place and the patch. */
export function left(before: CFunction, after: CFunction, series: Changes): { place: Place; addedBy: number | null; remark: Remark }[] {
  // By another name it has a contract and callers of its own; what it leaves held is judged as of a new function.
  if (before.name !== after.name && before.name !== UNNAMED && after.name !== UNNAMED) return [];
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
    const key = `${lockKey(lock)}|${release?.line ?? exit.line}`;
    if (told.has(key) || isHandedOn(after, found, series)) return [];
    told.add(key);
    const name = lock.family === 'rcu-read' ? 'the RCU read lock' : lockText(lock, from ?? release ?? undefined);
    const at: Place = release && found.cut ? release : { path: after.path, line: exit.line, side: after.side };
    const returns = exit.returned === undefined ? 'returns' : `returns ${exit.returned}`;
    // Written anew elsewhere in the function it is moved, and this path does not pass it any more.
    const lost = release && (series.stays(release) ? `${called(release)}() is moved off this path` : `${called(release)}() is removed`);
    const remark: Remark = {
      message:
        release && found.cut
          ? `${lost}, and ${after.name === UNNAMED ? 'the function' : `${after.name}()`} runs on with ${name} held`
          : `${after.name === UNNAMED ? 'the function' : `${after.name}()`} ${returns} with ${name} held${lost ? `, since ${lost}` : ''}`,
      detail: [
        release
          ? `${called(release)}() ended the critical section on this path before, and nothing that the patch shows does now`
          : `${from ? called(from) : 'the lock'}() stands above this return now, and nothing between them releases it`,
      ],
      question: `What releases ${name} on this path?`,
      dismissal: `Not an issue if a function called on this path releases ${name}, or if callers do where they see this result`,
      related: [
        ...(from ? [{ path: from.path, line: from.line, side: from.side, note: 'acquired here' }] : []),
        ...(release ? [{ path: release.path, line: release.line, side: release.side, note: 'released here before' }] : []),
      ],
      quote: [...(from ? [from] : []), ...(release ? [release] : []), ...(found.cut ? [] : [at])],
      ...(from && !found.cut ? {} : { severity: 'warning' as const, confidence: 'medium' as const }),
      shape: `${after.name}|${lockKey(lock)}`,
    };
    return [{ place: at, addedBy: release?.addedBy ?? from?.addedBy ?? null, remark }];
  });
}

/**
 * Another function releases the lock now, without having acquired it: this one returns with it held, and means to. Where the acquisition is out of
 * view, any other function that gains a release, or no longer acquires the lock, may be what acquired it here.
 */
function isHandedOn(after: CFunction, { lock, from, release }: LeftOpen, series: Changes): boolean {
  const name = /\w+$/.exec(lockKey(lock))?.[0];
  const alike = (e: Event) =>
    e.api === release?.api || (e.args.length > 0 && lastWord(e.args[0]) === name) || e.api.replace('unlock', 'lock') === from?.api;
  return series.functions.some(c => {
    const gains = c.after !== after && c.after?.name !== after.name && c.after?.events.some(e => e.addedBy !== null && releases(e) && alike(e));
    if (from) return gains && !c.after?.events.some(e => e.api === from.api || (e.kind === 'lock' && lastWord(e.args[0]) === name));
    const loses = c.before?.events.some(e => e.kind === 'lock' && e.addedBy !== null && series.stays(e) === null && alike(e));
    return gains || loses;
  });
}

function releases(event: Event): boolean {
  return event.kind === 'unlock' || event.kind === 'rcu' || event.kind === 'fence';
}

function lastWord(arg: string | undefined): string | undefined {
  return /\w+(?=\W*$)/.exec(arg ?? '')?.[0];
}
