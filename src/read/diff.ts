import type { Change, FileDiff } from '../model/series.ts';
import { MAX_RANGE, readRange, scanBinary, scanHunk } from './fragment.ts';
import { MAX_FILES } from './limits.ts';
import { gitHeaderName, hasEpochStamp, isDevNull, nameAt, traditionalName } from './names.ts';

/** The part of a diff that changes one file: what its header says, and where in the diff's text its hunks stand. */
export interface Piece extends Omit<FileDiff, 'hunks'> {
  start: number;
  end: number;
}

/** A diff as it was read: its pieces, and what stopped the reading, with the line of the diff, 1-based; null where nothing did. */
export interface Diff {
  pieces: Piece[];
  fault: { severity: 'refused' | 'odd'; line: number; message: string } | null;
}

/**
 * The pieces of a diff by the rules of `git apply --numstat` (apply.c: find_header, parse_git_diff_header, parse_fragment, parse_binary).
 * git refuses a diff as a whole; the pieces read before the fault are given all the same. A corrupt binary patch is odd, not refused: git
 * complains of it and takes what stands before, if anything does. No piece and no fault: no patch in the text.
 */
export function readDiff(text: string): Diff {
  return new DiffReader(text).read();
}

/** Header lines of a git diff, and what reads them; the order is git's, as the first that fits counts. */
const HEADER_LINES: [string, (reader: DiffReader, rest: string, piece: Draft) => string | null | 'end'][] = [
  ['@@ -', () => 'end'],
  ['--- ', (reader, rest, piece) => reader.checkName(rest, piece, 'oldName', piece.isNew > 0)],
  ['+++ ', (reader, rest, piece) => reader.checkName(rest, piece, 'newName', piece.isDelete > 0)],
  ['old mode ', (_, rest, piece) => setMode(rest, piece, 'oldMode')],
  ['new mode ', (_, rest, piece) => setMode(rest, piece, 'newMode')],
  [
    'deleted file mode ',
    (_, rest, piece) => {
      piece.isDelete = 1;
      piece.oldName = piece.headerName;
      return setMode(rest, piece, 'oldMode');
    },
  ],
  [
    'new file mode ',
    (_, rest, piece) => {
      piece.isNew = 1;
      piece.newName = piece.headerName;
      return setMode(rest, piece, 'newMode');
    },
  ],
  ['copy from ', (reader, rest, piece) => reader.moveName(rest, piece, 'isCopy', 'oldName')],
  ['copy to ', (reader, rest, piece) => reader.moveName(rest, piece, 'isCopy', 'newName')],
  ['rename old ', (reader, rest, piece) => reader.moveName(rest, piece, 'isRename', 'oldName')],
  ['rename new ', (reader, rest, piece) => reader.moveName(rest, piece, 'isRename', 'newName')],
  ['rename from ', (reader, rest, piece) => reader.moveName(rest, piece, 'isRename', 'oldName')],
  ['rename to ', (reader, rest, piece) => reader.moveName(rest, piece, 'isRename', 'newName')],
  ['similarity index ', () => null],
  ['dissimilarity index ', () => null],
  ['index ', (_, rest, piece) => indexMode(rest, piece)],
];

/** A piece while its header is read; `isNew` and `isDelete` are -1 while not known, as in apply.c. */
interface Draft {
  oldName: string | null;
  newName: string | null;
  headerName: string | null;
  isNew: number;
  isDelete: number;
  isRename: boolean;
  isCopy: boolean;
  oldMode: string | null;
  newMode: string | null;
  /** Line of the first header that says new, deleted, renamed or copied. */
  extendedLine: number;
  added: number;
  removed: number;
  binary: boolean;
}

class Refusal {
  readonly message: string;
  readonly severity: 'refused' | 'odd';
  constructor(message: string, severity: 'refused' | 'odd' = 'refused') {
    this.message = message;
    this.severity = severity;
  }
}

/** git's parse state: the place in the text, the line number as git counts it, and how many path components are stripped. */
class DiffReader {
  private readonly text: string;
  private at = 0;
  private line = 1;
  private strip = 1;
  private stripKnown = false;

  constructor(text: string) {
    this.text = text;
  }

  read(): Diff {
    const pieces: Piece[] = [];
    while (this.at < this.text.length) {
      const step = this.readPiece();
      if (step === null) break;
      if (step instanceof Refusal)
        return { pieces, fault: { severity: pieces.length === 0 ? 'refused' : step.severity, line: this.line, message: step.message } };
      if (pieces.length >= MAX_FILES)
        return { pieces, fault: { severity: 'odd', line: this.line, message: `more than ${MAX_FILES} files; the rest is not read` } };
      pieces.push(step);
    }
    return { pieces, fault: null };
  }

  /** The next piece; null at the end. */
  private readPiece(): Piece | Refusal | null {
    const piece: Draft = {
      oldName: null,
      newName: null,
      headerName: null,
      isNew: -1,
      isDelete: -1,
      isRename: false,
      isCopy: false,
      oldMode: null,
      newMode: null,
      extendedLine: 0,
      added: 0,
      removed: 0,
      binary: false,
    };
    const found = this.findHeader(piece);
    if (found !== true) return found === false ? null : found;
    const start = this.at;
    const refusal = this.readHunks(piece);
    if (refusal) return refusal;
    const end = this.at;
    if (end === start) {
      const fault = this.readBinary(piece);
      if (fault) return fault;
    }
    return finish(piece, this.text, start, end);
  }

  private lineEnd(at: number): number {
    const newline = this.text.indexOf('\n', at);
    return newline < 0 ? this.text.length : newline + 1;
  }

  /** git's find_header: skips to the next header and reads it. */
  private findHeader(piece: Draft): true | false | Refusal {
    const { text } = this;
    while (this.at < text.length) {
      const end = this.lineEnd(this.at);
      const first = text.charCodeAt(this.at);
      if (end - this.at >= 6 && (first === AT_SIGN || first === LOWER_D || first === DASH)) {
        if (first === AT_SIGN && text.startsWith('@@ -', this.at)) {
          const fragment = readRange(text, this.at, end);
          if (fragment) return new Refusal(`patch fragment without header: ${text.slice(this.at, end - 1)}`);
        } else if (text.length < end + 6) return false;
        else if (first === LOWER_D && text.startsWith('diff --git ', this.at)) {
          const read = this.readGitHeader(piece, end);
          if (read !== null) return read;
          continue;
        } else if (first === DASH && text.startsWith('--- ', this.at) && text.startsWith('+++ ', end)) {
          const next = this.lineEnd(end);
          if (text.length - this.at >= next - end + 14 && text.startsWith('@@ -', next)) {
            if (!this.readTraditional(text.slice(this.at + 4, end), text.slice(end + 4, next), piece))
              return new Refusal('unable to find filename in patch');
            this.at = next;
            this.line += 2;
            return true;
          }
        }
      }
      this.at = end;
      this.line++;
    }
    return false;
  }

  /** git's parse_git_diff_header; null where nothing follows that makes it a header: git then looks on behind the line. */
  private readGitHeader(piece: Draft, firstEnd: number): true | Refusal | null {
    const { text } = this;
    piece.isNew = 0;
    piece.isDelete = 0;
    piece.headerName = gitHeaderName(text.slice(this.at + 'diff --git '.length, firstEnd), this.strip);
    this.line++;
    let at = firstEnd;
    for (; at < text.length; ) {
      const end = this.lineEnd(at);
      if (text.charCodeAt(end - 1) !== LF) break;
      const entry = HEADER_LINES.find(([keyword]) => text.startsWith(keyword, at));
      if (!entry) break;
      const answer = entry[1](this, text.slice(at + entry[0].length, end), piece);
      if (answer === 'end') break;
      if (answer !== null) return new Refusal(answer);
      const kinds = Number(piece.isDelete === 1) + Number(piece.isNew === 1) + Number(piece.isRename) + Number(piece.isCopy);
      if (kinds > 1) return new Refusal(`inconsistent header lines ${piece.extendedLine} and ${this.line}`);
      if (kinds > 0 && piece.extendedLine === 0) piece.extendedLine = this.line;
      at = end;
      this.line++;
    }
    if (piece.oldName === null && piece.newName === null) {
      if (piece.headerName === null)
        return new Refusal(
          `git diff header lacks filename information when removing ${this.strip} leading pathname component${this.strip === 1 ? '' : 's'}`,
        );
      piece.oldName = piece.newName = piece.headerName;
    }
    if ((piece.newName === null && piece.isDelete !== 1) || (piece.oldName === null && piece.isNew !== 1))
      return new Refusal('git diff header lacks filename information');
    this.at = at;
    if (at === firstEnd) {
      // Nothing but the `diff --git` line: git looks on, and what follows must agree with the names read. It counted the line twice by then.
      this.line++;
      return null;
    }
    return true;
  }

  /** git's gitdiff_verify_name: the name on a `---` or `+++` line, which must agree with what is known. */
  checkName(rest: string, piece: Draft, side: 'oldName' | 'newName', isNull: boolean): string | null {
    const known = piece[side];
    if (known === null && !isNull) {
      piece[side] = nameAt(rest, this.strip, '\t');
      return null;
    }
    if (known === null) return isDevNull(rest) ? null : 'bad git-diff: expected /dev/null';
    if (isNull) return `bad git-diff: expected /dev/null, got ${known}`;
    return nameAt(rest, this.strip, '\t') === known ? null : `bad git-diff: inconsistent ${side === 'newName' ? 'new' : 'old'} filename`;
  }

  moveName(rest: string, piece: Draft, kind: 'isCopy' | 'isRename', side: 'oldName' | 'newName'): null {
    piece[kind] = true;
    piece[side] = nameAt(rest, Math.max(this.strip - 1, 0), '');
    return null;
  }

  /** git's parse_traditional_patch. The first file whose both names have no directory sets the strip count for all that follow. */
  private readTraditional(first: string, second: string, piece: Draft): boolean {
    if (!this.stripKnown) {
      const [p, q] = [guessStrip(first), guessStrip(second)];
      if ((p < 0 ? q : p) === q && q >= 0) {
        this.strip = q;
        this.stripKnown = true;
      }
    }
    const isNew = isDevNull(first);
    const isDelete = !isNew && isDevNull(second);
    let name: string | null;
    if (isNew) name = traditionalName(second, null, this.strip);
    else if (isDelete) name = traditionalName(first, null, this.strip);
    else name = traditionalName(second, traditionalName(first, null, this.strip), this.strip);
    if (isNew || (!isDelete && hasEpochStamp(first))) [piece.isNew, piece.isDelete, piece.newName] = [1, 0, name];
    else if (isDelete || hasEpochStamp(second)) [piece.isNew, piece.isDelete, piece.oldName] = [0, 1, name];
    else piece.oldName = piece.newName = name;
    return name !== null;
  }

  /** git's parse_single_patch. */
  private readHunks(piece: Draft): Refusal | null {
    let [oldLines, newLines, hunks] = [0, 0, 0];
    while (this.text.length - this.at > 4 && this.text.startsWith('@@ -', this.at)) {
      const hunk = scanHunk(this.text, this.at, this.line);
      this.at = hunk.end;
      this.line += hunk.lines;
      if (hunk.fault !== null) return new Refusal(`corrupt patch: ${hunk.fault}`);
      piece.added += hunk.added;
      piece.removed += hunk.removed;
      oldLines += hunk.oldCount;
      newLines += hunk.newCount;
      hunks++;
    }
    if (piece.isNew < 0 && (oldLines > 0 || hunks > 1)) piece.isNew = 0;
    if (piece.isDelete < 0 && (newLines > 0 || hunks > 1)) piece.isDelete = 0;
    if (piece.isNew > 0 && oldLines > 0) return new Refusal(`new file ${piece.newName} depends on old contents`);
    if (piece.isDelete > 0 && newLines > 0) return new Refusal(`deleted file ${piece.oldName} still has contents`);
    return null;
  }

  /** git's parse_chunk where a header has no hunks: a binary patch, the word that files differ, or nothing. */
  private readBinary(piece: Draft): Refusal | null {
    const end = this.lineEnd(this.at);
    const line = this.text.slice(this.at, end);
    if (line === 'GIT binary patch\n') {
      const binary = scanBinary(this.text, end);
      this.at = binary.end;
      this.line += 1 + binary.lines;
      if (binary.fault !== null) return new Refusal(binary.fault, 'odd');
      piece.binary = true;
    } else if (line.endsWith(' differ\n') && (line.startsWith('Binary files ') || line.startsWith('Files '))) {
      this.line++;
      this.at = end;
      piece.binary = true;
    }
    return null;
  }
}

const LF = 10;
const DASH = 45;
const AT_SIGN = 64;
const LOWER_D = 100;

function setMode(rest: string, piece: Draft, side: 'oldMode' | 'newMode'): string | null {
  const mode = /^[0-7]+(?=[ \t\n\v\f\r])/.exec(rest)?.[0];
  if (mode === undefined) return `invalid mode: ${rest.trim().slice(0, 40)}`;
  piece[side] = mode;
  return null;
}

/** The mode behind `index OLD..NEW `, which is that of both sides. */
function indexMode(rest: string, piece: Draft): string | null {
  const mode = /^[^.]{0,40}\.\.\S{0,40} (.*)/s.exec(rest)?.[1];
  return mode === undefined ? null : setMode(mode, piece, 'oldMode');
}

/** git's guess_p_value: 0 where the name has no directory, else not known. */
function guessStrip(line: string): number {
  if (isDevNull(line)) return -1;
  const name = traditionalName(line, null, 0);
  return name === null || name.includes('/') ? -1 : 0;
}

function finish(piece: Draft, text: string, start: number, end: number): Piece {
  const { oldName, newName, added, removed, binary } = piece;
  const path = newName ?? oldName ?? '';
  const moved = (piece.isRename || piece.isCopy) && oldName !== null && oldName !== path;
  return { path, ...(moved ? { oldPath: oldName } : {}), change: changeOf(piece, text, start, end), added, removed, binary, start, end };
}

function changeOf(piece: Draft, text: string, start: number, end: number): Change {
  // A diff that is not git's may leave open whether a file is new; its only hunk then starts at line 0 of an empty side.
  if (piece.isNew > 0 || (piece.isNew < 0 && text.startsWith('@@ -0,0 ', start))) return 'add';
  if (piece.isDelete > 0 || (piece.isDelete < 0 && / \+0,0 @@/.test(text.slice(start, start + MAX_RANGE)))) return 'delete';
  if (piece.isCopy) return 'copy';
  if (piece.isRename) return 'rename';
  return end === start && !piece.binary && piece.oldMode !== null && piece.newMode !== null && piece.oldMode !== piece.newMode ? 'mode' : 'modify';
}
