/** What b4 makes of what it reads, after its own sources: tests hold the formats to it. */

/** Python's str.splitlines(). */
export function splitlines(text: string): string[] {
  const lines = text.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

export interface CheckRow {
  flag: 'success' | 'warning' | 'fail';
  text: string;
}

/** run_local_check(), of prep-perpatch-check-cmd and am-perpatch-check-cmd. */
export function localCheck(name: string, { out, err, status }: { out: string; err: string; status: number | null }): CheckRow[] {
  const rows: CheckRow[] = [];
  if (out.trim() !== '') {
    for (const line of out.trim().split('\n'))
      rows.push({ flag: line.includes('ERROR:') ? 'fail' : 'warning', text: `${name}: ${line.replace(/^-:/, '')}` });
  }
  if (err.trim() !== '') for (const line of err.trim().split('\n')) rows.push({ flag: 'fail', text: `${name}: ${line}` });
  if (rows.length > 0) return rows;
  return [
    status === 0 ? { flag: 'success', text: `${name}: passed all checks` } : { flag: 'fail', text: `${name}: Exited with error code ${status}` },
  ];
}

export interface Check {
  tool: string;
  status: string;
  summary: string;
  rows: { status: string; text: string }[];
}

/** _run_external_cmd() of review-perpatch-check-cmd, and the rows that the panel of details shows. */
export function reviewCheck(out: string, status: number | null): Check[] {
  if (out.trim() === '') return status === 0 ? [] : [{ tool: 'fencepost', status: 'fail', summary: `exited with error code ${status}`, rows: [] }];
  const data: unknown = JSON.parse(out);
  return (Array.isArray(data) ? data : [data]).map(entry => {
    const { tool = 'fencepost', status = 'fail', summary = '', details = '' } = entry;
    // SQLite takes no list.
    if (typeof details !== 'string') throw new Error('details are no text');
    const rows: { status: string; context: string; state: string; description: string }[] = JSON.parse(details);
    return {
      tool,
      status: ['pass', 'warn', 'fail'].includes(status) ? status : 'fail',
      summary,
      rows: rows.map(r => ({ status: r.status, text: `${r.state}  ${r.context} — ${r.description}` })),
    };
  });
}

export interface InlineComment {
  path: string;
  line: number;
  text: string;
  content: string;
}

/** _integrate_agent_reviews() and _extract_comments_from_quoted_reply(), of one NNNN.txt. */
export function agentReview(file: string): { note: string; comments: InlineComment[]; diff: string[] } {
  const text = file.replace(/\r\n?/g, '\n');
  const at = text.startsWith('> diff --git ') ? -1 : text.indexOf('\n> diff --git ');
  const note = (at < 0 ? '' : text.slice(0, at)).trim();
  const comments: InlineComment[] = [];
  const diff: string[] = [];
  let [a, b, aLine, bLine] = ['', '', 0, 0];
  let [isDiff, isHunk] = [false, false];
  let last = { path: '', line: 0, content: '' };
  let pending: string[] = [];
  const flush = () => {
    const said = pending.join('\n').trim();
    if (said !== '' && last.path !== '') comments.push({ ...last, text: said });
    pending = [];
  };
  for (const line of splitlines(text.slice(at + 1))) {
    if (!line.startsWith('>')) {
      if (line.trim() !== '[ ... ]' && isDiff) pending.push(line);
      continue;
    }
    const raw = line.startsWith('> ') ? line.slice(2) : line.slice(1);
    diff.push(raw);
    flush();
    const header = /^diff --git a\/(.*) b\/(.*)$/.exec(raw);
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(raw);
    if (header) [isDiff, isHunk, a, b] = [true, false, header[1] ?? '', header[2] ?? ''];
    else if (/^--- (?:a\/|\/dev\/null)/.test(raw)) a = raw.slice(4);
    else if (/^\+\+\+ (?:b\/|\/dev\/null)/.test(raw)) b = raw.slice(4);
    else if (hunk) [isHunk, aLine, bLine, last] = [true, Number(hunk[1]), Number(hunk[2]), { path: b, line: Number(hunk[2]), content: '' }];
    else if (isHunk && raw.startsWith('-')) last = { path: a, line: aLine++, content: raw };
    else if (isHunk && raw.startsWith('+')) last = { path: b, line: bLine++, content: raw };
    else if (isHunk && (raw === '' || raw.startsWith(' '))) {
      last = { path: b, line: bLine++, content: raw };
      aLine++;
    }
  }
  flush();
  return { note, comments, diff };
}
