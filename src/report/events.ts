import type { Cell, CFunction, Event } from '../model/code.ts';
import type { Effect } from '../model/effect.ts';
import { sectionText } from '../model/section.ts';
import type { Problem } from '../model/series.ts';
import { safe } from './safe.ts';

/** What the code of one input does, by the published contract fencepost.events/1. */
export function eventsJson(input: string, functions: CFunction[], problems: Problem[]): object {
  return {
    schema: 'fencepost.events/1',
    input,
    functions: functions.map(({ path, name, line, endLine, whole, events }) => ({ path, name, line, endLine, whole, events: events.map(eventJson) })),
    problems,
  };
}

/** The same for people: a line for each event, with its cell, its order and what is held there. */
export function eventsText(functions: CFunction[]): string {
  return functions.map(functionText).join('\n');
}

function eventJson(event: Event): object {
  const { line, api, written, cell, ordering, orderingOnFailure, side } = event;
  return {
    line,
    kind: kindText(event),
    api: written ?? api,
    cell,
    ordering,
    orderingOnFailure,
    locks: event.locks.map(sectionText),
    context: contextWords(event),
    side,
    ...(event.kind === 'call' && event.opaque && !event.fact ? { known: false as const } : {}),
    ...(event.fact && event.fact.effects.length > 0 ? { effects: event.fact.effects.map(effect => effectJson(effect, event.args)) } : {}),
    ...(event.via ? { via: { function: event.via.function, path: event.via.path, line: event.via.line } } : {}),
  };
}

/** An effect with its arguments as the call writes them. */
function effectJson(effect: Effect, args: readonly string[]): object {
  const written = (key: string, value: unknown) => (ARGUMENTS.has(key) && typeof value === 'number' ? (args[value] ?? null) : value);
  return Object.fromEntries(Object.entries(effect).map(([key, value]) => [key, written(key, value)]));
}

/** Keys of effects that are positions of arguments. */
const ARGUMENTS: ReadonlySet<string> = new Set(['cell', 'object', 'gfp', 'into', 'from', 'cursor', 'handler', 'thread', 'data', 'on', 'condition']);

/** Where the function is in its life, and the contexts that it is in. */
function contextWords({ phase, context }: Event): string[] {
  return [...phase, ...context.map(sectionText)];
}

function functionText(fn: CFunction): string {
  const head = `${safe(fn.path)}:${fn.line}: ${safe(fn.name)}()${fn.whole ? '' : ', partly seen'}`;
  const rows = fn.events.map(event => [
    String(event.line),
    kindText(event),
    `${safe(event.written ?? event.api)}${event.opaque ? ' ?' : ''}`,
    cellText(event.cell),
  ]);
  const widths = [0, 1, 2].map(column => Math.min(LONGEST, Math.max(0, ...rows.map(row => row[column]?.length ?? 0))));
  const lines = fn.events.map((event, i) => {
    const row = rows[i] ?? [];
    const columns = row.map((cell, column) => (column === 0 ? cell.padStart(widths[0] ?? 0) : cell.padEnd(widths[column] ?? 0)));
    return `  ${[...columns, aboutText(event)].join('  ').trimEnd()}\n`;
  });
  return `${head}\n${lines.join('')}`;
}

/** Longer words push their line out rather than all others. */
const LONGEST = 32;

function cellText(cell: Cell | null): string {
  if (!cell) return '';
  const type = cell.type === null ? '' : `${safe(cell.type)}: `;
  return `${type}${safe(cell.path)}${cell.bit === null ? '' : ` bit ${safe(cell.bit)}`}${cell.base === null ? '' : ` of ${safe(cell.base)}`}`;
}

/** An expanded call is a call to those who read. */
function kindText({ kind }: Event): string {
  return kind === 'expanded' ? 'call' : kind;
}

function aboutText(event: Event): string {
  const order = event.ordering === null || event.ordering === 'none' ? '' : event.ordering;
  const failure = event.orderingOnFailure === null ? '' : ` (on failure ${event.orderingOnFailure})`;
  const parts = [
    `${order}${failure}`.trim(),
    event.locks.length > 0 ? `under ${event.locks.map(l => safe(sectionText(l))).join(', ')}` : '',
    event.maybeLocks.length > 0 ? `maybe under ${event.maybeLocks.map(l => safe(sectionText(l))).join(', ')}` : '',
    contextWords(event).join(', '),
    event.maybeContext.length > 0 ? `maybe ${event.maybeContext.map(sectionText).join(', ')}` : '',
    event.uncertain ? 'in doubt' : '',
    event.via ? `in ${safe(event.via.function)}(), line ${event.via.line}` : '',
  ];
  return parts.filter(part => part !== '').join('; ');
}
