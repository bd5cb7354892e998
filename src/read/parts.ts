import { type Headers, parameter, readHeaders } from './headers.ts';
import { MAX_MIME_PARTS } from './limits.ts';

/** A stretch of a mail's body under one set of MIME headers, as git mailinfo takes it. */
export interface Part {
  start: number;
  end: number;
  encoding: string;
  charset: string;
  flowed: boolean;
  delSp: boolean;
  /** How many multiparts close before this part: git hands on an empty line for each. */
  closes: number;
}

/** The parts of a mail in git's order, and the headers of parts that stand in where the mail itself has none. */
export interface Parts {
  parts: Part[];
  headers: Headers[];
  problem: string | null;
}

/**
 * Walks the body of a mail with boundaries by git mailinfo's rules (handle_body, handle_boundary), which are looser than RFC 2046: a line
 * that starts with the innermost boundary parts the body, whatever follows on it; a boundary right behind the headers of a multipart is
 * not seen as one, so that such a mail reads as text, headers of the inner part and all. `text` holds the mail's bytes as characters of
 * the same code, so that places in the one are places in the other. `types` are the mail's own Content-Type values.
 */
export function walkParts(text: string, bodyStart: number, types: string[], encoding: string): Parts {
  const out: Parts = { parts: [], headers: [], problem: null };
  const boundaries: string[] = [];
  let flowed = false;
  let delSp = false;
  let charset = '';
  const enter = (type: string) => {
    flowed = parameter(type, 'format')?.toLowerCase() === 'flowed';
    delSp = parameter(type, 'delsp')?.toLowerCase() === 'yes';
    charset = parameter(type, 'charset') ?? '';
    const boundary = parameter(type, 'boundary');
    if (boundary === null) return;
    if (boundaries.length >= MAX_BOUNDARIES - 1) out.problem = 'too many boundaries for git';
    else boundaries.push(`--${boundary}`);
  };
  for (const type of types) enter(type);
  const top = () => boundaries.at(-1);
  let at = bodyStart;
  let transfer = encoding;
  let closes = 0;
  let isFirst = true;
  for (;;) {
    const boundary = top();
    const line = boundary === undefined ? -1 : findBoundary(text, at, boundary);
    // What stands before the first boundary is not looked at; without any the mail has no body.
    if (!isFirst || boundary === undefined) {
      if (out.parts.length >= MAX_MIME_PARTS) {
        out.problem ??= `more than ${MAX_MIME_PARTS} parts; the rest is not read`;
        return out;
      }
      out.parts.push({ start: at, end: line < 0 ? text.length : line, encoding: transfer, charset, flowed, delSp, closes });
    }
    isFirst = false;
    if (line < 0) return out;
    // Closing boundaries, and the text up to the next boundary of the multipart around.
    let mark = line;
    closes = 0;
    for (let open = top(); open !== undefined && text.startsWith('--', mark + open.length) && mark >= 0; open = top()) {
      boundaries.pop();
      closes++;
      const outer = top();
      mark = outer === undefined ? -1 : findBoundary(text, lineEnd(text, mark), outer);
      if (mark < 0) {
        out.parts.push({ start: text.length, end: text.length, encoding: '', charset: '', flowed: false, delSp: false, closes });
        return out;
      }
    }
    transfer = '';
    charset = '';
    const headers = readHeaders(text, lineEnd(text, mark));
    out.headers.push(headers);
    for (const type of headers.fields.get('content-type') ?? []) enter(type);
    transfer = headers.fields.get('content-transfer-encoding')?.at(-1) ?? '';
    // git drops the line that ends the headers even where it is no blank one, and does not ask whether the next is a boundary.
    at = headers.blank ? headers.end : lineEnd(text, headers.end);
    if (at >= text.length) return out;
    const next = top();
    if (next !== undefined && text.startsWith(next, at)) {
      const end = lineEnd(text, at);
      out.parts.push({ start: at, end, encoding: transfer, charset, flowed, delSp, closes });
      closes = 0;
      at = end;
    }
  }
}

/** git mailinfo's own bound; one place of it is never used. */
const MAX_BOUNDARIES = 5;

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

function findBoundary(text: string, from: number, boundary: string): number {
  if (text.startsWith(boundary, from)) return from;
  const at = text.indexOf(`\n${boundary}`, from);
  return at < 0 ? -1 : at + 1;
}
