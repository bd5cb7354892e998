/** From a draft to a litmus test: each act as statements of its language. */
import type { Condition, Expression, LitmusSource, LitmusTest, LitmusValue, Statement, Tag } from '../lkmm/litmus.ts';
import type { Draft, Guard, Marking, ThreadAct, ThreadStep } from './draft.ts';
import { startOf } from './values.ts';

/** What a register holds where its step did not run. */
const NOT_RUN = -1;

/** The litmus test of the draft. Registers that `watched` names start as `NOT_RUN` where their step may not run. */
export function compile(draft: Draft, condition: Condition, watched: ReadonlySet<string> = new Set()): LitmusTest {
  const used = new Set(draft.threads.flatMap(t => t.steps.flatMap(s => locationsOf(s.act))));
  const named = new Set(
    draft.locations.flatMap((l, i) =>
      used.has(i) ? [i, ...(l.target === undefined ? [] : [l.target]), ...(typeof l.initial === 'object' ? [l.initial.to] : [])] : [],
    ),
  );
  return {
    name: draft.name,
    locations: draft.locations.flatMap((l, i) =>
      named.has(i) ? [{ name: l.name, type: typeof l.initial === 'object' ? 'int *' : l.type, initial: startOf(draft, i) }] : [],
    ),
    registers: [],
    threads: draft.threads.map((thread, t) => {
      const guarded = thread.steps.filter(s => s.register !== null && s.when.length > 0 && watched.has(`${t}:${s.register}`));
      const first: Statement[] = guarded.map(s => ({ kind: 'assign', register: s.register ?? '', value: { kind: 'value', value: NOT_RUN } }));
      return { title: thread.title, body: [...first, ...nested(draft, thread.steps, 0)] };
    }),
    shown: [],
    filter: null,
    quantifier: 'exists',
    condition,
  };
}

function locationsOf(act: ThreadAct): number[] {
  if (act.op === 'word') return [0];
  return 'location' in act ? [act.location] : [];
}

/** Steps under one guard after the other become one `if`. */
function nested(draft: Draft, steps: ThreadStep[], depth: number): Statement[] {
  const out: Statement[] = [];
  for (let i = 0; i < steps.length; ) {
    const step = steps[i] as ThreadStep;
    const guard = step.when[depth];
    if (!guard) {
      out.push(...statements(draft, step));
      i++;
      continue;
    }
    let end = i;
    while (end < steps.length && same((steps[end] as ThreadStep).when[depth], guard)) end++;
    out.push({ kind: 'if', condition: conditionOf(guard), then: nested(draft, steps.slice(i, end), depth + 1), else: [] });
    i = end;
  }
  return out;
}

function same(a: Guard | undefined, b: Guard): boolean {
  return a !== undefined && a.register === b.register && a.test === b.test;
}

function conditionOf(guard: Guard): Expression {
  const register: Expression = { kind: 'register', name: guard.register };
  if (guard.test === 'dependent') return { kind: 'binary', op: '==', left: register, right: register };
  return { kind: 'binary', op: guard.test === 'zero' ? '==' : '!=', left: register, right: number(0) };
}

function number(value: LitmusValue): Expression {
  return { kind: 'value', value };
}

function masked(value: Expression, mask: number | null): Expression {
  return mask === null ? value : { kind: 'binary', op: '&', left: value, right: number(mask) };
}

function statements(draft: Draft, step: ThreadStep): Statement[] {
  const { act, register } = step;
  const source: LitmusSource | undefined = step.event ? { path: step.event.path, line: step.event.line } : undefined;
  const from = source ? { source } : {};
  const give = (value: Expression): Statement => (register === null ? { kind: 'evaluate', value } : { kind: 'assign', register, value });
  const at = (location: number): Expression =>
    step.via === null ? number(draft.locations[location]?.name ?? '') : { kind: 'register', name: step.via };
  switch (act.op) {
    case 'fence':
      return [{ kind: 'fence', fence: act.fence, ...from }];
    case 'lock':
    case 'unlock':
      return [{ kind: act.op, at: at(act.location), ...from }];
    case 'copy':
      return [give({ kind: 'register', name: act.register })];
    case 'load':
      return [give(masked({ kind: 'load', tag: tagOf(act.order), at: at(act.location), ...from }, act.mask))];
    case 'store': {
      const pointer = draft.locations[act.location]?.target;
      const value = pointer !== undefined && act.value !== 0 ? number(draft.locations[pointer]?.name ?? '') : number(act.value ?? 0);
      return [{ kind: 'store', tag: tagOf(act.order), at: at(act.location), value, ...from }];
    }
    case 'add-unless':
      return [
        give({ kind: 'add-unless', tag: tagOf(act.order), at: at(act.location), operand: number(act.operand), unless: number(act.unless), ...from }),
      ];
    case 'cmpxchg': {
      const old: Expression = {
        kind: 'cmpxchg',
        tag: tagOf(act.order),
        at: at(act.location),
        expected: number(act.expected),
        desired: number(act.desired),
        ...from,
      };
      return [give(act.success ? { kind: 'binary', op: '==', left: old, right: number(act.expected) } : old)];
    }
    case 'rmw': {
      const operand = number(act.operand ?? 0);
      if (!act.atomic) {
        const name = register ?? 'p';
        const old: Expression = { kind: 'register', name };
        const value: Expression =
          act.update === '='
            ? operand
            : act.update === '&~'
              ? { kind: 'binary', op: '&', left: old, right: number(~(act.operand ?? 0)) }
              : { kind: 'binary', op: act.update, left: old, right: operand };
        return [
          { kind: 'assign', register: name, value: { kind: 'load', tag: 'plain', at: at(act.location), ...from } },
          { kind: 'store', tag: 'plain', at: at(act.location), value, ...from },
          ...(act.gives === 'old' && act.mask !== null ? [{ kind: 'assign' as const, register: name, value: masked(old, act.mask) }] : []),
        ];
      }
      const gives = act.gives === 'none' ? 'none' : act.gives === 'old' ? 'old' : 'new';
      const tag = act.gives === 'none' && act.order === 'relaxed' && act.update !== '=' ? 'noreturn' : tagOf(act.order);
      const value: Expression = {
        kind: 'rmw',
        op: act.update,
        tag,
        at: at(act.location),
        operand,
        gives: act.update === '=' ? 'old' : gives,
        ...from,
      };
      if (act.gives === 'is-zero') return [give({ kind: 'binary', op: '==', left: value, right: number(0) })];
      if (act.gives === 'is-negative') return [give({ kind: 'binary', op: '<', left: value, right: number(0) })];
      // A value that nobody uses still has to go somewhere: the language knows no such statement.
      if (act.update === '=' && register === null) return [{ kind: 'assign', register: 'unused', value }];
      return [give(act.gives === 'old' ? masked(value, act.mask) : value)];
    }
    case 'word':
      return word(draft, act.parts, from);
  }
}

function word(draft: Draft, parts: { act: ThreadAct; register: string | null; shift: number }[], from: { source?: LitmusSource }): Statement[] {
  const at = number(draft.locations[0]?.name ?? '');
  const [first] = parts;
  if (!first) return [];
  const name = `w${parts.find(p => p.register !== null)?.register ?? ''}`;
  const lane = (shift: number): Expression => {
    const all: Expression = { kind: 'register', name };
    return { kind: 'binary', op: '&', left: shift === 0 ? all : { kind: 'binary', op: '>>', left: all, right: number(shift) }, right: number(255) };
  };
  const taken: Statement[] = parts.flatMap(p =>
    p.register === null ? [] : [{ kind: 'assign' as const, register: p.register, value: masked(lane(p.shift), 'mask' in p.act ? p.act.mask : null) }],
  );
  if (first.act.op === 'load')
    return [{ kind: 'assign', register: name, value: { kind: 'load', tag: tagOf(first.act.order), at, ...from } }, ...taken];
  const order = 'order' in first.act ? first.act.order : 'relaxed';
  const single = parts.length === 1 && first.act.op === 'rmw' ? first.act.update : null;
  const total = parts.reduce((sum, p) => sum + (laneValue(p.act, single !== null) << p.shift), 0);
  const op = single ?? (parts.every(p => p.act.op === 'rmw' && p.act.update === '+') ? '+' : '=');
  const operand = single === '&' ? (0xffff & ~(255 << first.shift)) | total : total;
  const value: Expression = { kind: 'rmw', op, tag: tagOf(order), at, operand: number(operand), gives: 'old', ...from };
  return [{ kind: 'assign', register: name, value }, ...taken];
}

/** What the act puts into its lane; alone it keeps its own operation, with others it puts the whole lane. */
function laneValue(act: ThreadAct, alone: boolean): number {
  if (act.op === 'store') return act.value ?? 0;
  if (act.op !== 'rmw') return 0;
  return act.update === '&~' && !alone ? 0 : (act.operand ?? 0);
}

function tagOf(order: Marking): Tag {
  return order === 'relaxed' ? 'once' : order === 'full' ? 'mb' : order;
}
