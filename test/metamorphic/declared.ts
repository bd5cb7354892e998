/** Kernel functions called by another name, which a facts document declares. */
import { factOf } from '../../src/facts/lookup.ts';
import type { EventKind } from '../../src/model/fact.ts';
import type { UserFacts } from '../../src/model/userfacts.ts';
import { edited } from './edit.ts';
import { added, type Example, type Kind } from './kind.ts';
import { callOf, child, type Node, type Source, within } from './source.ts';

/** The words of include/linux/cleanup.h are syntax, not functions: no wrapper of the name could stand for them. */
const SYNTAX = /^(?:guard|scoped_guard|scoped_cond_guard|CLASS)$/;

function callsOf(source: Source, kinds: ReadonlySet<EventKind>): { api: string; callee: Node }[] {
  return source.functions.flatMap(fn =>
    within(fn.body).flatMap(node => {
      const call = callOf(source, node);
      const callee = child(node, 'function');
      const fact = call && factOf(call.api);
      if (!call || !callee || !fact || !kinds.has(fact.kind) || SYNTAX.test(call.api)) return [];
      return source.functions.some(f => f.name === call.api) ? [] : [{ api: call.api, callee }];
    }),
  );
}

export function wrapped(name: string, title: string, kinds: ReadonlySet<EventKind>, agree: number): Kind {
  return {
    name,
    title,
    reason: {
      silent: 'the rule knows the primitive by its spelling',
      alarm: 'a false alarm: what makes the code correct is known by the spelling of the primitive',
    },
    floor: { transformed: 95, agree },
    concerns: ({ source }: Example) => source !== null && callsOf(source, kinds).length > 0,
    transform(example) {
      const { source } = example;
      if (!source) return null;
      const calls = callsOf(source, kinds);
      const apis = [...new Set(calls.map(c => c.api))];
      const facts: UserFacts = {
        functions: apis.map((api, i) => ({ name: `my_${api}`, like: api, file: 'facts.yaml', line: i + 2 })),
        invariants: [],
      };
      const edits = calls.map(({ api, callee }) => ({ start: callee.start, end: callee.end, text: `my_${api}` }));
      return added(example, { [example.path]: edited(source.text, edits) }, facts);
    },
  };
}

export const declaredLocks = wrapped('declared locks', 'locks and sections by declared wrappers', new Set(['lock', 'unlock', 'rcu']), 94);

export const declaredCalls = wrapped(
  'declared calls',
  'barriers, atomics, publications, frees, waits and wakes by declared wrappers',
  new Set(['fence', 'free', 'wait', 'wake', 'publish', 'rmw', 'read', 'write']),
  77,
);
