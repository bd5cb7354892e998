/**
 * A sorted table of lines, each found by its first word: blocks that are packed one by one, an index of their first words, and a head that says of
 * what and of how many bytes it is. What is asked for costs the reading of one block.
 */

/** How bytes are packed and unpacked, by what the machine has for it. */
export interface Packing {
  pack(bytes: Uint8Array): Uint8Array;
  unpack(bytes: Uint8Array): Uint8Array;
}

/** What a table is of; `form` is raised whenever older readers could not read what is written. */
export interface Head {
  form: number;
  what: string;
  kernel: string;
  /** Tells the files of that kernel that were read from others; empty where it is not known. */
  from: string;
  rows: number;
}

export interface Table {
  head: Head;
  /** The lines whose first word, up to a tab, this is; none where there is none, or where its block is damaged. */
  lines(word: string): readonly string[];
  /** All lines of the block with that number, in the order of the table; none where it is damaged. */
  block(number: number): readonly string[];
  /** All lines in order. Throws where a block is damaged. */
  all(): string[];
}

/** The form that is written and read here. */
export const FORM = 1;
const MAGIC = 'fencepost table\n';
/** Characters of a block before it is packed. */
const BLOCK = 32_000;
/** Blocks that are kept unpacked. */
const MOST_BLOCKS = 400;
/** A head is no longer than this. */
const LONGEST_HEAD = 512;

/** Lines that are packed together, those of one word in one block. */
export function blocksOf(lines: readonly string[]): string[][] {
  const blocks: string[][] = [];
  let own: string[] = [];
  let size = 0;
  for (const line of lines) {
    if (size >= BLOCK && wordOf(own.at(-1) ?? '') !== wordOf(line)) {
      blocks.push(own);
      own = [];
      size = 0;
    }
    own.push(line);
    size += line.length + 1;
  }
  if (own.length > 0) blocks.push(own);
  return blocks;
}

/** The table as bytes; lines must be in the order of UTF-16 units of their first words. */
export function writeTable(about: Omit<Head, 'form' | 'rows'>, lines: readonly string[], { pack }: Pick<Packing, 'pack'>): Uint8Array {
  const encoder = new TextEncoder();
  const blocks = blocksOf(lines).map(own => ({ first: wordOf(own[0] ?? ''), bytes: pack(encoder.encode(blockText(own))) }));
  const index = pack(encoder.encode(blocks.map(b => `${b.first}\t${b.bytes.length}\t${sumOf(b.bytes)}`).join('\n')));
  const body = blocks.reduce((n, b) => n + b.bytes.length, 0);
  const head = encoder.encode(
    `${MAGIC}${JSON.stringify({ form: FORM, ...about, rows: lines.length, index: index.length, sum: sumOf(index), body })}\n`,
  );
  const out = new Uint8Array(head.length + index.length + body);
  out.set(head);
  out.set(index, head.length);
  let at = head.length + index.length;
  for (const { bytes } of blocks) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

/** The table in the bytes, or in a few words what is wrong with them. */
export function openTable(bytes: Uint8Array, { unpack }: Pick<Packing, 'unpack'>): { table: Table } | { problem: string } {
  const decoder = new TextDecoder();
  const start = decoder.decode(bytes.subarray(0, LONGEST_HEAD));
  if (!start.startsWith(MAGIC)) return { problem: 'is no table' };
  const end = start.indexOf('\n', MAGIC.length);
  const said = end < 0 ? null : headOf(start.slice(MAGIC.length, end));
  if (!said) return { problem: 'has a head that cannot be read' };
  if (said.head.form > FORM) return { problem: `is of a newer form (${said.head.form}) than this program reads (${FORM})` };
  const from = end + 1;
  if (bytes.length !== from + said.index + said.body) return { problem: 'is cut, or longer than it says' };
  const packed = bytes.subarray(from, from + said.index);
  if (sumOf(packed) !== said.sum) return { problem: 'is damaged' };
  const index = indexOf(decoder.decode(unpack(packed)), from + said.index);
  const kept = new Map<number, readonly string[]>();
  /** Throws where the block is damaged. */
  const read = (i: number): readonly string[] => {
    const known = kept.get(i);
    if (known) return known;
    const entry = index[i];
    if (!entry) return [];
    const own = bytes.subarray(entry.at, entry.at + entry.length);
    if (sumOf(own) !== entry.sum) throw new Error(`the block of ${entry.first} is damaged`);
    const lines = linesOf(decoder.decode(unpack(own)));
    if (kept.size >= MOST_BLOCKS) kept.clear();
    kept.set(i, lines);
    return lines;
  };
  const block = (i: number): readonly string[] => {
    try {
      return read(i);
    } catch {
      return [];
    }
  };
  return {
    table: {
      head: said.head,
      lines: word => {
        const at = lastUpTo(index.length, i => (index[i]?.first ?? '') <= word);
        const lines = at < 0 ? [] : block(at);
        const found: string[] = [];
        for (let i = lastUpTo(lines.length, n => wordOf(lines[n] ?? '') < word) + 1; wordOf(lines[i] ?? '\n') === word; i++)
          found.push(lines[i] ?? '');
        return found;
      },
      block,
      all: () => index.flatMap((_, i) => read(i)),
    },
  };
}

/** The last of the numbers below `count` for which it holds, which it does up to some number; -1 where for none. */
function lastUpTo(count: number, holds: (i: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function indexOf(text: string, from: number): { first: string; at: number; length: number; sum: number }[] {
  let at = from;
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [first = '', length, sum] = line.split('\t');
      const entry = { first, at, length: Number(length), sum: Number(sum) };
      at += entry.length;
      return entry;
    });
}

/** Prefixes of the word before are written as one character, from this one for none. */
const NO_PREFIX = 48;
const LONGEST_PREFIX = 70;

/** Words first, each without what it has in common with the one before, then the rest of the lines: so the packing finds more that is alike. */
function blockText(lines: readonly string[]): string {
  let before = '';
  const words = lines.map(line => {
    const word = wordOf(line);
    let common = 0;
    while (common < LONGEST_PREFIX && common < word.length && word[common] === before[common]) common++;
    before = word;
    return `${String.fromCharCode(NO_PREFIX + common)}${word.slice(common)}`;
  });
  return [...words, ...lines.map(line => line.slice(wordOf(line).length + 1))].join('\n');
}

function linesOf(text: string): string[] {
  const parts = text.split('\n');
  const count = parts.length / 2;
  let before = '';
  return parts.slice(0, count).map((part, i) => {
    const word = `${before.slice(0, part.charCodeAt(0) - NO_PREFIX)}${part.slice(1)}`;
    before = word;
    const rest = parts[count + i] ?? '';
    return rest === '' ? word : `${word}\t${rest}`;
  });
}

function wordOf(line: string): string {
  const tab = line.indexOf('\t');
  return tab < 0 ? line : line.slice(0, tab);
}

/** Adler-32 (RFC 1950, section 9). */
function sumOf(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (let from = 0; from < bytes.length; from += 3000) {
    for (let i = from; i < Math.min(bytes.length, from + 3000); i++) {
      a += bytes[i] ?? 0;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}

function headOf(text: string): { head: Head; index: number; sum: number; body: number } | null {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof said !== 'object' || said === null) return null;
  const of = new Map<string, unknown>(Object.entries(said));
  const number = (key: string) => {
    const value = of.get(key);
    return typeof value === 'number' ? value : Number.NaN;
  };
  const word = (key: string) => {
    const value = of.get(key);
    return typeof value === 'string' ? value : '';
  };
  const head: Head = { form: number('form'), what: word('what'), kernel: word('kernel'), from: word('from'), rows: number('rows') };
  const [index, sum, body] = [number('index'), number('sum'), number('body')];
  return [head.form, head.rows, index, sum, body].some(Number.isNaN) ? null : { head, index, sum, body };
}
