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
const FORM = 1;
const MAGIC = 'fencepost table\n';
/** Characters of a block before it is packed. */
const BLOCK = 16_000;
/** Blocks that are kept unpacked. */
const MOST_BLOCKS = 800;
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
  const kept = new Map<number, Block>();
  /** Throws where the block is damaged. */
  const read = (i: number): Block => {
    const known = kept.get(i);
    if (known) return known;
    const entry = index[i];
    if (!entry) return NO_BLOCK;
    const own = bytes.subarray(entry.at, entry.at + entry.length);
    if (sumOf(own) !== entry.sum) throw new Error(`the block of ${entry.first} is damaged`);
    const lines = blockOf(decoder.decode(unpack(own)));
    if (kept.size >= MOST_BLOCKS) kept.clear();
    kept.set(i, lines);
    return lines;
  };
  const block = (i: number): Block => {
    try {
      return read(i);
    } catch {
      return NO_BLOCK;
    }
  };
  return {
    table: {
      head: said.head,
      lines: word => {
        const at = lastUpTo(index.length, i => (index[i]?.first ?? '') <= word);
        const of = at < 0 ? NO_BLOCK : block(at);
        const found: string[] = [];
        for (let i = lastUpTo(of.words.length, n => (of.words[n] ?? '') < word) + 1; of.words[i] === word; i++) found.push(lineAt(of, i));
        return found;
      },
      block: i => linesOf(block(i)),
      all: () => index.flatMap((_, i) => linesOf(read(i))),
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

/** An unpacked block: the words, and what stands behind each. */
interface Block {
  words: readonly string[];
  rests: readonly string[];
}

const NO_BLOCK: Block = { words: [], rests: [] };

function blockOf(text: string): Block {
  const parts = text.split('\n');
  const count = parts.length / 2;
  const words: string[] = [];
  let before = '';
  for (let i = 0; i < count; i++) {
    const part = parts[i] ?? '';
    before = before.slice(0, part.charCodeAt(0) - NO_PREFIX) + part.slice(1);
    words.push(before);
  }
  return { words, rests: parts.slice(count) };
}

function lineAt({ words, rests }: Block, i: number): string {
  const rest = rests[i] ?? '';
  return rest === '' ? (words[i] ?? '') : `${words[i]}\t${rest}`;
}

function linesOf(block: Block): string[] {
  return block.words.map((_, i) => lineAt(block, i));
}

function wordOf(line: string): string {
  const tab = line.indexOf('\t');
  return tab < 0 ? line : line.slice(0, tab);
}

/** A sum of the bytes, four at a time: it is made anew for each block that is read, before anything is compiled, and so must be short. */
function sumOf(bytes: Uint8Array): number {
  // A copy of its own, since what holds the bytes may hold others.
  const even = new Uint8Array(bytes.length & ~3);
  even.set(bytes.subarray(0, even.length));
  const words = new Uint32Array(even.buffer);
  let sum = bytes.length;
  for (const word of words) sum = (Math.imul(sum, 31) + word) | 0;
  for (let i = even.length; i < bytes.length; i++) sum = (Math.imul(sum, 31) + (bytes[i] ?? 0)) | 0;
  return sum >>> 0;
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
