/** A bad state, and an execution that ends in it, in words: what each CPU does, what it finds, and what ran before its turn. */
import { called } from '../c/calls/callees.ts';
import type { Execution } from '../lkmm/executions.ts';
import type { LitmusValue } from '../lkmm/litmus.ts';
import type { Schedule } from '../lkmm/order.ts';
import { IS, type PathEvent } from '../lkmm/paths.ts';
import type { Event } from '../model/code.ts';
import type { ShownStep } from '../model/finding.ts';
import type { AssumedStep, Claim } from '../model/rule.ts';
import { type Draft, stepOf, type ThreadStep } from './draft.ts';

/** The event or assumed step as a person would name it. */
export function nameOf(event: Event | AssumedStep): string {
  return 'api' in event ? `${called(event)}()` : `an assumed ${event.does}`;
}

/** Part of an outcome; `cpu` is null where it is of none, `finds` is how it begins where a look tells it. */
interface Part {
  cpu: number | null;
  finds?: string;
  text: string;
}

/** The cells of the bad state as a person would put it. */
export function outcomeOf(claim: Claim, draft: Draft): string {
  if (claim.bad.kind !== 'sees') return '';
  const cellOf = (event: Event | AssumedStep) => {
    const act = stepOf(draft, event, 'write')?.step.act;
    return (act && 'location' in act && draft.locations[act.location]?.name) || 'the cell';
  };
  const reads = claim.bad.reads.map(({ read, from, thread, cell, by }): Part => {
    const found = stepOf(draft, read, 'read', thread, cell);
    const reader = thread ?? found?.thread ?? 0;
    const says = found?.step.says;
    if (from === 'effect') return { cpu: reader, text: 'does' in read && read.does === 'take' ? `takes ${cellOf(read)}` : `does ${nameOf(read)}` };
    if (says) return { cpu: reader, text: from === 'before' ? says.before : says.after };
    const writer = from === 'before' ? null : (stepOf(draft, from, 'write', by)?.thread ?? 0);
    const at = found?.step.means ?? (found && 'location' in found.step.act ? draft.locations[found.step.act.location]?.name : undefined);
    const finds = `reads ${at ?? 'the cell'}`;
    return { cpu: reader, finds, text: `${finds} ${writer === null ? 'as it was before' : `as CPU ${writer} wrote it`}` };
  });
  const ends = (claim.bad.ends ?? []).map((e): Part => {
    const found = stepOf(draft, e, 'write');
    const writer = found?.thread ?? 0;
    return found?.step.says ? { cpu: writer, text: found.step.says.after } : { cpu: null, text: `${cellOf(e)} stays as CPU ${writer} wrote it` };
  });
  const all = [...reads, ...ends];
  return all
    .map(({ cpu, finds, text }, i) => {
      const before = all[i - 1];
      const goesOn = cpu !== null && before?.cpu === cpu;
      if (goesOn && finds !== undefined && before.finds === finds) return `, then${text.slice(finds.length)}`;
      const last = goesOn && all[i + 1]?.cpu !== cpu;
      return `${i === 0 ? '' : last ? ' and ' : ', '}${cpu === null || goesOn ? '' : `CPU ${cpu} `}${text}`;
    })
    .join('');
}

/** One execution of a claim's program; `names` are those of the test's locations. */
export interface Scene {
  claim: Claim;
  draft: Draft;
  execution: Execution;
  names: readonly string[];
}

/** What ran before its turn, in one sentence. */
export function reorderingOf(scene: Scene, schedule: Schedule): string {
  const known = schedule.reordered.filter(([a, b]) => a.source !== null && b.source !== null && isAccess(a) && isAccess(b));
  const [pair] = known.length > 0 ? known : schedule.reordered;
  if (!pair) return '';
  const [first, second] = pair;
  const name = (e: PathEvent) => labelOf(scene, e);
  const cpu = `CPU ${first.thread}`;
  const plain = ((first.is | second.is) & IS.plain) !== 0 ? '; as not both accesses are marked, the compiler may do the same on any machine' : '';
  if (isRead(first) && isRead(second)) return `${cpu}'s load of ${name(second)} may be satisfied before its load of ${name(first)}${plain}`;
  if (isRead(second)) return `${cpu}'s load of ${name(second)} may be satisfied before its store to ${name(first)} is visible${plain}`;
  if (isRead(first)) return `${cpu}'s store to ${name(second)} may be visible before its load of ${name(first)} is satisfied${plain}`;
  return `${cpu}'s store to ${name(second)} may be visible before its store to ${name(first)}${plain}`;
}

/** The schedule as steps for people: what each access found and left; reads of one thread in a row are told at once. */
export function shownSteps(scene: Scene, schedule: Schedule): ShownStep[] {
  const narrator = new Narrator(scene);
  for (const e of schedule.order) narrator.tell(e);
  return narrator.all();
}

class Narrator {
  private readonly scene: Scene;
  private readonly told: ShownStep[] = [];
  /** What locations started with, and what they hold by now. */
  private readonly initial: ReadonlyMap<number, LitmusValue>;
  private readonly holds: Map<number, LitmusValue>;
  /** Reads of read-modify-writes that were done: their writes tell of them. */
  private readonly updated: ReadonlySet<PathEvent>;
  /** Reads in a row that are not told yet. */
  private reads: { e: PathEvent; text: string }[] = [];

  constructor(scene: Scene) {
    this.scene = scene;
    const { skeleton, valueAt } = scene.execution;
    this.initial = new Map(skeleton.events.flatMap(e => ((e.is & IS.init) === 0 ? [] : [[this.at(e), valueAt(e)] as const])));
    this.holds = new Map(this.initial);
    this.updated = new Set(skeleton.events.flatMap(e => (e.reads ? [e.reads] : [])));
  }

  all(): ShownStep[] {
    this.flush();
    return this.told;
  }

  tell(e: PathEvent): void {
    if (this.reads[0]?.e.thread !== e.thread) this.flush();
    if ((e.is & (IS.lockRead | IS.lockWrite | IS.unlock | IS.lockFail | IS.lockFree)) !== 0) {
      if ((e.is & (IS.lockWrite | IS.unlock)) !== 0) this.say(e, `${(e.is & IS.unlock) !== 0 ? 'unlocks' : 'locks'} ${this.label(e)}`);
    } else if (!isAccess(e)) {
      if (e.fence === 'sync-rcu') this.say(e, this.waitOf(e)?.after ?? 'waits for a grace period');
    } else if (isRead(e)) this.read(e);
    else this.write(e);
  }

  private read(e: PathEvent): void {
    const found = this.scene.execution.valueAt(e);
    const says = this.saysOf(e);
    if (says) this.say(e, found === this.initial.get(this.at(e)) ? says.before : says.after);
    else if (!this.updated.has(e)) this.reads.push({ e, text: `${this.label(e)} ${shown(found)}` });
  }

  private write(e: PathEvent): void {
    const at = this.at(e);
    const left = this.scene.execution.valueAt(e);
    const [from, to] = [shown(this.holds.get(at) ?? 0), shown(left)];
    this.say(e, this.saysOf(e)?.after ?? `${this.label(e)}: ${from === to ? `${from}, stays ${to}` : `${from} -> ${to}`}`);
    this.holds.set(at, left);
  }

  private say(e: PathEvent, text: string): void {
    this.flush();
    this.told.push({ thread: e.thread, text, path: e.source?.path ?? '', line: e.source?.line ?? 0 });
  }

  private flush(): void {
    const { reads } = this;
    const [first] = reads;
    if (!first) return;
    this.reads = [];
    const distinct = [...new Set(reads.map(r => r.text))];
    const times = reads.length > distinct.length && reads.length % distinct.length === 0 ? `, ${countOf(reads.length / distinct.length)} times` : '';
    this.say(first.e, `reads ${distinct.join(', ')}${times}`);
  }

  private at(e: PathEvent): number {
    return this.scene.execution.locations[e.id] ?? -1;
  }

  /** The location as the claim calls it. */
  private label(e: PathEvent): string {
    return labelOf(this.scene, e);
  }

  /** How the claim tells the step that the event is, where it does. */
  private saysOf(e: PathEvent): ThreadStep['says'] {
    const { draft, names } = this.scene;
    return draft.threads[e.thread]?.steps.find(
      s =>
        s.says &&
        s.event?.path === e.source?.path &&
        s.event?.line === e.source?.line &&
        'location' in s.act &&
        draft.locations[s.act.location]?.name === names[this.at(e)] &&
        (s.assumed === undefined || (s.act.op === 'store') === ((e.is & IS.write) !== 0)),
    )?.says;
  }

  /** How the claim tells a grace period that somebody out of view waits for. */
  private waitOf(e: PathEvent): ThreadStep['says'] {
    if (e.source) return undefined;
    return this.scene.draft.threads[e.thread]?.steps.find(s => s.says && s.act.op === 'fence' && s.act.fence === 'sync-rcu')?.says;
  }
}

function placeName({ execution, names }: Scene, e: PathEvent): string {
  return names[execution.locations[e.id] ?? -1] ?? 'the cell';
}

/** The memory as the claim calls it, else by the test's name for it. */
function labelOf(scene: Scene, e: PathEvent): string {
  const { claim, draft } = scene;
  const name = placeName(scene, e);
  const at = draft.locations.findIndex(l => l.name === name);
  const meant = draft.threads.flatMap(t => t.steps).find(s => s.means !== undefined && 'location' in s.act && s.act.location === at)?.means;
  return claim.tie?.names[at] || meant || name;
}

function isRead(e: PathEvent): boolean {
  return (e.is & IS.read) !== 0;
}

function isAccess(e: PathEvent): boolean {
  return (e.is & (IS.read | IS.write)) !== 0;
}

function shown(value: LitmusValue): string {
  return typeof value === 'string' ? `&${value}` : String(value);
}

function countOf(n: number): string {
  return ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'][n] ?? String(n);
}
