import type { FileDiff } from '../model/series.ts';
import { readRange, scanBinary, scanHunk } from './fragment.ts';
import { fileChangeOf, type Heading, newHeading, readHeadingLine } from './heading.ts';
import { MAX_FILES } from './limits.ts';
import { gitHeaderName, hasEpochStamp, isDevNull, traditionalName } from './names.ts';

/** The part of a diff that changes one file: what its header says, and where in the diff's text its hunks stand. */
export interface DiffPiece extends Omit<FileDiff, 'hunks'> {
  start: number;
  end: number;
}

/** A diff as it was read: its pieces, and what stopped the reading, with the line of the diff, 1-based; null where nothing did. */
export interface Diff {
  pieces: DiffPiece[];
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

/** A piece while it is read. */
interface OpenPiece extends Heading {
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
    const pieces: DiffPiece[] = [];
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
  private readPiece(): DiffPiece | Refusal | null {
    const piece: OpenPiece = { ...newHeading(), added: 0, removed: 0, binary: false };
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
  private findHeader(piece: OpenPiece): true | false | Refusal {
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
  private readGitHeader(piece: OpenPiece, firstEnd: number): true | Refusal | null {
    const { text } = this;
    piece.isNew = 0;
    piece.isDelete = 0;
    piece.headerName = gitHeaderName(text.slice(this.at + 'diff --git '.length, firstEnd), this.strip);
    this.line++;
    let at = firstEnd;
    /** Line of the first that says new, deleted, renamed or copied: there can be one kind only. */
    let kindLine = 0;
    while (at < text.length) {
      const end = this.lineEnd(at);
      if (text.charCodeAt(end - 1) !== LF) break;
      const read = readHeadingLine(text, at, end, piece, this.strip);
      if (read === 'end') break;
      if (read !== 'line') return new Refusal(read.refusal);
      const kinds = Number(piece.isDelete === 1) + Number(piece.isNew === 1) + Number(piece.isRename) + Number(piece.isCopy);
      if (kinds > 1) return new Refusal(`inconsistent header lines ${kindLine} and ${this.line}`);
      if (kinds > 0 && kindLine === 0) kindLine = this.line;
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

  /** git's parse_traditional_patch. The first file whose both names have no directory sets the strip count for all that follow. */
  private readTraditional(first: string, second: string, piece: OpenPiece): boolean {
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
  private readHunks(piece: OpenPiece): Refusal | null {
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
  private readBinary(piece: OpenPiece): Refusal | null {
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

/** git's guess_p_value: 0 where the name has no directory, else not known. */
function guessStrip(line: string): number {
  if (isDevNull(line)) return -1;
  const name = traditionalName(line, null, 0);
  return name === null || name.includes('/') ? -1 : 0;
}

function finish(piece: OpenPiece, text: string, start: number, end: number): DiffPiece {
  const { oldName, newName, added, removed, binary } = piece;
  const path = newName ?? oldName ?? '';
  const moved = (piece.isRename || piece.isCopy) && oldName !== null && oldName !== path;
  return { path, ...(moved ? { oldPath: oldName } : {}), change: fileChangeOf(piece, binary, text, start, end), added, removed, binary, start, end };
}
