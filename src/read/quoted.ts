import type { Comment, FileDiff, Person } from '../model/series.ts';
import { MAX_COMMENT_LENGTH, MAX_COMMENTS } from './limits.ts';

/** A line of a patch by which a quote of it is found again. */
interface CodeLine {
  path: string;
  line: number;
  side: 'new' | 'old';
  /** The mark and the text, white space off: quoting damages white space before all else. */
  key: string;
}

/** A patch as an index of its lines. */
export interface QuoteIndex {
  patch: string;
  lines: CodeLine[];
  /** Where a line stands, by its key; and by the start of its key, for quotes that were broken. */
  places: Map<string, number[]>;
  starts: Map<string, number[]>;
}

/** Makes the lines of a patch findable. `patch` is its message-id. */
export function indexPatch(patch: string, files: FileDiff[]): QuoteIndex {
  const index: QuoteIndex = { patch, lines: [], places: new Map(), starts: new Map() };
  const add = (key: string, path: string, line: number, side: 'new' | 'old') => {
    note(index.places, key, index.lines.length);
    if (key.length > MIN_BROKEN) note(index.starts, key.slice(0, MIN_BROKEN), index.lines.length);
    index.lines.push({ path, line, side, key });
  };
  for (const { path, hunks } of files)
    for (const hunk of hunks) {
      add(squash(`@@ -${hunk.oldStart},${hunk.oldCount} +${hunk.newStart},${hunk.newCount} @@`), path, hunk.newStart, 'new');
      for (const { kind, text, oldLine, newLine } of hunk.lines) {
        const mark = kind === 'add' ? '+' : kind === 'remove' ? '-' : '';
        add(mark + squash(text), path, newLine ?? oldLine ?? 0, newLine === null ? 'old' : 'new');
      }
    }
  return index;
}

/**
 * What a reply says under lines of a patch that it quotes, at any depth of quoting. Quotes are matched in their order, white space aside and
 * wrapped ones in pieces; own words count for the last line of code in the quote right above them. Trailers and the signature are no
 * comment, nor are words under quotes of text.
 */
export function readComments(body: string, from: Person | null, messageId: string, index: QuoteIndex): Comment[] {
  const comments: Comment[] = [];
  const search = new Search(index);
  let place: CodeLine | null = null;
  let own: string[] = [];
  const flush = () => {
    const text = ownWords(own);
    own = [];
    if (place && text !== '' && comments.length < MAX_COMMENTS)
      comments.push({
        from,
        messageId,
        patch: index.patch,
        path: place.path,
        line: place.line,
        side: place.side,
        text: text.slice(0, MAX_COMMENT_LENGTH),
      });
  };
  for (const line of body.split('\n')) {
    const quoted = unquote(line);
    if (quoted === null) {
      if (line === '-- ' || line === '-- \r') break;
      // A long line that the mailer broke goes on without a quote mark.
      if (own.length > 0 || !search.continues(line)) own.push(line);
      continue;
    }
    if (own.some(text => text.trim() !== '')) {
      flush();
      place = null;
    }
    own = [];
    place = search.find(quoted) ?? place;
  }
  flush();
  return comments;
}

/** Whether a body has quotes at all, with words of its own below one. */
export function hasQuotes(body: string): boolean {
  return /^[ \t]{0,2}[>|]/m.test(body);
}

/** Finds quoted lines in a patch, going forward as quotes do. */
class Search {
  private readonly index: QuoteIndex;
  /** The place last found; -1 before the first. */
  private at = -1;
  /** What of the line at `at` a broken quote has not shown yet. */
  private rest = '';

  constructor(index: QuoteIndex) {
    this.index = index;
  }

  find(quoted: string): CodeLine | null {
    if (this.continues(quoted)) return this.index.lines[this.at] ?? null;
    this.rest = '';
    const key = squash(quoted);
    const { lines, places } = this.index;
    const next = lines[this.at + 1];
    if (next && this.at >= 0 && next.key === key) return this.found(this.at + 1);
    const known = places.get(key.startsWith('@@') ? hunkKey(key) : key);
    if (known && weight(key) >= MIN_WEIGHT) return this.found(after(known, this.at) ?? known[0] ?? this.at);
    // Short lines, `}` among them, count only in the neighbourhood of what was found.
    const near = this.at >= 0 && known ? after(known, this.at) : undefined;
    if (near !== undefined && near - this.at <= NEAR) return this.found(near);
    return this.broken(key);
  }

  /** Takes `text` for the rest of a line that was broken in quoting. */
  continues(text: string): boolean {
    const key = squash(text);
    if (this.rest === '' || key === '' || !this.rest.startsWith(key)) return false;
    this.rest = this.rest.slice(key.length);
    return true;
  }

  /** A quote that shows only the start of a line: the line was broken. */
  private broken(key: string): CodeLine | null {
    if (key.length < MIN_BROKEN) return null;
    const { lines, starts } = this.index;
    const known = starts.get(key.slice(0, MIN_BROKEN)) ?? [];
    const fits = (place: number) => lines[place]?.key.startsWith(key) === true;
    const place = known.slice(0, MAX_ALIKE).find(at => at > this.at && fits(at)) ?? known.slice(0, MAX_ALIKE).find(fits);
    const line = place === undefined ? undefined : lines[place];
    if (place === undefined || !line) return null;
    this.at = place;
    this.rest = line.key.slice(key.length);
    return line;
  }

  private found(place: number): CodeLine | null {
    this.at = place;
    this.rest = '';
    return this.index.lines[place] ?? null;
  }
}

/** Letters and digits that a line must have to be known by itself. */
const MIN_WEIGHT = 6;
/** Lines between two quoted ones that may be cut. */
const NEAR = 12;
const MIN_BROKEN = 16;
/** Lines with the same start that are looked at for one broken quote. */
const MAX_ALIKE = 100;
/** `> `, `>> `, `| `: depth does not matter. */
const QUOTE = /^[ \t]{0,2}(?:[>|][ \t]?){1,40}/;

function note(map: Map<string, number[]>, key: string, place: number): void {
  const known = map.get(key);
  if (known) known.push(place);
  else map.set(key, [place]);
}

/** The first of rising places that lies behind `at`. */
function after(places: number[], at: number): number | undefined {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? 0) > at) high = middle;
    else low = middle + 1;
  }
  return places[low];
}

/** A quoted line without its marks; null where it is not quoted. A space that belongs to a context line may go with them. */
function unquote(line: string): string | null {
  const mark = QUOTE.exec(line)?.[0];
  return mark === undefined ? null : line.slice(mark.length);
}

/** The line without white space; no-break spaces are white space too. A mark of the diff stays in front. */
function squash(text: string): string {
  return text.replace(/\s+/g, '');
}

/** A hunk header up to its second `@@`: what follows is as a rule cut or reflowed. */
function hunkKey(key: string): string {
  const full = /^@@-(\d+)(?:,(\d+))?\+(\d+)(?:,(\d+))?@@/.exec(key);
  return full ? `@@-${full[1]},${full[2] ?? 1}+${full[3]},${full[4] ?? 1}@@` : key;
}

function weight(key: string): number {
  return key.replace(/[^\p{L}\p{N}_]/gu, '').length;
}

/** Own words: blank lines around, trailers, `[...]` for cuts and the line that introduces a quote (`On ..., NAME wrote:`) taken off. */
function ownWords(lines: string[]): string {
  const kept = lines
    .map(line => line.trimEnd())
    .filter(line => !/^\s*[A-Z][A-Za-z-]{2,40}-by:\s+\S/.test(line) && !/^\s*\[?(?:\.{3}|…|snip|cut)\]?\s*$/i.test(line));
  while (kept.length > 0 && kept[0] === '') kept.shift();
  while (kept.length > 0 && kept.at(-1) === '') kept.pop();
  const introduces = kept.length <= 3 && /(?:wrote|writes|schrieb|a écrit)\s*:$/.test(kept.at(-1) ?? '');
  const text = kept.join('\n');
  return introduces || !/[\p{L}\p{N}?!]/u.test(text) ? '' : text;
}
