/** Kernel functions called by another name, which a facts document declares. */
import { NO_FACTS } from '../../src/engine/declared.ts';
import { factOf } from '../../src/facts/lookup.ts';
import type { EventKind } from '../../src/model/fact.ts';
import type { UserFacts } from '../../src/model/userfacts.ts';
import { edited } from './edit.ts';
import { added, type Example, type Kind } from './kind.ts';
import { callOf, child, type Node, type Source, textOf, within } from './source.ts';

/** The words of include/linux/cleanup.h are syntax, not functions: their classes are what wrappers can stand for. */
const SYNTAX = /^(?:guard|scoped_guard|scoped_cond_guard|CLASS)$/;

/** A use of what a fact is known of, and where the code spells its name. */
interface Use {
  api: string;
  start: number;
  end: number;
}

/** The name at the head of the node: of a call, of a loop by a macro, of a class of guards. */
function nameAt(source: Source, node: Node): Use | null {
  const callee = child(node, 'function');
  const word = /^\w+/.exec(textOf(source, node))?.[0] ?? '';
  if (node.type === 'while_statement' && word === 'scoped_guard') {
    const [, open = '', name] = /^(scoped_guard\(\s*)(\w+)/.exec(textOf(source, node)) ?? [];
    const start = node.start + open.length;
    return name === undefined ? null : { api: `guard(${name})`, start, end: start + name.length };
  }
  if (node.type === 'while_statement' && word !== 'while') return { api: word, start: node.start, end: node.start + word.length };
  const call = callOf(source, node);
  if (!call || !callee) return null;
  const [name] = call.args;
  if (/^(?:guard|CLASS)$/.test(call.api) && name) return { api: `guard(${textOf(source, name)})`, start: name.start, end: name.end };
  return SYNTAX.test(call.api) ? null : { api: call.api, start: callee.start, end: callee.end };
}

function usesOf(source: Source, kinds: ReadonlySet<EventKind>): Use[] {
  return source.functions.flatMap(fn =>
    within(fn.body).flatMap(node => {
      const use = nameAt(source, node);
      const fact = use && factOf(use.api);
      return !fact || !kinds.has(fact.kind) || source.functions.some(f => f.name === use.api) ? [] : [use];
    }),
  );
}

/** The name of the wrapper: `my_smp_wmb`, `guard(my_mutex)`. */
function wrapperOf(api: string): string {
  return api.startsWith('guard(') ? api.replace('(', '(my_') : `my_${api}`;
}

function wrapped(name: string, title: string, kinds: ReadonlySet<EventKind>, agree: number): Kind {
  return {
    name,
    title,
    reason: {
      silent: 'the rule knows the primitive by its spelling',
      alarm: 'a false alarm: what makes the code correct is known by the spelling of the primitive',
    },
    floor: { transformed: 95, agree },
    concerns: ({ source }: Example) => source !== null && usesOf(source, kinds).length > 0,
    transform(example) {
      const { source } = example;
      if (!source) return null;
      const uses = usesOf(source, kinds);
      const apis = [...new Set(uses.map(use => use.api))];
      const facts: UserFacts = {
        ...NO_FACTS,
        functions: apis.map((api, i) => ({ name: wrapperOf(api), like: api, file: 'facts.yaml', line: i + 2 })),
      };
      const edits = uses.map(({ start, end }) => ({ start, end, text: `my_${source.text.slice(start, end)}` }));
      return added(example, { [example.path]: edited(source.text, edits) }, facts);
    },
  };
}

export const declaredLocks = wrapped('declared locks', 'locks and sections by declared wrappers', new Set(['lock', 'unlock', 'rcu']), 99);

export const declaredCalls = wrapped(
  'declared calls',
  'barriers, atomics, publications, frees, waits, wakes and other calls by declared wrappers',
  new Set(['fence', 'free', 'wait', 'wake', 'publish', 'rmw', 'read', 'write', 'call']),
  99,
);
