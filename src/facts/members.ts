/** Operations tables and types of the kernel, as rules/facts/tables*.yaml and types.yaml have them. */
import type { MemberFact, TypeFact } from '../model/fact.ts';
import { describeMember, describeType, type FactRow } from './describe.ts';
import { members, shapes, sources, types } from './tables.ts';

/** Of each table's type its members, each with its shape and source until it is asked for. */
let tables: Map<string, Map<string, MemberFact | [shape: string, source: string | undefined]>> | undefined;
let typeFacts: Map<string, TypeFact> | undefined;

/** The table of all members whose table is not in view; in a table all members that have no row of their own. */
const ANY = '*';

/** What is known of a member: by the type of its table, or by the member's name alone where the type is not in view or none of those known. */
export function memberOf(struct: string | null, member: string): MemberFact | undefined {
  return (struct === null ? undefined : (inTable(struct, member) ?? inTable(struct, ANY))) ?? inTable(ANY, member);
}

/** Every member that is known. */
export function allMembers(): MemberFact[] {
  tables ??= readTables();
  return [...tables].flatMap(([struct, of]) => [...of.keys()].flatMap(member => inTable(struct, member) ?? []));
}

function inTable(struct: string, member: string): MemberFact | undefined {
  tables ??= readTables();
  const of = tables.get(struct);
  const row = of?.get(member);
  if (!of || !row) return undefined;
  if (!Array.isArray(row)) return row;
  const fact = describeMember(struct, member, said(row[0]), sourceAt(row[1]));
  of.set(member, fact);
  return fact;
}

/** What is known of a type, `struct mutex` or `spinlock_t`. */
export function typeFactOf(name: string): TypeFact | undefined {
  typeFacts ??= new Map(types.split('\n').map(line => [line.slice(0, line.indexOf('\t')), readType(line)]));
  return typeFacts.get(name);
}

function readType(line: string): TypeFact {
  const [type = '', shape, source] = line.split('\t');
  return describeType(type, said(shape), sourceAt(source));
}

function readTables(): NonNullable<typeof tables> {
  const found: NonNullable<typeof tables> = new Map();
  let structs: string[] = [];
  for (const line of members.split('\n')) {
    const [member = '', shape, source] = line.split('\t');
    if (shape === undefined) structs = member.split(',');
    for (const struct of structs) {
      const of = found.get(struct) ?? new Map();
      found.set(struct, of);
      if (shape !== undefined) of.set(member, [shape, source]);
    }
  }
  return found;
}

let shapeLines: string[] | undefined;
let sourceLines: string[] | undefined;

function said(shape: string | undefined): FactRow {
  shapeLines ??= shapes.split('\n');
  return JSON.parse(shapeLines[Number(shape)] ?? '{}');
}

function sourceAt(source: string | undefined): string {
  sourceLines ??= sources.split('\n');
  return sourceLines[Number(source)] ?? '';
}
