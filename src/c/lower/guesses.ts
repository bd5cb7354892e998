/** Types of pointers that are declared out of view, by what the function does with them. */
import type { EffectOf } from '../../model/effect.ts';
import type { Fact } from '../../model/fact.ts';
import { type Expr, oneSpaced, partsOf, type Stmt, type Survey, statementsIn, type Variable } from '../syntax/syntax.ts';
import type { FieldType } from '../syntax/types.ts';
import type { KnownTypes } from './knowntypes.ts';

/** A part of a function: its statements, the variables that it declares, its text. */
export interface FunctionPart {
  body: Stmt;
  survey: Survey;
  slice(e: { at: number; end: number }): string;
}

/** What a pointer expression is used for, each with the part that it stands in. */
interface Uses {
  members: Set<string>;
  /** What it is set to, compared with, or stored into. */
  like: { e: Expr; part: FunctionPart }[];
  /** Calls that it is given to, and at which place. */
  given: { api: string; at: number }[];
  /** Types of which it gets the size in memory. */
  sizes: Set<string>;
}

/** What surrounds the function. */
export interface Around {
  known: KnownTypes;
  fact(api: string): Fact | undefined;
  /** What all other functions of the file that have a variable of the name declare it as. */
  named(name: string): FieldType | null;
}

/** The type of an expression of a part without a guess at it itself. */
export type TypeIn = (e: Expr, part: FunctionPart, guesses: Guesses) => FieldType | null;

/** Guesses at one function, from all of its parts in view. Nothing is looked at before the first question. */
export class Guesses {
  private readonly parts: readonly FunctionPart[];
  private readonly around: Around;
  private readonly typeIn: TypeIn;
  private uses: Map<string, Uses> | null = null;
  private readonly made = new Map<string, FieldType | null>();

  constructor(parts: readonly FunctionPart[], around: Around, typeIn: TypeIn) {
    this.parts = parts;
    this.around = around;
    this.typeIn = typeIn;
  }

  /** The type of an expression of the part, or null. One that only its members tell is `inferred`. */
  of(e: Expr, part: FunctionPart): FieldType | null {
    const key = keyOf(e, part);
    if (key === null) return null;
    const known = this.made.get(key);
    if (known !== undefined) return known;
    // While it is looked for, it is not known.
    this.made.set(key, null);
    const found = this.guess(e, key);
    this.made.set(key, found);
    return found;
  }

  private guess(e: Expr, key: string): FieldType | null {
    const declared = e.k === 'name' ? this.elsewhere(e.name) : null;
    if (declared) return declared;
    this.uses ??= usesIn(this.parts, this.around.fact);
    const uses = this.uses.get(key);
    if (!uses) return null;
    const sure = new Map<string, FieldType>();
    for (const tag of uses.sizes) sure.set(tag, { type: tag, pointer: 1, array: false });
    for (const like of uses.like) {
      const type = this.typeIn(like.e, like.part, this);
      if (type && isObject(type)) sure.set(type.type, type.array ? { ...type, pointer: type.pointer + 1, array: false } : type);
    }
    for (const { api, at } of uses.given) {
      const type = this.around.known.parameter(api, at);
      if (type && isObject(type)) sure.set(type.type, type);
    }
    const [only] = sure.values();
    if (only) return sure.size === 1 && [...uses.members].every(m => this.fits(only, m)) ? only : null;
    if (uses.members.size === 0) return null;
    const tag = this.around.known.onlyStructWith(uses.members);
    if (tag !== undefined) return { type: tag, pointer: 1, array: false, inferred: true };
    // Where several structures fit, a file calls objects of one type by one name.
    const named = e.k === 'name' ? this.around.named(e.name) : null;
    if (!named || !isObject(named) || !this.around.known.declares(named.type)) return null;
    return [...uses.members].every(m => this.around.known.member(named.type, m) !== undefined) ? { ...named, inferred: true } : null;
  }

  /** A type whose members are known has the member. */
  private fits(type: FieldType, member: string): boolean {
    return this.around.known.member(type.type, member) !== undefined || !this.around.known.declares(type.type);
  }

  /** What another part of the function declares of the name; null where parts disagree. */
  private elsewhere(name: string): FieldType | null {
    let found: Variable | null = null;
    for (const { survey } of this.parts) {
      const variable = survey.variables.get(name);
      if (!variable || variable.type === '') continue;
      if (found && (found.type !== variable.type || found.pointer !== variable.pointer)) return null;
      found = variable;
    }
    return found;
  }
}

function isObject({ type, pointer, array, inferred }: FieldType): boolean {
  return (pointer > 0 || array) && inferred !== true && /^(?:struct|union) \w+$/.test(type);
}

/** Under which an expression is the same in all parts; null where it is no path. */
function keyOf(e: Expr, part: FunctionPart): string | null {
  switch (e.k) {
    case 'name':
      return e.name;
    case 'member':
    case 'call':
    case 'index':
    case 'deref':
      return oneSpaced(part.slice(e));
    case 'cast':
      return keyOf(e.of, part);
    default:
      return null;
  }
}

function usesIn(parts: readonly FunctionPart[], fact: (api: string) => Fact | undefined): Map<string, Uses> {
  const found = new Map<string, Uses>();
  const usesOf = (e: Expr, part: FunctionPart): Uses | null => {
    const key = keyOf(e, part);
    if (key === null) return null;
    let uses = found.get(key);
    if (!uses) {
      uses = { members: new Set(), like: [], given: [], sizes: new Set() };
      found.set(key, uses);
    }
    return uses;
  };
  const alike = (a: Expr, b: Expr, part: FunctionPart) => {
    usesOf(a, part)?.like.push({ e: b, part });
    usesOf(b, part)?.like.push({ e: a, part });
  };
  const expression = (e: Expr, part: FunctionPart): void => {
    if (e.k === 'member' && e.arrow) usesOf(e.of, part)?.members.add(e.name);
    else if (e.k === 'assign' && e.op === '=') {
      alike(e.left, e.right, part);
      sized(e.left, e.right, part);
    } else if (e.k === 'binary' && /^[!=]=$/.test(e.op)) alike(e.left, e.right, part);
    else if (e.k === 'call' && e.callee.k === 'name')
      for (const [at, arg] of e.args.entries()) usesOf(arg, part)?.given.push({ api: e.callee.name, at });
    else if (e.k === 'block') statement(e.body, part);
    for (const inner of partsOf(e)) expression(inner, part);
  };
  /** `p = kzalloc(sizeof(struct foo), GFP_KERNEL)`: the call's result has the size of one. */
  const sized = (left: Expr, right: Expr, part: FunctionPart) => {
    if (right.k !== 'call') return;
    for (const arg of right.args) {
      const tag = arg.k === 'text' ? /^sizeof\s*\(?\s*((?:struct|union)\s+\w+)\s*\)?$/.exec(part.slice(arg))?.[1] : undefined;
      if (tag !== undefined) usesOf(left, part)?.sizes.add(oneSpaced(tag));
    }
  };
  const statement = (s: Stmt, part: FunctionPart): void => {
    if (s.k === 'declare' && s.init) {
      const name: Expr = { at: s.at, end: s.end, line: s.line, k: 'name', name: s.variable.name, local: true };
      usesOf(name, part)?.like.push({ e: s.init, part });
      sized(name, s.init, part);
    }
    // A walk finds objects by a member of theirs: `list_for_each_entry(p, head, list)`.
    const walk = s.k === 'macro' ? fact(s.name)?.effects.find((e): e is EffectOf<'consume'> => e.does === 'consume') : undefined;
    if (s.k === 'macro' && walk?.cursor != null && walk.member != null) {
      const [cursor, member] = [s.args[walk.cursor], s.args[walk.member]];
      const name = member && /^\w+/.exec(part.slice(member))?.[0];
      if (cursor && name !== undefined) usesOf(cursor, part)?.members.add(name);
    }
    for (const e of expressionsOf(s)) expression(e, part);
    for (const inner of statementsIn(s)) statement(inner, part);
    if (s.k === 'loop' && s.init) statement(s.init, part);
  };
  for (const part of parts) statement(part.body, part);
  return found;
}

/** The expressions that a statement evaluates itself. */
function expressionsOf(s: Stmt): Expr[] {
  switch (s.k) {
    case 'expr':
      return [s.of];
    case 'declare':
      return s.init ? [s.init] : [];
    case 'if':
      return [s.test];
    case 'loop':
      return [...(s.test ? [s.test] : []), ...(s.step ? [s.step] : [])];
    case 'macro':
      return s.args;
    case 'switch':
      return [s.on];
    case 'case':
      return s.value ? [s.value] : [];
    case 'return':
      return s.of ? [s.of] : [];
    case 'unread':
      return s.list;
    default:
      return [];
  }
}
