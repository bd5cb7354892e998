/** Lock calls moved to helpers: one for each lock and each thing done to it, in the file or inline in a header. */
import { factOf } from '../../src/facts/lookup.ts';
import { type Edit, edited } from './edit.ts';
import { extracted, Helpers } from './helper.ts';
import { added, type Example, type Kind, type Transformed, wantsOn } from './kind.ts';
import { callOf, child, type Definition, type Node, type Source, textOf, variableOf, within } from './source.ts';
import { declarationsOf, headerOf, includedAt } from './split.ts';

/** Calls that acquire or release a lock, or enter or leave a section, in the functions of the file. */
export function lockCalls(source: Source): { fn: Definition; call: Node; api: string }[] {
  return source.functions.flatMap(fn =>
    within(fn.body).flatMap(node => {
      const call = callOf(source, node);
      const fact = call && factOf(call.api);
      if (!call || !fact || source.functions.some(f => f.name === call.api)) return [];
      const section = fact.kind === 'lock' || fact.kind === 'unlock' || (fact.kind === 'rcu' && fact.context.length > 0);
      return section ? [{ fn, call: node, api: call.api }] : [];
    }),
  );
}

/** The type of what the call returns, by what is done with it; null where that does not say. */
function returned(source: Source, fn: Definition, call: Node, api: string): string | null {
  const { parent } = call;
  if (parent?.type === 'expression_statement') return 'void';
  if (parent?.type === 'assignment_expression') {
    const left = child(parent, 'left');
    return (left?.type === 'identifier' && variableOf(fn, textOf(source, left), left.start)?.type) || null;
  }
  if (parent?.type === 'init_declarator') {
    const name = child(parent, 'declarator');
    const plain = name?.type === 'pointer_declarator' ? name.children.at(-1) : name;
    return (plain && variableOf(fn, textOf(source, plain), plain.start)?.type) || null;
  }
  if (parent?.type === 'return_statement') return fn.returns;
  const fact = factOf(api);
  return fact?.lock?.conditional ? (fact.result === 'success' ? 'bool' : 'int') : null;
}

/** Calls on what is named in `avoid` stay where they are. */
function withHelpers(example: Example, source: Source, specifiers: string, avoid: readonly string[]): { helpers: Helpers; edits: Edit[] } | null {
  const helpers = new Helpers(source.text, 'step', specifiers);
  const edits = lockCalls(source).flatMap(({ fn, call, api }): Edit[] => {
    const type = returned(source, fn, call, api);
    const list = child(call, 'arguments');
    const moved = type && list ? extracted(source, fn, list.children, call.start, call.end) : null;
    if (!type || !moved || avoid.some(name => new RegExp(`\\b${name}\\b`).test(moved.text))) return [];
    const body = `\t${type === 'void' ? '' : 'return '}${moved.text};`;
    return [{ start: call.start, end: call.end, text: helpers.call(fn, type, body, moved, wantsOn(example, call)) }];
  });
  return edits.length > 0 ? { helpers, edits } : null;
}

const concerns = ({ source }: Example) => source !== null && lockCalls(source).length > 0;

export const lockHelpers: Kind = {
  name: 'lock helpers',
  title: 'lock calls moved to helpers',
  reason: {
    silent: 'a lock that a helper acquires or releases is not held or released in its caller here',
    alarm: 'a false alarm: the lock that a helper acquires is not held in its caller',
  },
  floor: { transformed: 90, agree: 88 },
  concerns,
  transform(example): Transformed | null {
    const { source } = example;
    const made = source && withHelpers(example, source, 'static', []);
    return made ? added(example, { [example.path]: edited(source.text, [...made.helpers.edits(), ...made.edits]) }) : null;
  },
};

export const inlineLockHelpers: Kind = {
  name: 'inline lock helpers',
  title: 'lock calls moved to inline functions of a header',
  reason: {
    silent: 'a lock that an inline function of a header acquires or releases is not held or released in its caller here',
    alarm: 'a false alarm: the lock that an inline function of a header acquires is not held in its caller',
  },
  floor: { transformed: 90, agree: 87 },
  concerns,
  transform(example): Transformed | null {
    const { source } = example;
    if (!source || example.path.endsWith('.h')) return null;
    const moved = declarationsOf(source, []);
    // The header does not have what the source file declares besides types.
    const made = withHelpers(example, source, 'static inline', moved.stay);
    if (!made) return null;
    const text = made.helpers.definitions();
    const header = headerOf(example.path);
    const cut = [...moved.edits, ...made.edits];
    return added(example, {
      [header]: `${moved.text}${text}`,
      [example.path]: edited(source.text, [includedAt(source, header), ...cut]),
    });
  },
};
