/** The statement that a finding stands on, moved to a function of its own. */
import { type Edit, edited } from './edit.ts';
import { extracted, Helpers } from './helper.ts';
import { added, type Example, type Kind, type Transformed, wantedLines } from './kind.ts';
import { child, type Definition, isBare, type Node, type Source, textOf, variableOf, within } from './source.ts';

const WANT = /\/\* want: \S+ "[^"]*" \*\//g;
/** A guard ends with the scope that it stands in. */
const GUARD = /^(?:guard|CLASS)\s*\(/;
const STATEMENT = /_statement$|^declaration$/;

/** The statement that begins on the stretch, else the innermost one around it; null outside of functions. */
function statementAt(source: Source, { start, end }: { start: number; end: number }): { fn: Definition; statement: Node } | null {
  const fn = source.functions.find(f => f.body.start <= start && end <= f.body.end);
  if (!fn) return null;
  const all = within(fn.body).filter(n => STATEMENT.test(n.type) && n.type !== 'compound_statement');
  const first = all.find(n => n.start >= start && n.start < end);
  const around = all.filter(n => n.start <= start && start < n.end).at(-1);
  const statement = first ?? around;
  return statement ? { fn, statement } : null;
}

/** Does control leave the statement but at its end? */
function jumps(node: Node): boolean {
  return within(node).some(n => /^(?:return|goto|break|continue|labeled|case)_statement$/.test(n.type));
}

interface Part {
  node: Node;
  returns: string;
}

/** The part of the statement that is moved, and its type; null where no part can be. */
function partOf(source: Source, fn: Definition, statement: Node): Part | null {
  const given = (node: Node | null, returns: string): Part | null => (node && !isBare(node) ? { node, returns } : null);
  switch (statement.type) {
    case 'expression_statement': {
      const [of] = statement.children;
      if (GUARD.test(textOf(source, statement))) return null;
      const left = of?.type === 'assignment_expression' ? child(of, 'left') : null;
      const right = of && child(of, 'right');
      const plain = of?.children.some(n => n.type === '=') ?? false;
      const variable = left?.type === 'identifier' ? variableOf(fn, textOf(source, left), left.start) : null;
      if (variable && right && plain && !variable.array) return given(right, variable.type);
      return of ? { node: statement, returns: 'void' } : null;
    }
    case 'declaration': {
      const [of, ...more] = statement.children.filter(n => n.field === 'declarator');
      const value = of && child(of, 'value');
      const variable = fn.variables.find(v => v.from === of?.start && !v.array);
      return value && variable && more.length === 0 && value.type !== 'initializer_list' ? given(value, variable.type) : null;
    }
    case 'if_statement':
    case 'switch_statement':
    case 'do_statement':
    case 'while_statement': {
      if (!/^(?:if|switch|do|while)\b/.test(textOf(source, statement))) return jumps(statement) ? null : { node: statement, returns: 'void' };
      const condition = child(statement, 'condition');
      const inner = condition?.type === 'parenthesized_expression' ? condition.children[0] : condition;
      return given(inner ?? null, statement.type === 'switch_statement' ? 'int' : 'bool');
    }
    case 'for_statement':
      return jumps(statement) ? null : { node: statement, returns: 'void' };
    case 'return_statement':
      return given(statement.children[0] ?? null, fn.returns);
    default:
      return null;
  }
}

const wantedParts = (source: Source, example: Example) => wantedLines(example.text, example.rule).flatMap(line => statementAt(source, line) ?? []);

export const statementHelper: Kind = {
  name: 'statement helper',
  title: 'the faulty statement moved to a helper',
  reason: { silent: 'what a helper does is not seen in its caller here', alarm: '' },
  floor: { transformed: 95, agree: 36 },
  // A bare return, a jump, a guard or the end of a function is no statement that a helper could run.
  concerns(example) {
    const { source } = example;
    if (!source || example.verdict === 'good') return false;
    return wantedParts(source, example).some(
      w =>
        !/^(?:goto|break|continue|labeled|case)_statement$/.test(w.statement.type) &&
        !GUARD.test(textOf(source, w.statement)) &&
        (w.statement.type !== 'return_statement' || w.statement.children.some(n => !isBare(n))) &&
        (w.statement.type !== 'declaration' || w.statement.children.some(n => n.type === 'init_declarator')),
    );
  },
  transform(example): Transformed | null {
    const { source } = example;
    if (!source) return null;
    const helpers = new Helpers(source.text, 'step');
    const edits = new Map<number, Edit>();
    for (const at of wantedParts(source, example)) {
      const part = partOf(source, at.fn, at.statement);
      const moved = part && extracted(source, at.fn, [part.node], part.node.start, part.node.end);
      if (!part || !moved) continue;
      const body = part.returns === 'void' ? `\t${moved.text}` : `\treturn ${moved.text};`;
      const wants = body.match(WANT) ?? [];
      const plain = body.replace(WANT, '').replace(/[ \t]+$/gm, '');
      const call = [helpers.call(at.fn, part.returns, plain, moved, true) + (part.returns === 'void' ? ';' : ''), ...wants].join(' ');
      edits.set(part.node.start, { start: part.node.start, end: part.node.end, text: call });
    }
    if (edits.size === 0) return null;
    return added(example, { [example.path]: edited(source.text, [...helpers.edits(), ...edits.values()]) });
  },
};
