/** From a file's text to its record. */

import { fileOf, parseFile } from '../c/lower/functions.ts';
import { knownTypes } from '../c/lower/knowntypes.ts';
import type { Grammar } from '../c/syntax/tree.ts';
import type { Types } from '../c/syntax/types.ts';
import type { Image } from '../c/text/images.ts';
import type { CFunction, Event } from '../model/code.ts';
import type { Act, Where } from '../model/contract.ts';
import type { Fact } from '../model/fact.ts';
import { act, actsOf, argumentWhere, type Body } from './acts.ts';
import { excerptOf } from './excerpt.ts';
import { plainMacros, tracepoints } from './macros.ts';
import type { Call, Exit, FileRecord, FunctionRecord, RecordStep, StructRecord, Test } from './record.ts';
import { reduced } from './reduce.ts';
import { type Roots, UNNAMED_PLACE, whereOfText } from './where.ts';

/** A function of more nodes that matter is left unread. */
const MOST_NODES = 1200;

/** The record of a file. `fact` is what is known of functions without a look at their bodies: facts win over them. */
export function recordOf(path: string, blob: string, text: string, grammar: Grammar, fact: (api: string) => Fact | undefined): FileRecord {
  const { text: wanted, exported, statics } = excerptOf(path, text);
  const record: FileRecord = { blob, functions: [], structs: [], aliases: aliasesIn(text), signatures: [], statics };
  const spelled = (read: ReadonlySet<string>) => {
    for (const made of [...plainMacros(text, read), ...tracepoints(text)]) if (!fact(made.name)) record.functions.push(made);
  };
  if (wanted === null) {
    spelled(new Set());
    return record;
  }
  const image: Image = { path, whole: true, pieces: [{ firstLine: 1, lines: wanted.split('\n'), origin: [], section: '' }], addedBy: null, after: 0 };
  const types: Types = { structs: new Map(), globals: new Map(), constants: new Map() };
  const parsed = parseFile(image, grammar, types);
  const file = fileOf(parsed, {
    side: 'new',
    types,
    global: name => types.globals.get(name),
    declares: type => types.structs.has(type),
    defined: name => fact(name) === undefined,
    fact,
    contract: () => undefined,
    convention: () => undefined,
    objects: true,
    known: knownTypes(types, new Map(), null),
  });
  const lines = wanted.split('\n');
  for (const fn of file.functions) {
    const said = fact(fn.name);
    // What facts say all of needs no body.
    if (said && !said.part && !(fn.isStatic && path.endsWith('.c'))) {
      if (!fn.isMacro) record.signatures.push([fn.name, resultOf(fn), fn.parameters.map(p => tagged(p.type))]);
      continue;
    }
    record.functions.push(functionOf(fn, path, exported, lines));
  }
  spelled(new Set(file.functions.map(f => f.name)));
  record.structs = structsOf(types);
  return record;
}

/** `#define foo bar`, and `#define foo(x) bar(x)` is read as a function. */
function aliasesIn(text: string): FileRecord['aliases'] {
  const found: FileRecord['aliases'] = [];
  for (const [, name = '', of = ''] of text.matchAll(/^[ \t]*#[ \t]*define[ \t]+([a-z_]\w*)[ \t]+([a-z_]\w*)[ \t]*$/gm))
    if (name !== of && /_/.test(name) && /_/.test(of)) found.push([name, of]);
  return found;
}

function structsOf(types: Types): StructRecord[] {
  return [...types.structs]
    .filter(([tag, members]) => /^(?:struct|union) \w+$/.test(tag) && members.size > 0)
    .map(([tag, members]) => ({ tag, members: [...members].map(([name, m]) => [name, m.type, m.pointer, m.array]) }));
}

function functionOf(fn: CFunction, path: string, exported: ReadonlySet<string>, lines: readonly string[]): FunctionRecord {
  const kind = fn.isMacro ? 'macro' : path.endsWith('.h') ? 'inline' : fn.isStatic ? 'static' : exported.has(fn.name) ? 'exported' : 'global';
  const record: FunctionRecord = {
    name: fn.name,
    line: fn.line,
    kind,
    result: fn.isMacro ? '' : resultOf(fn),
    parameters: fn.parameters.map(p => (fn.isMacro ? '' : tagged(p.type))),
    nodes: [],
  };
  if (fn.isMacro || fn.head.includes('*')) record.pointer = true;
  if (fn.broken || fn.flow.length === 0) return record;
  const reader = new Reader(fn);
  for (const attribute of fn.attributes) reader.attribute(attribute);
  const nodes = reduced(reader.steps());
  if (nodes.length > MOST_NODES) return record;
  record.nodes = nodes;
  const hasAsm = lines.slice(fn.line - 1, fn.endLine).some(line => /\b(?:asm|__asm__|alternative\w*|ALTERNATIVE)\b/.test(line));
  if (reader.orders || hasAsm) record.orders = true;
  if (reader.stores || hasAsm) record.stores = true;
  if (reader.loads || hasAsm) record.loads = true;
  if (reader.unknown) record.unknown = true;
  const isEmpty = nodes.every(n => !n.acts && !n.call) && !reader.stores && !reader.loads && !reader.unknown && !hasAsm;
  if (isEmpty && !fn.isMacro && fn.events.length === 0) record.stub = true;
  return record;
}

function resultOf({ head }: CFunction): string {
  return tagged(head.replace(/\b(?:static|inline|extern|__\w+|const|noinline\w*)\b(?:\([^()]*\))?/g, ' '));
}

/** The tag of the structure that the type is or points to, with a star for each pointer more; `=` before a typedef; empty for the rest. */
function tagged(type: string): string {
  const plain = type
    .replace(/\b(?:const|volatile)\b/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const [, word = '', tag = '', stars = ''] = /^(struct|union) (\w+)((?: ?\*)*)$/.exec(plain) ?? [];
  if (tag !== '') return stars === '' ? '' : `${word === 'union' ? 'union ' : ''}${tag}${stars.replace(/ /g, '').slice(1)}`;
  const [, typedef = '', more = ''] = /^(\w+_t)((?: ?\*)*)$/.exec(plain) ?? [];
  return typedef === '' || /^(?:size_t|ssize_t|loff_t|u?int\d+_t)$/.test(typedef) ? '' : `=${typedef}${more.replace(/ /g, '')}`;
}

/** One function while its graph is read. */
class Reader {
  orders = false;
  stores = false;
  loads = false;
  unknown = false;
  private readonly fn: CFunction;
  private readonly body: Body;
  private readonly entry: Act[] = [];
  private readonly isPointer: boolean;
  private readonly returnedVariable: string | null;
  private readonly returnedEvents = new Set<number>();

  constructor(fn: CFunction) {
    this.fn = fn;
    // A number is no object.
    this.isPointer = fn.isMacro === true || fn.head.includes('*');
    this.returnedVariable = this.isPointer ? returnedIn(fn) : null;
    const position = new Map(fn.parameters.map((p, i) => [p.name, i]));
    const roots: Roots = name => {
      const at = position.get(name);
      if (at !== undefined) return fn.changes?.has(name) ? '' : String(at);
      if (name === this.returnedVariable) return 'r';
      return fn.locals?.has(name) ? '' : undefined;
    };
    for (const node of fn.flow)
      if (this.isPointer && node.kind === 'exit' && node.returns?.length === 1 && isCallText(node.returned))
        for (const i of node.returns) this.returnedEvents.add(i);
    this.body = {
      fn,
      roots,
      isResult: event => this.returnedEvents.has(event.index) || (event.into !== null && event.into === this.returnedVariable),
    };
  }

  /** An annotation of the head: the caller holds the section. */
  attribute(text: string): void {
    const [, word = '', lock = ''] = /^__(must_hold(?:_shared)?|releases(?:_shared)?)\((.*)\)$/.exec(text) ?? [];
    if (word === '' || lock.trim() === 'RCU') return;
    // With or without `&` it is the lock itself that is named.
    const object = whereOfText(lock, this.body.roots).replace(/\*$/, '');
    this.entry.push(act('hold', 'lock', object, { marks: word.endsWith('shared') ? ['shared'] : [] }));
  }

  steps(): RecordStep[] {
    const { fn } = this;
    return fn.flow.map((node, at): RecordStep => {
      const step: RecordStep = { next: [...node.next] };
      const event = node.event === null ? undefined : fn.events[node.event];
      const acts = at === 0 ? [...this.entry] : [];
      if (event) {
        this.note(event);
        acts.push(...actsOf(event, this.body), ...this.kept(event));
        const call = this.callOf(event);
        if (call) step.call = call;
      }
      if (acts.length > 0) step.acts = acts;
      if (node.kind === 'gap') this.unknown = true;
      if (node.kind === 'branch' && node.next.length === 2) {
        const test = this.testOf(node);
        if (test === 'first' || test === 'second') step.next = [node.next[test === 'first' ? 0 : 1] ?? 0];
        else if (test) step.test = test;
      }
      if (node.kind === 'exit' && !node.stops) step.exit = this.exitOf(node);
      return step;
    });
  }

  private note(event: Event): void {
    const { kind, ordering, cell, fact } = event;
    if (kind === 'lock' || kind === 'unlock' || kind === 'fence' || kind === 'wait' || kind === 'wake') this.orders = true;
    if (ordering !== null && /^(?:acquire|release|full|rmb|wmb|before-atomic|after-atomic)$/.test(ordering)) this.orders = true;
    if (cell && (kind === 'write' || kind === 'rmw' || kind === 'publish' || kind === 'free')) this.stores = true;
    if (cell && (kind === 'read' || kind === 'rmw')) this.loads = true;
    if (kind === 'call' && fact?.effects.some(e => e.does === 'access' || e.does === 'publish' || e.does === 'unpublish')) this.stores = true;
  }

  /** A pointer that the caller gave, stored where it outlives the call. */
  private kept(event: Event): Act[] {
    if (event.kind !== 'write' || !event.cell || event.operand === null || event.ordering !== 'plain') return [];
    const text = event.operand.trim();
    const root = /^&?\(?(\w+)/.exec(text)?.[1] ?? '';
    const parameter = this.fn.parameters.find(p => p.name === root);
    if (!parameter || !/^&?\w+(?:->\w+|\.\w+)*$/.test(text) || (text !== root && !text.startsWith('&'))) return [];
    if (!parameter.type.includes('*')) return [];
    const into = this.body.roots(/^\*?(\w+)/.exec(event.cell.base ?? event.cell.path)?.[1] ?? '');
    return [act('keep', '', this.body.roots(root) ?? UNNAMED_PLACE, { more: [into === undefined || into === '' ? UNNAMED_PLACE : into] })];
  }

  private callOf(event: Event): Call | null {
    const { fact } = event;
    if (event.kind !== 'call' || (fact && !fact.part)) return null;
    const isNamed = /^[A-Za-z_]\w*$/.test(event.api) && !(event.opaque && !fact && !event.argCells && !/for_each/.test(event.api));
    if (!isNamed) {
      this.unknown = true;
      return null;
    }
    const pasted = event.args.findIndex(arg => /__VA_ARGS__|##|\bargs\b\.\.\./.test(arg));
    const args = event.args.map((_, i): Where => (pasted >= 0 && i >= pasted ? UNNAMED_PLACE : argumentWhere(event, i, this.body)));
    const texts = event.args.map((arg, i) => (pasted >= 0 && i >= pasted ? null : constantText(arg)));
    const call: Call = { name: event.api, args, texts, result: this.body.isResult(event) };
    return fact?.part ? { ...call, rest: true } : call;
  }

  /** What a branch tests; 'first' or 'second' where only that way is one on which the pointers given are not NULL. */
  private testOf(node: CFunction['flow'][number]): Test | 'first' | 'second' | null {
    const { fn } = this;
    const condition = bare(node.condition ?? '');
    const [, negated = '', name = '', op = '', other = ''] = /^(!?)\(?(\w+)\)?(?: ?(==|!=) ?(NULL|0))?$/.exec(condition) ?? [];
    const at = fn.parameters.findIndex(p => p.name === name);
    if (at >= 0 && !fn.changes?.has(name)) {
      const isZero = (negated === '!') !== (op === '==');
      const pointer = fn.parameters[at]?.type.includes('*') || other === 'NULL';
      if (pointer) return isZero ? 'second' : 'first';
      return { of: 'argument', argument: at, mask: null, holds: isZero ? 'zero' : 'nonzero' };
    }
    const error = /^(!?)(?:IS_ERR|IS_ERR_OR_NULL)\((\w+)\)$/.exec(condition);
    if (error && fn.parameters.some(p => p.name === error[2]) && !fn.changes?.has(error[2] ?? '')) return error[1] === '!' ? 'first' : 'second';
    const blocking = /^(!?)gfpflags_allow_blocking\((\w+)\)$/.exec(condition);
    const gfp = blocking ? fn.parameters.findIndex(p => p.name === blocking[2]) : -1;
    if (blocking && gfp >= 0) return { of: 'gfp', argument: gfp, holds: blocking[1] === '!' ? 'zero' : 'nonzero' };
    const masked = /^(!?)\(?(\w+) & ([A-Z_][A-Z0-9_]*)\)?$/.exec(condition);
    const flags = masked ? fn.parameters.findIndex(p => p.name === masked[2]) : -1;
    if (masked && flags >= 0 && !fn.changes?.has(masked[2] ?? '')) {
      const holds = masked[1] === '!' ? 'zero' : 'nonzero';
      if (/^__GFP_(?:DIRECT_RECLAIM|RECLAIM|WAIT)$/.test(masked[3] ?? '')) return { of: 'gfp', argument: flags, holds };
      return { of: 'argument', argument: flags, mask: masked[3] ?? null, holds };
    }
    const [only] = node.decides ?? [];
    const event = only === undefined ? undefined : fn.events[only];
    if (node.decides?.length === 1 && event && node.tests) return { of: 'call', node: event.node, holds: node.tests };
    return null;
  }

  /** What a call returns that takes a reference of what it is given. */
  private sameAs(event: Event): Where | undefined {
    for (const effect of event.fact?.effects ?? [])
      if (effect.does === 'ref' && effect.by !== 'put' && effect.object !== null) return argumentWhere(event, effect.object, this.body);
    return undefined;
  }

  private exitOf(node: CFunction['flow'][number]): Exit {
    const { fn } = this;
    const text = (node.value ?? node.returned)?.trim();
    if (text === undefined || text === '') return { returns: 'nothing' };
    const isPointer = fn.head.includes('*');
    const plain = bare(text);
    if (/^ERR_(?:PTR|CAST)\(/.test(plain)) return { returns: 'pointer-error' };
    if (/^(?:NULL|0|false)$/.test(plain)) return { returns: isPointer ? 'null' : 'zero' };
    if (/^-\s*E[A-Z0-9]+$/.test(plain)) return { returns: 'errno' };
    if (/^(?:true|[1-9]\d*)$/.test(plain)) return { returns: 'positive' };
    if (node.fails && !isPointer) return { returns: 'errno' };
    const [only] = node.returns ?? [];
    const event = only === undefined ? undefined : fn.events[only];
    const isCall = node.returns?.length === 1 && event !== undefined && (event.kind === 'call' || event.args.length > 0);
    const value = plain === this.returnedVariable ? undefined : whereOfText(plain, this.body.roots);
    const found = addressed(plain, this.body.roots) ?? (event && isCall ? this.sameAs(event) : undefined) ?? value;
    return {
      returns: node.fails ? 'null' : 'value',
      ...(found !== undefined && found !== UNNAMED_PLACE && isPointer ? { value: found } : {}),
      ...(isCall ? { call: event.node, ...(/^!/.test(text) ? { negated: true as const } : {}) } : {}),
    };
  }
}

/** `&x->lock` as the place of the lock itself; null where the text is no address. */
function addressed(text: string, roots: Roots): Where | null {
  if (!text.trim().startsWith('&')) return null;
  const where = whereOfText(text.trim(), roots);
  return where === UNNAMED_PLACE ? null : where;
}

/** Without what only tells the compiler how likely it is, and without outer parentheses. */
function bare(text: string): string {
  let now = text.trim();
  for (let before = ''; before !== now; ) {
    before = now;
    now = now
      .replace(/^(!?)(?:un)?likely\((.*)\)$/, '$1($2)')
      .replace(/^\(([^()]*(?:\([^()]*\))?[^()]*)\)$/, '$1')
      .replace(/^!\((\w+)\)$/, '!$1')
      .trim();
  }
  return now;
}

/** The local that every exit returns which returns no constant. */
function returnedIn(fn: CFunction): string | null {
  let found: string | null = null;
  for (const node of fn.flow) {
    if (node.kind !== 'exit' || node.stops) continue;
    const text = node.returned?.trim();
    if (text === undefined || /^(?:NULL|-?\s*\w*\d|-E\w+|ERR_\w+\(.*|true|false)$/.test(text)) continue;
    if (!fn.locals?.has(text) || (found !== null && found !== text)) return null;
    found = text;
  }
  return found;
}

function isCallText(text: string | undefined): boolean {
  return text !== undefined && /^!?\(?[A-Za-z_]\w*\(/.test(text.trim());
}

/** A constant as written: a number, a name in capitals, or such names joined. */
function constantText(text: string): string | null {
  return /^[\dA-Z_|&~ ()x]+$/.test(text) || /^(?:true|false|NULL)$/.test(text) ? text : null;
}
