/** The closed list of edits, each done to the steps of a draft. */
import type { FenceKind } from '../lkmm/litmus.ts';
import type { Event } from '../model/code.ts';
import type { Edit } from '../model/rule.ts';
import { type Draft, LANE, stepFor, stepOf, type ThreadAct, type ThreadStep, writes } from './draft.ts';

/** The draft with the edit; null where the draft has no place for it. The draft itself is left as it is. */
export function edited(draft: Draft, edit: Edit): Draft | null {
  const copy: Draft = {
    ...draft,
    locations: draft.locations.map(l => ({ ...l })),
    threads: draft.threads.map(t => ({ ...t, steps: t.steps.map(s => ({ ...s, act: { ...s.act } })) })),
  };
  return apply(copy, edit) ? copy : null;
}

function apply(draft: Draft, edit: Edit): boolean {
  switch (edit.kind) {
    case 'both':
      return edit.edits.every(e => apply(draft, e));
    case 'lock':
      return lock(draft);
    case 'one-word':
      return oneWord(draft);
    default:
      break;
  }
  const threads = draft.threads.flatMap((_, i) =>
    // A thread that comes by one of the two alone has nothing to move.
    stepOf(draft, edit.event, undefined, i) && (edit.kind !== 'move' || stepOf(draft, edit.to, undefined, i)) ? [i] : [],
  );
  return threads.length > 0 && threads.every(i => applyIn(draft, i, edit));
}

/** An edit at an event, in one of the threads that run it. */
function applyIn(draft: Draft, thread: number, edit: Extract<Edit, { event: unknown }>): boolean {
  const found = stepOf(draft, edit.event, undefined, thread, 'cell' in edit ? edit.cell : undefined);
  if (!found) return false;
  const { step, at } = found;
  const steps = draft.threads[found.thread]?.steps ?? [];
  const fence = (kind: FenceKind): ThreadStep => ({ ...stepFor(null, { op: 'fence', fence: kind }), when: step.when });
  switch (edit.kind) {
    case 'fence':
      steps.splice(
        edit.where === 'before' ? firstOf(steps, edit.event) : lastOf(steps, edit.event) + 1,
        0,
        fence(edit.fence === 'full' ? 'mb' : edit.fence),
      );
      return true;
    case 'grace-period':
      steps.splice(at, 0, fence('sync-rcu'));
      return true;
    case 'read-section': {
      const ends = lastOf(steps, edit.to);
      if (ends < at) return false;
      steps.splice(ends + 1, 0, fence('rcu-unlock'));
      steps.splice(firstOf(steps, edit.event), 0, fence('rcu-lock'));
      return true;
    }
    case 'order':
      if (!('order' in step.act)) return false;
      if (step.act.op === 'store' && edit.ordering === 'full') steps.splice(at + 1, 0, fence('mb'));
      else step.act = { ...step.act, order: edit.ordering, ...(step.act.op === 'rmw' ? { atomic: true } : {}) } as ThreadAct;
      return true;
    case 'move': {
      const target = stepOf(draft, edit.to, undefined, thread);
      if (!target || (edit.effect && target.step.register === null)) return false;
      steps.splice(at, 1);
      steps.splice(edit.where === 'before' ? firstOf(steps, edit.to) : lastOf(steps, edit.to) + 1, 0, {
        ...step,
        when: [
          ...step.when.filter(g => target.step.when.some(w => w.register === g.register)),
          ...(edit.effect && target.step.register !== null ? [{ register: target.step.register, test: 'nonzero' as const }] : []),
        ],
      });
      // What the step decided, and what now stands before it, runs in any case.
      for (const earlier of steps.slice(
        0,
        steps.findIndex(x => x.event === edit.event),
      ))
        if (earlier.when.some(g => g.register === step.register)) earlier.when = earlier.when.filter(g => g.register !== step.register);
      return true;
    }
    case 'reuse': {
      const first = stepOf(draft, edit.first, 'read', thread);
      if (!first?.step.register || first.at >= at || step.act.op !== 'load' || step.register === null) return false;
      step.act = { op: 'copy', location: step.act.location, register: first.step.register };
      return true;
    }
    case 'join': {
      const write = stepOf(draft, edit.write, 'write', thread);
      if (!write || write.at <= at || step.act.op !== 'load' || step.register === null) return false;
      const { act } = write.step;
      if (act.op !== 'rmw' && act.op !== 'store') return false;
      const [update, operand] = act.op === 'rmw' ? [act.update, act.operand] : (['=', act.value] as const);
      step.act = { op: 'rmw', location: act.location, order: 'full', update, operand, gives: 'old', mask: step.act.mask, atomic: true };
      if (write.step.event) step.joins = write.step.event;
      steps.splice(write.at, 1);
      return true;
    }
    case 'section': {
      const end = steps.findLastIndex((s, i) => i < at && (s.act.op === 'unlock' || (s.act.op === 'fence' && s.act.fence === 'rcu-unlock')));
      if (end < 0) return false;
      steps.splice(at, 1);
      steps.splice(end, 0, step);
      return true;
    }
    case 'reference': {
      if (step.act.op !== 'rmw') return false;
      const act: ThreadAct = { ...step.act, update: '+', operand: 1, gives: 'none', order: 'relaxed' };
      steps.unshift(stepFor(null, act));
      return true;
    }
    case 'unless-zero': {
      if (step.act.op !== 'rmw' || step.act.update !== '+' || step.act.operand === null) return false;
      const register = step.register ?? `u${at}`;
      step.act = { op: 'add-unless', location: step.act.location, order: 'full', operand: step.act.operand, unless: 0 };
      step.register = register;
      for (const later of steps.slice(at + 1)) {
        if (later.event !== null && later.act.op !== 'unlock') later.when = [...later.when, { register, test: 'nonzero' }];
      }
      return true;
    }
  }
}

/** An event may have become several steps. */
function firstOf(steps: ThreadStep[], event: Event): number {
  return steps.findIndex(s => s.event === event);
}

function lastOf(steps: ThreadStep[], event: Event): number {
  return steps.findLastIndex(s => s.event === event);
}

function lock(draft: Draft): boolean {
  const location = draft.locations.length;
  draft.locations.push({ name: draft.locations.some(l => l.name === 'l') ? 'new_lock' : 'l', type: 'spinlock_t', initial: 0 });
  for (const thread of draft.threads) {
    thread.steps.unshift(stepFor(null, { op: 'lock', location }));
    thread.steps.push(stepFor(null, { op: 'unlock', location }));
  }
  return true;
}

/**
 * The first two locations in one word: neighbours that touch different cells become one access. Only what a single atomic operation can do
 * is done so: loads, values put into all cells, additions to all, or one cell's bits.
 */
function oneWord(draft: Draft): boolean {
  const names = draft.locations.slice(0, 2).map(l => l.name);
  const initial = draft.locations.slice(0, 2).reduce((word, l, i) => word + (typeof l.initial === 'number' ? l.initial << (LANE * i) : 0), 0);
  for (const thread of draft.threads) {
    const out: ThreadStep[] = [];
    let group: ThreadStep[] = [];
    const flush = (): boolean => {
      const [first] = group;
      if (!first) return true;
      const parts = group.map(s => ({ act: s.act, register: s.register, shift: LANE * locationOf(s.act) }));
      if (!possible(parts.map(p => p.act)) || group.some(s => s.when.some(g => group.some(o => o.register === g.register)))) return false;
      out.push({ ...stepFor(first.event, { op: 'word', parts }), when: first.when });
      group = [];
      return true;
    };
    for (const step of thread.steps) {
      const at = locationOf(step.act);
      if (at > 1 || at < 0) {
        if (!flush()) return false;
        out.push(step);
        continue;
      }
      if (group.some(s => locationOf(s.act) === at || writes(s.act) !== writes(step.act)) && !flush()) return false;
      group.push(step);
    }
    if (!flush()) return false;
    thread.steps = out;
  }
  const [first, second] = draft.locations;
  if (!first || !second) return false;
  draft.locations[0] = { ...first, name: names.join('_and_'), initial };
  draft.locations[1] = { ...second, initial: 0 };
  draft.word = true;
  return true;
}

function locationOf(act: ThreadAct): number {
  return 'location' in act && act.op !== 'lock' && act.op !== 'unlock' ? act.location : -1;
}

function possible(acts: ThreadAct[]): boolean {
  if (acts.every(a => a.op === 'load')) return true;
  if (acts.length === 1) return acts[0]?.op === 'rmw' && acts[0].update !== '=';
  const puts = acts.every(
    a =>
      (a.op === 'store' && a.value !== null) ||
      (a.op === 'rmw' && (a.update === '|' || a.update === '&~' || (a.update === '=' && a.operand !== null))),
  );
  return puts || acts.every(a => a.op === 'rmw' && a.update === '+');
}
