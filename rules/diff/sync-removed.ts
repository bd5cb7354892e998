import { called, isTest } from '../../src/analysis/query.ts';
import type { Place } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';
import { lostBarrier } from './sync-removed/barrier.ts';
import { examples } from './sync-removed/examples.ts';
import { lostLock } from './sync-removed/lock.ts';
import { lostMarking, lostOrder } from './sync-removed/marking.ts';
import { lostReference } from './sync-removed/reference.ts';
import { lostSection } from './sync-removed/section.ts';
import { lostWriteSection } from './sync-removed/seqcount.ts';
import { viewOf } from './sync-removed/view.ts';
import { lostGrace, lostWait } from './sync-removed/wait.ts';

/** One for each kind of loss: what it says of an event that went, null where that one is no loss of its kind. */
const KINDS = [lostLock, lostWriteSection, lostSection, lostBarrier, lostMarking, lostOrder, lostReference, lostWait, lostGrace];

export default {
  id: 'sync-removed',
  title: 'Synchronisation is removed, and the code that it protected stays',
  why: `
    A lock, an RCU section, a barrier, a marked access, a reference or a wait for a handler is there for the statements around it. Where a
    series removes it and leaves those statements as they were, either they never needed it, which the log can say in one sentence, or
    something else must do its work from now on. The code after the patch does not show that, so the diff is the place to ask.`,
  severity: 'warning', // A note where nothing in view still relies on it.
  confidence: 'medium',
  finds: ['missing-lock', 'barrier-missing', 'plain-access', 'refcount-lifetime'],
  references: [
    'Documentation/memory-barriers.txt, LOCK ACQUISITION FUNCTIONS',
    'tools/memory-model/Documentation/access-marking.txt, ACCESS-MARKING OPTIONS',
    'Documentation/RCU/checklist.rst',
  ],
  knownGaps: [
    'a caller or callee that is not shown and protects the code now is not seen: the question is asked all the same',
    'the other side is looked for among the functions shown, by the type and the path of the cell: where it is not shown the question has no execution',
    'a lock that is removed from all functions of a cell at once is decided only where one of them updates it in one statement',
    'where the declaration or the initialisation of the lock itself is removed nothing is said, whether or not what is left suffices',
    'synchronisation that is replaced by another kind in the same function silences it, whether or not the other kind suffices',
  ],
  examples,
  checkChange(before, after, series, report) {
    if (!before || !after || isTest(after)) return;
    const view = viewOf(before, after, series);
    const seen = new Set<(typeof KINDS)[number]>();
    const sections = new Set<Place>();
    for (const event of view.removed) {
      for (const kind of KINDS) {
        const remark = seen.has(kind) ? null : kind(view, event);
        if (!remark) continue;
        seen.add(kind);
        // A lock and an RCU section around one statement are one loss, told of the first.
        const told = remark.quote?.find(p => p.side === 'new');
        if (told && (kind === lostLock || kind === lostSection)) {
          if (sections.has(told)) continue;
          sections.add(told);
        }
        const said = series.before
          .said(before, [called(event), event.api, 'lock\\w*', 'barrier', 'serialis\\w+', 'serializ\\w+', 'race\\w*'])
          .slice(0, 1);
        const partner = remark.claim?.threads.find(t => t.fn !== after);
        const related = partner?.events
          .slice(0, 1)
          .map(e => ({ path: e.path, line: e.line, side: e.side, note: `the other side, in ${partner.fn.name}()` }));
        report({ event, fn: before }, { said, ...(related ? { related } : {}), ...remark });
      }
    }
  },
} satisfies Rule;
