/** Memory in the words of a caller, as text: made of cells, and carried from callee to caller. */
import type { Cell } from '../model/code.ts';
import type { Where } from '../model/contract.ts';

export const UNNAMED_PLACE: Where = '?';
export const NONE: Where = '-';

/** Places of more members say less than they cost. */
const MOST_MEMBERS = 5;

/** What starts a path inside a function: a parameter's number, `r` for what is returned, undefined for a local. */
export type Roots = (name: string) => string | undefined;

/** The object that a cell is, or for `pointee` what the pointer there points to. */
export function whereOf(cell: Cell | null, roots: Roots): Where {
  if (!cell) return UNNAMED_PLACE;
  const stars = cell.pointee ? '*' : '';
  const path = plainPath(cell.path);
  if (cell.base === null) return path === null || !isName(path) || roots(path) === '' ? UNNAMED_PLACE : `${path}${stars}`;
  const base = plainPath(cell.base);
  if (base === null) return UNNAMED_PLACE;
  const [, deref = '', root = '', rest = ''] = /^(\*?)(\w+)(.*)$/.exec(base) ?? [];
  if (root === '') return UNNAMED_PLACE;
  const known = roots(root);
  if (known === '') return UNNAMED_PLACE;
  const from = `${known ?? root}${rest}`;
  const isParameter = known !== undefined;
  if (path === null) return UNNAMED_PLACE;
  if (path === '*' || path.startsWith('*'))
    return bounded(isParameter || rest !== '' ? pointed(from, rest, deref) + path.slice(1) : `${from}*${path.slice(1)}`);
  if (deref !== '') return bounded(`${from}*->${path}${stars}`);
  return bounded(`${from}${isParameter || rest !== '' ? '->' : '.'}${path}${stars}`);
}

/** What the pointer spelled so points to. */
function pointed(from: string, rest: string, deref: string): Where {
  const at = rest === '' ? from : `${from}*`;
  return deref === '' ? at : `${at}*`;
}

function bounded(where: Where): Where {
  return (where.match(/->|\./g)?.length ?? 0) > MOST_MEMBERS ? UNNAMED_PLACE : where;
}

/** Without spaces, subscripts as `[]`; null where it is no path. */
function plainPath(text: string): string | null {
  const plain = text
    .replace(/\[[^[\]]*\]/g, '[]')
    .replace(/#\d+/g, '')
    .replace(/\s+/g, '');
  return /^\*?[\w.>[\]-]*$/.test(plain) ? plain : null;
}

function isName(path: string): boolean {
  return /^[A-Za-z_]\w*/.test(path);
}

/** An argument as written, where no cell tells: a path from a parameter or a global. */
export function whereOfText(text: string, roots: Roots): Where {
  const match = /^(&?)\s*(\w+)((?:(?:->|\.)\w+)*)$/.exec(text.trim());
  const [, address = '', root = '', rest = ''] = match ?? [];
  if (root === '' || /^\d/.test(root)) return UNNAMED_PLACE;
  const known = roots(root);
  if (known === '') return UNNAMED_PLACE;
  if (rest === '') return address === '' || known === undefined ? (known ?? root) : UNNAMED_PLACE;
  return bounded(`${known ?? root}${rest}${address === '' ? '*' : ''}`);
}

/** A callee's place in the words of its caller, `args` being what the caller gives and `result` what the call's value is to it. */
export function whereInCaller(where: Where, args: readonly Where[], result: Where): Where {
  const [, root = '', rest = ''] = /^(\d+|r)(?![A-Za-z_])(.*)$/.exec(where) ?? [];
  if (root === '') return where;
  const given = root === 'r' ? result : (args[Number(root)] ?? UNNAMED_PLACE);
  if (rest === '' || given === UNNAMED_PLACE || given === NONE) return rest === '' ? given : UNNAMED_PLACE;
  if (rest.startsWith('*')) return bounded(`${given}${rest}`);
  if (!rest.startsWith('->')) return UNNAMED_PLACE;
  if (/^(?:\d+|r)$/.test(given)) return bounded(`${given}${rest}`);
  if (given.endsWith('*')) return bounded(`${given.slice(0, -1)}${rest}`);
  return bounded(`${given}.${rest.slice(2)}`);
}

/** Does the place start from an argument or the result of the call? */
export function isGiven(where: Where): boolean {
  return /^(?:\d+|r)(?![A-Za-z_])/.test(where);
}

/** Does the place start from what is returned? */
export function isOfResult(where: Where): boolean {
  return where.startsWith('r') && isGiven(where);
}
