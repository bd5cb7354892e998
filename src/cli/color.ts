import type { Options } from './options.ts';

/** The options that choose colours. */
export const COLOR_OPTIONS = { color: 'auto, always or never', 'no-color': null };

const WHEN = ['auto', 'always', 'never'] as const;

/**
 * Whether findings are coloured: as the options say, else on a terminal where NO_COLOR is not set (no-color.org). One sentence where
 * `--color` has another word. A report that goes to a file or is JSON has no colours but by `always`, JSON never.
 */
export function colorOf(options: Options, terminal: boolean): boolean | string {
  const given = options.value('color') ?? 'auto';
  const when = WHEN.find(w => w === given);
  if (when === undefined) return `--color takes ${WHEN.join(', ')}, not ${given}`;
  if (options.has('no-color') || when === 'never') return false;
  if (when === 'always') return true;
  return terminal && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

const SEVERITY: Record<string, string> = { error: '31', warning: '33', note: '36' };
const paint = (code: string, text: string) => `\x1b[${code}m${text}\x1b[m`;

/** A report as lines or notes with its severities and quoted lines coloured. The text itself is safe before it comes here. */
export function colored(text: string): string {
  return text
    .replace(/^([^\n]*?:\d+: )(ERROR|WARNING|NOTE)(?=: )/gm, (_, place: string, word: string) => place + severity(word))
    .replace(/^( {2}(?:\S[^\n]* {2})?)(error|warning|note)(?=: [\w-]+ \[[0-9a-f]+\]$)/gm, (_, place: string, word: string) => place + severity(word))
    .replace(/^> +\+[^\n]*$/gm, line => paint('32', line))
    .replace(/^> +-[^\n]*$/gm, line => paint('31', line));
}

function severity(word: string): string {
  return paint(SEVERITY[word.toLowerCase()] ?? '1', word);
}
