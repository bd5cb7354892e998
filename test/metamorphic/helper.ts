/** Code moved to a function of its own, with the locals that it uses as parameters. */
import { factOf } from '../../src/facts/lookup.ts';
import { type Edit, edited, MARK } from './edit.ts';
import { callOf, child, type Definition, type Node, namesIn, type Source, textOf, type Variable, variableOf, within } from './source.ts';

export interface Extracted {
  /** `struct foo *f, int n`, or `void`. */
  parameters: string;
  /** What the call passes. */
  passed: string;
  /** The moved text, with locals that it sets by pointers to them. */
  text: string;
}

/** Macros of a loop or an assignment that set their arguments, where these are plain names. */
const SETS = /for_each|^(?:__)?get_user$|^swap$|_irqsave|irq_save|^xa_for|^idr_for|^WRITE_ONCE$|^cmpxchg|^try_cmpxchg/;

/**
 * The stretch as it stands in a function of its own; null where that is not the same program: a type is not known, a static local is used, or an
 * array is set. `byPointer: false`: null as well where it sets a local.
 */
export function extracted(source: Source, fn: Definition, nodes: readonly Node[], start: number, end: number, byPointer = true): Extracted | null {
  const used = new Map<Variable, Node[]>();
  for (const name of nodes.flatMap(namesIn)) {
    const text = textOf(source, name);
    const variable = variableOf(fn, text, name.start);
    // A variable of the stretch's own moves with it.
    if (variable && !variable.parameter && variable.from >= start && variable.from < end) continue;
    if (!variable) {
      if (fn.obscure.has(text)) return null;
      continue;
    }
    used.set(variable, [...(used.get(variable) ?? []), name]);
  }
  const edits: Edit[] = [];
  const parameters: string[] = [];
  const passed: string[] = [];
  for (const [variable, names] of used) {
    if (isStaticLocal(source, fn, variable)) return null;
    const set = names.some(n => isSet(source, n));
    const addressed = names.some(n => isAddressed(n));
    if (variable.array) {
      if (set || addressed || names.some(n => n.parent?.type === 'sizeof_expression')) return null;
      parameters.push(pointerTo(variable.type, variable.name));
      passed.push(variable.name);
    } else if (set || addressed || /^(?:struct|union) \w+$/.test(variable.type)) {
      if (!byPointer && set) return null;
      if (/\bconst\b/.test(variable.type) && variable.type.includes('*')) return null;
      parameters.push(pointerTo(variable.type, variable.name));
      passed.push(`&${variable.name}`);
      for (const n of names) {
        const { parent } = n;
        if (parent && isAddressed(n)) edits.push({ start: parent.start, end: parent.end, text: variable.name });
        else if (parent?.type === 'field_expression' && child(parent, 'argument') === n && !variable.type.includes('*')) {
          const dot = source.text.indexOf('.', n.end);
          edits.push({ start: n.start, end: dot + 1, text: `${variable.name}->` });
        } else edits.push({ start: n.start, end: n.end, text: parent?.type === 'argument_list' ? `*${variable.name}` : `(*${variable.name})` });
      }
    } else {
      parameters.push(variable.type.endsWith('*') ? `${variable.type}${variable.name}` : `${variable.type} ${variable.name}`);
      passed.push(variable.name);
    }
  }
  const moved = edits.map(e => ({ ...e, start: e.start - start, end: e.end - start })).filter(e => e.start >= 0 && e.end <= end - start);
  if (moved.length !== edits.length) return null;
  return { parameters: parameters.join(', ') || 'void', passed: passed.join(', '), text: edited(source.text.slice(start, end), moved) };
}

function pointerTo(type: string, name: string): string {
  return type.endsWith('*') ? `${type}*${name}` : `${type} *${name}`;
}

function isStaticLocal(source: Source, fn: Definition, variable: Variable): boolean {
  if (variable.parameter) return false;
  return within(fn.body).some(
    n => n.type === 'declaration' && n.start <= variable.from && variable.from < n.end && /^static\b/.test(textOf(source, n)),
  );
}

function isAddressed(name: Node): boolean {
  const { parent } = name;
  return parent?.type === 'pointer_expression' && parent.children[0]?.type === '&';
}

function isSet(source: Source, name: Node): boolean {
  const { parent } = name;
  if (!parent) return false;
  if (parent.type === 'assignment_expression') return child(parent, 'left') === name;
  if (parent.type === 'update_expression') return true;
  if (parent.type === 'field_expression') return false;
  // The loop macros stand as `while` to the grammar.
  for (let at: Node | null = parent; at && !/statement$|^function_definition$/.test(at.type); at = at.parent) {
    const call = callOf(source, at);
    if (!call) continue;
    if (SETS.test(call.api)) return call.args.includes(name);
    const fact = factOf(call.api);
    if (fact?.by === 'lvalue' && fact.kind !== 'read' && fact.cell !== null) return call.args[fact.cell] === name;
    return false;
  }
  const loop = parent.parent?.type === 'while_statement' ? parent.parent : parent.type === 'while_statement' ? parent : null;
  return loop !== null && !/^while\b/.test(textOf(source, loop));
}

/** Helpers that a transformation makes of one text, each once, and their definitions. */
export class Helpers {
  private readonly made = new Map<string, { name: string; at: number; head: string; body: string; marked: boolean }>();
  private readonly text: string;
  private readonly stem: string;
  private readonly specifiers: string;

  constructor(text: string, stem: string, specifiers = 'static') {
    this.text = text;
    this.stem = stem;
    this.specifiers = specifiers;
  }

  /** A call of the helper with this body, which stands before the function; `marked`: the finding may stand on its lines. */
  call(fn: Definition, returns: string, body: string, it: Extracted, marked: boolean): string {
    const key = `${returns}|${it.parameters}|${body}`;
    let known = this.made.get(key);
    if (!known) {
      let name = '';
      for (let n = this.made.size + 1; name === '' || new RegExp(`\\b${name}\\b`).test(this.text); n++) name = `${this.stem}_${n}`;
      const type = returns.endsWith('*') ? returns : `${returns} `;
      known = { name, at: fn.start, head: `${this.specifiers} ${type}${name}(${it.parameters})`, body, marked };
      this.made.set(key, known);
    }
    known.marked ||= marked;
    return `${known.name}(${it.passed})`;
  }

  /** The definitions, as insertions before the functions that first call them. */
  edits(): Edit[] {
    return [...this.made.values()].map(({ at, head, body, marked }) => ({
      start: at,
      end: at,
      text: `${head}\n{\n${marked ? body.replace(/$/gm, MARK) : body}\n}\n\n`,
    }));
  }

  /** The definitions in a row. */
  definitions(): string {
    return this.edits()
      .map(e => e.text)
      .join('');
  }
}
