/** A contract as one line of text, and back. */
import type { Act, Contract, When } from '../model/contract.ts';

const DOES: readonly (readonly [code: string, does: string])[] = [
  ['o', 'open'],
  ['c', 'close'],
  ['d', 'drop'],
  ['h', 'hold'],
  ['s', 'sleep'],
  ['g', 'get'],
  ['p', 'put'],
  ['f', 'free'],
  ['q', 'quiesce'],
  ['w', 'wait'],
  ['k', 'wake'],
  ['r', 'register'],
  ['e', 'queue'],
  ['a', 'arm'],
  ['P', 'publish'],
  ['U', 'unpublish'],
  ['K', 'keep'],
];
const MARKS: readonly (readonly [code: string, mark: string])[] = [
  ['s', 'shared'],
  ['r', 'rcu'],
  ['f', 'frees'],
  ['g', 'grace-period'],
  ['c', 'cancels'],
  ['w', 'waits'],
  ['b', 'bars'],
  ['m', 'managed'],
  ['p', 'private'],
];
const codeOf = new Map(DOES.map(([code, does]) => [does, code]));
const doesOf = new Map(DOES);
const markCode = new Map(MARKS.map(([code, mark]) => [mark, code]));
const markOf = new Map(MARKS);

/**
 * Name, flags, signature, returns and acts, with tabs between them. An act is its letter with what of its kind, then `/` with the object, what is more
 * and marks as far as there are any, `=z` or `=n` for the result that it goes with, and when: nothing for always, `?`, `@g1!`, `@2+MASK?`.
 */
export function rowText({ name, acts, returns, signature, complete, orders, stores, loads, noreturn, byFact }: Contract): string {
  const flags = `${complete ? 'c' : ''}${orders ? 'o' : ''}${stores ? 's' : ''}${loads ? 'l' : ''}${noreturn ? 'n' : ''}${byFact ? 'f' : ''}`;
  const types = `${signature.result}(${signature.parameters.join(',')})`;
  const gives = `${returns.errno ? 'e' : ''}${returns.pointerError ? 'p' : ''}${returns.null ? 'n' : ''}${returns.fresh ? 'f' : ''}${returns.value === null ? '' : `v${returns.value}`}`;
  return [name, flags, types, gives, ...acts.map(actText)].join('\t').replace(/\t+$/, '');
}

function actText({ does, of, object, more, marks, when, result }: Act): string {
  const parts = [object === '-' ? '' : named(object), more.map(named).join(','), marks.map(m => markCode.get(m) ?? '').join('')];
  while (parts.length > 0 && parts.at(-1) === '') parts.pop();
  const outcome = result === null ? '' : result === 'zero' ? '=z' : '=n';
  return `${codeOf.get(does) ?? '?'}${of}${parts.map(p => `/${p}`).join('')}${outcome}${whenText(when)}`;
}

/** `?` is kept for what happens on some path. */
function named(where: string): string {
  return where === '?' ? '~' : where;
}

function whenText(when: When): string {
  switch (when.on) {
    case 'always':
      return '';
    case 'some':
      return '?';
    case 'gfp':
      return `@g${when.argument}${when.sure ? '!' : '?'}`;
    case 'argument':
      return `@${when.argument}${when.value === 'nonzero' ? '+' : '-'}${when.mask ?? ''}${when.sure ? '!' : '?'}`;
  }
}

/** The contract of a line; null where it is none. */
export function contractOfRow(line: string): Contract | null {
  const [name = '', flags = '', types = '', gives = '', ...list] = line.split('\t');
  const [, result = '', parameters] = /^([^(]*)\((.*)\)$/.exec(types) ?? [];
  const [, words = '', value] = /^([epnf]*)(?:v(.+))?$/.exec(gives) ?? [];
  if (name === '' || (types !== '' && parameters === undefined)) return null;
  const acts = list.map(actOf);
  if (acts.includes(null)) return null;
  return {
    name,
    acts: acts.flatMap(a => a ?? []),
    returns: {
      errno: words.includes('e'),
      pointerError: words.includes('p'),
      null: words.includes('n'),
      fresh: words.includes('f'),
      value: value ?? null,
    },
    signature: { result, parameters: parameters === undefined || parameters === '' ? [] : parameters.split(',') },
    complete: flags.includes('c'),
    orders: flags.includes('o'),
    stores: flags.includes('s'),
    loads: flags.includes('l'),
    noreturn: flags.includes('n'),
    ...(flags.includes('f') ? { byFact: true as const } : {}),
  };
}

const ACT = /^(\S)([\w-]*)((?:\/[^/=@?]*)*)(=[zn])?(\?|@g\d+[!?]|@\d+[+-]\w*[!?])?$/;

function actOf(text: string): Act | null {
  const [, code = '', of = '', rest = '', outcome, condition = ''] = ACT.exec(text) ?? [];
  const does = doesOf.get(code);
  if (does === undefined) return null;
  const [, object = '', more = '', marks = ''] = rest.split('/');
  return {
    does,
    of,
    object: object === '' ? '-' : object === '~' ? '?' : object,
    more: more === '' ? [] : more.split(',').map(m => (m === '~' ? '?' : m)),
    marks: [...marks].flatMap(m => markOf.get(m) ?? []),
    when: whenOf(condition),
    result: outcome === undefined ? null : outcome === '=z' ? 'zero' : 'nonzero',
  };
}

function whenOf(text: string): When {
  if (text === '') return { on: 'always' };
  if (text === '?') return { on: 'some' };
  const sure = text.endsWith('!');
  const gfp = /^@g(\d+)/.exec(text)?.[1];
  if (gfp !== undefined) return { on: 'gfp', argument: Number(gfp), sure };
  const [, argument = '0', sign = '+', mask = ''] = /^@(\d+)([+-])(\w*)/.exec(text) ?? [];
  return { on: 'argument', argument: Number(argument), mask: mask === '' ? null : mask, value: sign === '+' ? 'nonzero' : 'zero', sure };
}
