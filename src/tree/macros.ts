/** Function-like macros that only name another call or make a value: as the calls that stand in them. */
import type { Where } from '../model/contract.ts';
import type { FunctionRecord, RecordStep } from './record.ts';
import { type Roots, UNNAMED_PLACE, whereOfText } from './where.ts';

/** Macros whose bodies are longer are read as functions, or not at all. */
const LONGEST = 400;
const WORDS = /^(?:sizeof|typeof|__typeof__|offsetof|likely|unlikely|if|while|for|switch|return|do|else|__builtin_\w+)$/;

/** Those of the text that are not among `read`, by their names. */
export function plainMacros(text: string, read: ReadonlySet<string>): FunctionRecord[] {
  const found: FunctionRecord[] = [];
  for (const match of text.matchAll(/^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)\(([^()\n]*)\)((?:[^\n\\]|\\\n|\\.)*)/gm)) {
    const [all, name = '', list = '', raw = ''] = match;
    if (read.has(name) || all.length > LONGEST) continue;
    const parameters = list
      .split(',')
      .map(p => p.trim())
      .filter(p => p !== '');
    const code = raw
      .replace(/\\\n/g, ' ')
      .replace(/\/\*.*?\*\/|\/\/.*/g, ' ')
      .replace(/"(?:[^"\\]|\\.)*"/g, '0')
      .replace(/,\s*##\s*(?=\w)/g, ', ')
      // A pasted name of a value is a value; a call of a pasted name depends on the call.
      .replace(/\b\w+(?:\s*##\s*\w+)+\b(?!\s*\()/g, '0')
      .replace(/\bdo\s*\{([^{};]*);?\s*\}\s*while\s*\(0\)$/, '$1')
      .trim();
    if (/[#{};]/.test(code) || (code === '' && parameters.length === 0)) continue;
    found.push({
      name,
      line: text.slice(0, match.index).split('\n').length,
      kind: 'macro',
      result: '',
      pointer: true,
      parameters: parameters.filter(p => !p.includes('...')).map(() => ''),
      nodes: stepsOf(code, parameters),
      ...(/->|\*\(/.test(code) ? { loads: true as const } : {}),
      ...(/[^=!<>]=[^=]|\+\+|--/.test(code) ? { stores: true as const } : {}),
    });
  }
  return found;
}

/** A tracepoint (include/linux/tracepoint.h) is a function that does nothing of its own: what is hooked to it is no part of the code that it stands in. */
export function tracepoints(text: string): FunctionRecord[] {
  const found = new Map<string, FunctionRecord>();
  for (const match of text.matchAll(
    /^(?:TRACE_EVENT\w*|DECLARE_TRACE\w*)\s*\(\s*(\w+)|^DEFINE_(?:EVENT\w*|RPC_\w+|\w+_EVENT)\s*\(\s*\w+\s*,\s*(\w+)/gm,
  )) {
    const name = match[1] ?? match[2] ?? '';
    for (const of of [`trace_${name}`, `trace_${name}_enabled`]) {
      const exit: RecordStep = { next: [], exit: { returns: of.endsWith('_enabled') ? 'value' : 'nothing' } };
      found.set(of, {
        name: of,
        line: text.slice(0, match.index).split('\n').length,
        kind: 'inline',
        result: '',
        parameters: [],
        nodes: [exit],
        loads: true,
      });
    }
  }
  return [...found.values()];
}

function stepsOf(code: string, parameters: readonly string[]): RecordStep[] {
  const position = new Map(parameters.map((p, i) => [p, i]));
  const roots: Roots = name => (position.has(name) ? String(position.get(name)) : undefined);
  const steps: RecordStep[] = [];
  const whole = /^\(?([A-Za-z_]\w*) ?\((.*)\)$/.exec(code.replace(/^\((.*)\)$/, '$1'));
  const args = whole && !WORDS.test(whole[1] ?? '') && !position.has(whole[1] ?? '') ? split(whole[2] ?? '') : null;
  if (whole && args) {
    const bare = args.map(arg => arg.replace(/\((\w+)\)/g, '$1'));
    const spread = bare.findIndex(arg => /__VA_ARGS__|\bargs\b/.test(arg));
    const where = bare.map((arg, i): Where => (spread >= 0 && i >= spread ? UNNAMED_PLACE : whereOfText(arg, roots)));
    const texts = bare.map(arg => (/^[\dA-Z_|& ]+$/.test(arg) && !position.has(arg) ? arg : null));
    steps.push({ next: [1], call: { name: whole[1] ?? '', args: where, texts, result: true } });
    steps.push({ next: [], exit: { returns: 'value', call: 0 } });
    const inner = args.join(' ');
    const calls = callsIn(inner, position);
    if (calls.length === 0) return steps;
    return [...calls.map((name, i): RecordStep => ({ next: [i + 1], call: unnamed(name) })), ...shifted(steps, calls.length)];
  }
  const calls = callsIn(code, position);
  return [...calls.map((name, i): RecordStep => ({ next: [i + 1], call: unnamed(name) })), { next: [], exit: { returns: 'value' } }];
}

function shifted(steps: readonly RecordStep[], by: number): RecordStep[] {
  return steps.map(s => ({
    ...s,
    next: s.next.map(n => n + by),
    ...(s.exit?.call !== undefined ? { exit: { ...s.exit, call: s.exit.call + by } } : {}),
  }));
}

function unnamed(name: string): NonNullable<RecordStep['call']> {
  return { name, args: [], texts: [], result: false };
}

function callsIn(code: string, parameters: ReadonlyMap<string, number>): string[] {
  return [...code.matchAll(/\b([A-Za-z_]\w*)\s*\(/g)].flatMap(([, name = '']) => (WORDS.test(name) || parameters.has(name) ? [] : [name]));
}

/** Arguments split at commas; null where the parentheses do not fit. */
function split(text: string): string[] | null {
  const found: string[] = [];
  let [depth, from] = [0, 0];
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === '(') depth++;
    if (c === ')' && --depth < 0) return null;
    if (i === text.length || (c === ',' && depth === 0)) {
      const arg = text.slice(from, i).trim();
      if (arg !== '') found.push(arg);
      from = i + 1;
    }
  }
  return depth === 0 ? found : null;
}
