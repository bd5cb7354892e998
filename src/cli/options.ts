/** The options that a command takes: by long name, with what stands for the value, or null for one without a value. */
export type OptionTable = Record<string, string | null>;

/** The arguments of one command, read. */
export interface Options {
  has(name: string): boolean;
  /** The value as given last; null where the option is not there. */
  value(name: string): string | null;
  /** All values, in order. */
  values(name: string): string[];
  /** What is no option, in order. */
  names: string[];
}

/** One-letter forms, as in `-o FILE`. */
const SHORT: Record<string, string> = { o: 'output' };

/**
 * Reads `--name`, `--name VALUE`, `--name=VALUE` and `-o VALUE`; `--` ends the options, and `-` is a name. Gives one sentence where the
 * arguments are not what the table allows, with the nearest option where one is near.
 */
export function readOptions(args: string[], table: OptionTable): Options | string {
  const found = new Map<string, string[]>();
  const names: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') {
      names.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      names.push(arg);
      continue;
    }
    // `-oFILE` is `-o FILE`.
    const letter = arg.startsWith('--') ? '' : arg.charAt(1);
    const short = Object.hasOwn(SHORT, letter) ? SHORT[letter] : undefined;
    const equals = short === undefined ? arg.indexOf('=') : arg.length > 2 ? 1 : -1;
    const word = short !== undefined ? arg.slice(0, 2) : equals < 0 ? arg : arg.slice(0, equals);
    const name = short ?? (letter === '' ? word.slice(2) : '');
    if (!Object.hasOwn(table, name)) return `no option is called ${word}${suggestion(word, spellings(table)) || '; --help lists them'}`;
    const wanted = table[name] ?? null;
    const values = found.get(name) ?? [];
    found.set(name, values);
    if (wanted === null) {
      if (equals >= 0) return `${word} takes no value`;
      continue;
    }
    const value = equals >= 0 ? arg.slice(equals + 1) : args[++at];
    if (value === undefined || value === '' || (equals < 0 && value.startsWith('-') && value !== '-')) return `${word} needs a value: ${wanted}`;
    values.push(value);
  }
  return {
    has: name => found.has(name),
    value: name => found.get(name)?.at(-1) ?? null,
    values: name => found.get(name) ?? [],
    names,
  };
}

function spellings(table: OptionTable): string[] {
  return [...Object.keys(table).map(name => `--${name}`), '--help'];
}

/** `; did you mean WORD?` where one of the words is near, else nothing. */
export function suggestion(word: string, known: readonly string[]): string {
  const found = nearestWord(word, known);
  return found === null ? '' : `; did you mean ${found}?`;
}

/** Words longer than this are no slip of the fingers. */
const LONGEST = 80;

/** The known word that starts so, or that is spelt nearest; null where none is near. */
export function nearestWord(word: string, known: readonly string[]): string | null {
  if (word.length > LONGEST) return null;
  const longer = word.length >= 4 ? known.find(k => k.startsWith(word)) : undefined;
  if (longer !== undefined) return longer;
  let best: string | null = null;
  // A third of the letters may be wrong: more would fit words of another meaning.
  let bound = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const k of known) {
    const away = distance(word, k);
    if (away < bound) {
      bound = away;
      best = k;
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and exchanges of two neighbours that make one word of the other (optimal string alignment). */
function distance(a: string, b: string): number {
  let [before, row]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
