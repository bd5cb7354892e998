/** Assembler with its operands, in which macros stand where the grammar knows strings alone. */
import { blankOf } from './bare.ts';
import { closing, isWord, nextSolid, previousSolid, type TextEdit } from './scan.ts';

/** `asm volatile (`: what may stand between the word and its parenthesis. */
const QUALIFIERS = /(?:\s*(?:volatile|__volatile__|__volatile|goto|inline|__inline))*\s*/y;
const STATEMENT = /\b(?:else|do)\s*$/;
const OPERAND = /^\s*(?:\[\s*\w+\s*\]\s*)?\(/;

/** Gives a template that is made by macros an empty string, and so the constraint of an operand: `CC_OUT(c) (ok)`. `at` and `end` are where the word `asm` stands. */
export function assembler(text: string, code: string, at: number, end: number, edits: TextEdit[]): void {
  QUALIFIERS.lastIndex = end;
  const open = end + (QUALIFIERS.exec(code)?.[0].length ?? 0);
  if (code.charCodeAt(open) !== 40) return;
  const close = closing(code, open);
  if (close < 0) return;
  // `register long x asm("x1") = v;` names a register. The grammar does not know `__volatile`.
  if (
    isWord(code.charCodeAt(previousSolid(code, at))) &&
    /^\s*[=;,]/.test(code.slice(close, close + 100)) &&
    !STATEMENT.test(code.slice(0, at).slice(-8))
  ) {
    edits.push({ at, end: close, text: blankOf(text, at, close) });
    return;
  }
  if (/\b__volatile\s*$/.test(code.slice(end, open))) edits.push({ at: end, end: open, text: blankOf(text, end, open) });
  const [template, ...rest] = sections(code, open + 1, close - 1);
  // The strings are blanks in `code`.
  if (template && code.slice(template.at, template.end).trim() !== '') emptyString(text, template.at, template.end, edits);
  for (const section of rest.slice(0, 2)) {
    for (const operand of section.parts) {
      const written = code.slice(operand.at, operand.end);
      if (written.trim() === '' || OPERAND.test(written)) continue;
      if (/^\s*\w+\s*$/.test(written)) {
        // A macro that is a whole operand goes with its comma.
        const from = code[operand.at - 1] === ',' ? operand.at - 1 : operand.at;
        const to = from === operand.at && code[operand.end] === ',' ? operand.end + 1 : operand.end;
        edits.push({ at: from, end: to, text: blankOf(text, from, to) });
        continue;
      }
      const group = /^\s*\w+\s*(?:\([^()]*\)\s*)?(?=\()/.exec(written);
      if (group && /^\s*\((?:[^()]|\([^()]*\))*\)\s*$/.test(written.slice(group[0].length)))
        emptyString(text, operand.at, operand.at + group[0].length, edits);
    }
  }
}

interface Range {
  at: number;
  end: number;
}

/** The parts between colons, each with what its commas part. */
function sections(code: string, from: number, to: number): (Range & { parts: Range[] })[] {
  const found: (Range & { parts: Range[] })[] = [];
  let depth = 0;
  let parts: Range[] = [];
  let [start, part] = [from, from];
  for (let i = from; i <= to; i++) {
    const c = i === to ? 58 : code.charCodeAt(i);
    if (c === 40 || c === 91) depth++;
    else if (c === 41 || c === 93) depth--;
    if (depth > 0 || (c !== 58 && c !== 44)) continue;
    parts.push({ at: part, end: i });
    part = i + 1;
    if (c !== 58) continue;
    found.push({ at: start, end: i, parts });
    parts = [];
    start = i + 1;
  }
  return found;
}

function emptyString(text: string, at: number, end: number, edits: TextEdit[]): void {
  const blanked = blankOf(text, at, end);
  const from = nextSolid(text, at) - at;
  const room = blanked.indexOf('  ', Math.max(0, from));
  if (room >= 0) edits.push({ at, end, text: `${blanked.slice(0, room)}""${blanked.slice(room + 2)}` });
}
