/** Functions by the kernel's own layout: the braces of a body stand in the first column. */

/** Rows from 0: where the head begins, where the body opens and closes. */
export interface BodyRows {
  head: number;
  open: number;
  close: number;
}

/** Every body of the code, comments and strings blanked, whose braces stand in the first column, below a line that ends a list of parameters. */
export function bodiesByColumn(code: string): BodyRows[] {
  const found: BodyRows[] = [];
  let [row, counted] = [0, 0];
  /** Offsets are asked for in order. */
  const rowOf = (offset: number): number => {
    for (let next = code.indexOf('\n', counted); next >= 0 && next < offset; next = code.indexOf('\n', counted)) {
      row++;
      counted = next + 1;
    }
    return row;
  };
  for (let brace = code.indexOf('\n{'); brace >= 0; brace = code.indexOf('\n{', brace + 1)) {
    let start = startAbove(code, brace + 1);
    let up = 1;
    while (start > 0 && lineAt(code, start).trim() === '') {
      start = startAbove(code, start);
      up++;
    }
    const above = lineAt(code, start);
    if (!/\)\s*$|\)\s+__\w+\s*$/.test(above) || /=\s*\S*$/.test(above)) continue;
    const end = code.indexOf('\n}', brace + 1);
    if (end < 0) break;
    for (let line = above; start > 0; up++) {
      const before = startAbove(code, start);
      const next = lineAt(code, before);
      if (!continues(next, line)) break;
      [start, line] = [before, next];
    }
    const open = rowOf(brace + 1);
    found.push({ head: open - up, open, close: rowOf(end + 1) });
    brace = end;
  }
  return found;
}

/** Where the line above the one that starts at the offset starts. */
function startAbove(code: string, start: number): number {
  return start < 2 ? 0 : code.lastIndexOf('\n', start - 2) + 1;
}

function lineAt(code: string, start: number): string {
  const end = code.indexOf('\n', start);
  return code.slice(start, end < 0 ? code.length : end);
}

/** Is the line above part of the same head? A head's later lines are indented, or its first holds only the words before the name. */
function continues(above: string, line: string): boolean {
  if (above.trim() === '' || /[;{}]\s*$/.test(above) || above.startsWith('#')) return false;
  return /^\s/.test(line) || /^(?:static|inline|const|unsigned|struct|void|int|long|bool|__\w+|noinline|asmlinkage|[a-z]\w*)[\w\s*]*$/.test(above);
}
