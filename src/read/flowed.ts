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
    const lines = latin1(decodeTransfer(bytes.subarray(at, stop), encoding)).split('\n');
    const rest = lines.pop() ?? '';
    lines.forEach((line, place) => {
      // What was held is the start of the first line, and is unstuffed with it.
      if (place === 0) flow.unstuffHeld();
      flow.line(`${line}\n`, place === 0);
    });
    flow.hold(rest);
    at = stop;
  }
  return flow.end();
}

/** Joins lines. What is held stays in pieces: joined at every line, a long paragraph would be copied over and over. */
class Flow {
  private readonly delSp: boolean;
  private readonly join: boolean;
  private readonly out: string[] = [];
  /** None of them empty, from `first` on. */
  private held: string[] = [];
  private first = 0;

  constructor(delSp: boolean, join: boolean) {
    this.delSp = delSp;
    this.join = join;
  }

  /** Takes a line with its line feed. With `goesOn` what is held is a part of it: its start was unstuffed, and its end may be the line's. */
  line(line: string, goesOn = false): void {
    let end = line.endsWith('\n') ? line.length - 1 : line.length;
    if (end < line.length && end > 0 && line.charCodeAt(end - 1) === 13) end--;
    const whole = goesOn && this.held.length > this.first;
    if (end === 3 && line.startsWith('-- ') && !whole) {
      this.flush();
      this.out.push(line);
      return;
    }
    const start = !whole && end > 0 && line.charCodeAt(0) === 32 ? 1 : 0;
    const last = this.held.length > this.first ? this.held.at(-1) : undefined;
    if (this.join && end > start && line.charCodeAt(end - 1) === 32) this.hold(line.slice(start, this.delSp ? end - 1 : end));
    else if (this.join && whole && end === 0 && last?.endsWith(' ')) {
      this.held.pop();
      this.hold(this.delSp ? last.slice(0, -1) : last);
    } else {
      this.flush();
      this.out.push(line.slice(start));
    }
  }

  hold(text: string): void {
    if (text !== '') this.held.push(text);
  }

  unstuffHeld(): void {
    const piece = this.held[this.first];
    if (piece?.charCodeAt(0) !== 32) return;
    if (piece.length > 1) this.held[this.first] = piece.slice(1);
    else this.first++;
  }

  end(): string {
    this.flush();
    return this.out.join('');
  }

  private flush(): void {
    for (; this.first < this.held.length; this.first++) this.out.push(this.held[this.first] ?? '');
    this.held = [];
    this.first = 0;
  }
}
