import { latin1 } from './charset.ts';
import { decodeTransfer } from './transfer.ts';

/**
 * The lines of a `format=flowed` text (RFC 3676) as git mailinfo joins them: one leading space off, a line that ends in a space goes on in
 * the next (less that space under DelSp), `-- ` stays. With `join` false only the leading spaces go, which keeps quotes line by line.
 */
export function unflow(text: string, delSp: boolean, join = true): string {
  const flow = new Flow(delSp, join);
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('\n', at);
    const stop = next < 0 ? text.length : next + 1;
    flow.line(text.slice(at, stop));
    at = stop;
  }
  return flow.end();
}

/**
 * The same for a text that is quoted-printable or base64 as well. git undoes both line by line and holds soft line breaks of either kind
 * in one place, so that a joined line is looked at twice: a leading space is taken off it each time. Gives bytes as characters.
 */
export function unflowEncoded(bytes: Uint8Array, encoding: string, delSp: boolean): string {
  const flow = new Flow(delSp, true);
  for (let at = 0; at < bytes.length; ) {
    let stop = at;
    while (stop < bytes.length && bytes[stop] !== 10) stop++;
    stop = Math.min(stop + 1, bytes.length);
    const lines = (flow.take() + latin1(decodeTransfer(bytes.subarray(at, stop), encoding))).split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) flow.line(`${line}\n`);
    flow.hold(rest);
    at = stop;
  }
  return flow.end();
}

class Flow {
  private readonly delSp: boolean;
  private readonly join: boolean;
  private readonly out: string[] = [];
  private held = '';

  constructor(delSp: boolean, join: boolean) {
    this.delSp = delSp;
    this.join = join;
  }

  line(line: string): void {
    let end = line.endsWith('\n') ? line.length - 1 : line.length;
    if (end < line.length && end > 0 && line.charCodeAt(end - 1) === 13) end--;
    if (end === 3 && line.startsWith('-- ')) {
      this.out.push(this.take(), line);
      return;
    }
    const start = end > 0 && line.charCodeAt(0) === 32 ? 1 : 0;
    if (this.join && end > start && line.charCodeAt(end - 1) === 32) this.held += line.slice(start, this.delSp ? end - 1 : end);
    else this.out.push(this.take(), line.slice(start));
  }

  /** What is held back, which is then held no longer. */
  take(): string {
    const held = this.held;
    this.held = '';
    return held;
  }

  hold(text: string): void {
    this.held += text;
  }

  end(): string {
    this.out.push(this.take());
    return this.out.join('');
  }
}
