/** Statements that stand as if a condition or a loop held them, and are outside of it. */
import type { Misled } from '../../model/code.ts';
import { type LineOf, type SliceOf, type Stmt, statementsIn } from './syntax.ts';

/** Documentation/process/coding-style.rst, 1) Indentation. */
const TAB = 8;

/** Every statement that follows the single statement of an `if`, an `else` or a loop on that statement's own indentation. */
export function misledIn(body: Stmt, line: LineOf, slice: SliceOf): Misled[] {
  const found: Misled[] = [];
  const work = [body];
  for (let stmt = work.pop(); stmt; stmt = work.pop()) {
    const list = statementsIn(stmt);
    work.push(...list);
    if (stmt.k !== 'block' && stmt.k !== 'case') continue;
    for (const [i, head] of list.entries()) {
      const next = list[i + 1];
      const misled = next && after(head, next, line, slice);
      if (misled) found.push(misled);
    }
  }
  return found.sort((a, b) => a.next - b.next);
}

function after(head: Stmt, next: Stmt, line: LineOf, slice: SliceOf): Misled | null {
  if (next.k === 'case' || next.k === 'label' || next.k === 'unread' || next.k === 'arms') return null;
  const at = (stmt: Stmt) => startOf(stmt, line, slice);
  let holder = head;
  for (let body = held(holder); body && body.k !== 'block'; body = held(holder)) {
    const [depth, own, follows] = [at(holder) ?? elseOf(body, line), at(body), at(next)];
    if (depth !== null && own !== null && follows !== null && body.line > holder.line && next.line > body.endLine && own > depth && follows === own) {
      if (hasNoDirective(holder, body, line) && betweenIsBare(body, next, line)) return misled(holder, body, next, line);
    }
    holder = body;
  }
  return null;
}

function misled(head: Stmt, body: Stmt, next: Stmt, line: LineOf): Misled {
  const text = (stmt: Stmt) => line(stmt.line).text.trim();
  const by = [head, body, next].flatMap(s => line(s.line).addedBy ?? []);
  return {
    line: head.line,
    body: body.line,
    next: next.line,
    text: { head: text(head), body: text(body), next: text(next) },
    addedBy: by.length > 0 ? Math.max(...by) : null,
  };
}

/** The statement that a condition or a loop holds last. */
function held(stmt: Stmt): Stmt | null {
  if (stmt.k === 'if') return stmt.no ?? stmt.yes;
  if (stmt.k === 'macro' || (stmt.k === 'loop' && stmt.form !== 'do')) return stmt.body;
  return null;
}

/** The column of a statement that begins its line; null of one that does not. */
function startOf(stmt: Stmt, line: LineOf, slice: SliceOf): number | null {
  const { text } = line(stmt.line);
  // A loop macro was made a loop of the same length: the line holds its own name.
  if (stmt.k === 'macro') return columnOf(text);
  const trimmed = text.trimStart();
  const [first = ''] = slice(stmt).split('\n');
  return trimmed !== '' && first !== '' && trimmed.startsWith(first.slice(0, 8).trimEnd()) ? columnOf(text) : null;
}

/** The column of the `else` above a statement. */
function elseOf(stmt: Stmt, line: LineOf): number | null {
  const { text } = line(stmt.line - 1);
  return /^\s*(?:\}\s*)?else\s*$/.test(text) ? columnOf(text) : null;
}

function columnOf(text: string): number {
  let column = 0;
  for (const char of text) {
    if (char === '\t') column += TAB - (column % TAB);
    else if (char === ' ') column++;
    else break;
  }
  return column;
}

/** A condition in an #if may not be there at all. */
function hasNoDirective(head: Stmt, body: Stmt, line: LineOf): boolean {
  for (let n = head.line + 1; n < body.line; n++) if (/^\s*#/.test(line(n).text)) return false;
  return true;
}

/** Nothing but blank lines stands between the two: a directive there gives the second a reason of its own. */
function betweenIsBare(body: Stmt, next: Stmt, line: LineOf): boolean {
  for (let n = body.endLine + 1; n < next.line; n++) if (line(n).text.trim() !== '') return false;
  const { text } = line(body.endLine);
  return /;\s*(?:\/\*.*|\/\/.*)?$/.test(text);
}
