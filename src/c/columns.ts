/** Functions by the kernel's own layout: the braces of a body stand in the first column. */

/** Rows from 0: where the head begins, where the body opens and closes. */
export interface Body {
  head: number;
  open: number;
  close: number;
}

/** Every body of the code, comments and strings blanked, whose braces stand in the first column, below a line that ends a list of parameters. */
export function bodiesByColumn(code: string): Body[] {
  if (!code.includes('\n{')) return [];
  const lines = code.split('\n');
  const found: Body[] = [];
  for (let open = 1; open < lines.length; open++) {
    if (!lines[open]?.startsWith('{')) continue;
    let above = open - 1;
    while (above > 0 && lines[above]?.trim() === '') above--;
    if (!/\)\s*$|\)\s+__\w+\s*$/.test(lines[above] ?? '') || /=\s*\S*$/.test(lines[above] ?? '')) continue;
    let close = open;
    while (close < lines.length && !lines[close]?.startsWith('}')) close++;
    if (close >= lines.length) break;
    let head = above;
    while (head > 0 && continues(lines[head - 1] ?? '', lines[head] ?? '')) head--;
    found.push({ head, open, close });
    open = close;
  }
  return found;
}

/** Is the line above part of the same head? A head's later lines are indented, or its first holds only the words before the name. */
function continues(above: string, line: string): boolean {
  if (above.trim() === '' || /[;{}]\s*$/.test(above) || above.startsWith('#')) return false;
  return /^\s/.test(line) || /^(?:static|inline|const|unsigned|struct|void|int|long|bool|__\w+|noinline|asmlinkage|[a-z]\w*)[\w\s*]*$/.test(above);
}
