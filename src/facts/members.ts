/** Operations tables and types of the kernel, as rules/facts/tables.yaml and types.yaml have them. */
import type { MemberFact, TypeFact } from '../model/fact.ts';
import { describeMember, describeType, type Said } from './describe.ts';
import { members, shapes, sources, types } from './tables.ts';

/** Of each table's type its members. */
let tables: Map<string, Map<string, MemberFact>> | undefined;
let typeFacts: Map<string, TypeFact> | undefined;

/** The table of all members whose table is not in view; in a table all members that have no row of their own. */
const ANY = '*';

/**
 * What is known of a member: by the type of its table, by the types that are called like it (`struct *_driver`), or by the member's name alone
 * where the type is not in view or none of these.
 */
export function memberOf(struct: string | null, member: string): MemberFact | undefined {
  tables ??= readTables();
  const of = struct === null ? undefined : (tables.get(struct) ?? tables.get(struct.replace(/^(struct )\w+(_\w+)$/, '$1*$2')));
  return of?.get(member) ?? of?.get(ANY) ?? tables.get(ANY)?.get(member);
}

/** Every member that is known. */
export function allMembers(): MemberFact[] {
  tables ??= readTables();
  return [...tables.values()].flatMap(of => [...of.values()]);
}

/** What is known of a type, `struct mutex` or `spinlock_t`. */
export function typeOf(name: string): TypeFact | undefined {
  typeFacts ??= new Map(types.split('\n').map(line => [line.slice(0, line.indexOf('\t')), readType(line)]));
  return typeFacts.get(name);
}

function readType(line: string): TypeFact {
  const [type = '', shape, source] = line.split('\t');
  return describeType(type, said(shape), sourceAt(source));
}

function readTables(): Map<string, Map<string, MemberFact>> {
  const found = new Map<string, Map<string, MemberFact>>();
  let struct = '';
  for (const line of members.split('\n')) {
    const [member = '', shape, source] = line.split('\t');
    if (shape === undefined) struct = member;
    const of = found.get(struct) ?? new Map<string, MemberFact>();
    found.set(struct, of);
    if (shape !== undefined) of.set(member, describeMember(struct, member, said(shape), sourceAt(source)));
  }
  return found;
}

let shapeLines: string[] | undefined;
let sourceLines: string[] | undefined;

function said(shape: string | undefined): Said {
  shapeLines ??= shapes.split('\n');
  return JSON.parse(shapeLines[Number(shape)] ?? '{}');
}

function sourceAt(source: string | undefined): string {
  sourceLines ??= sources.split('\n');
  return sourceLines[Number(source)] ?? '';
}
