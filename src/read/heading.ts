import type { Change } from '../model/series.ts';
import { MAX_RANGE } from './fragment.ts';
import { isDevNull, nameAt } from './names.ts';

/** What the header of one file's diff says, while it is read; `isNew` and `isDelete` are -1 while not known, as in apply.c. */
export interface Heading {
  oldName: string | null;
  newName: string | null;
  /** The name that `diff --git` has twice; null where the two differ. */
  headerName: string | null;
  isNew: number;
  isDelete: number;
  isRename: boolean;
  isCopy: boolean;
  oldMode: string | null;
  newMode: string | null;
}

/** A heading of which nothing is known yet. */
export function newHeading(): Heading {
  return {
    oldName: null,
    newName: null,
    headerName: null,
    isNew: -1,
    isDelete: -1,
    isRename: false,
    isCopy: false,
    oldMode: null,
    newMode: null,
  };
}

/**
 * Reads one header line of a git diff, which starts at `at` and ends, line feed and all, at `end` (apply.c, parse_git_diff_header).
 * `strip` path components go off its names. Gives `line` where it was one, `end` where the header is over, else why git refuses it.
 */
export function readHeadingLine(text: string, at: number, end: number, heading: Heading, strip: number): 'line' | 'end' | { refusal: string } {
  const entry = LINES.find(([keyword]) => text.startsWith(keyword, at));
  if (!entry?.[1]) return 'end';
  const refusal = entry[1](text.slice(at + entry[0].length, end), heading, strip);
  return refusal === null ? 'line' : { refusal };
}

/** What a heading and its hunks, which stand in text[start, end), do to the file. */
export function fileChangeOf(heading: Heading, binary: boolean, text: string, start: number, end: number): Change {
  // A diff that is not git's may leave open whether a file is new; its only hunk then starts at line 0 of an empty side.
  if (heading.isNew > 0 || (heading.isNew < 0 && text.startsWith('@@ -0,0 ', start))) return 'add';
  if (heading.isDelete > 0 || (heading.isDelete < 0 && / \+0,0 @@/.test(text.slice(start, start + MAX_RANGE)))) return 'delete';
  if (heading.isCopy) return 'copy';
  if (heading.isRename) return 'rename';
  const { oldMode, newMode } = heading;
  return end === start && !binary && oldMode !== null && newMode !== null && oldMode !== newMode ? 'mode' : 'modify';
}

type HeaderParser = (rest: string, heading: Heading, strip: number) => string | null;

const rename = (side: 'oldName' | 'newName'): HeaderParser => moved('isRename', side);
const copy = (side: 'oldName' | 'newName'): HeaderParser => moved('isCopy', side);

/** Header lines, and what reads the rest of each; the order is git's, as the first that fits counts. A hunk ends the header. */
const LINES: [string, HeaderParser | null][] = [
  ['@@ -', null],
  ['--- ', (rest, heading, strip) => checkName(rest, heading, 'oldName', heading.isNew > 0, strip)],
  ['+++ ', (rest, heading, strip) => checkName(rest, heading, 'newName', heading.isDelete > 0, strip)],
  ['old mode ', (rest, heading) => setMode(rest, heading, 'oldMode')],
  ['new mode ', (rest, heading) => setMode(rest, heading, 'newMode')],
  [
    'deleted file mode ',
    (rest, heading) => {
      heading.isDelete = 1;
      heading.oldName = heading.headerName;
      return setMode(rest, heading, 'oldMode');
    },
  ],
  [
    'new file mode ',
    (rest, heading) => {
      heading.isNew = 1;
      heading.newName = heading.headerName;
      return setMode(rest, heading, 'newMode');
    },
  ],
  ['copy from ', copy('oldName')],
  ['copy to ', copy('newName')],
  ['rename old ', rename('oldName')],
  ['rename new ', rename('newName')],
  ['rename from ', rename('oldName')],
  ['rename to ', rename('newName')],
  ['similarity index ', () => null],
  ['dissimilarity index ', () => null],
  ['index ', indexMode],
];

/** git's gitdiff_verify_name: the name on a `---` or `+++` line, which must agree with what is known. */
function checkName(rest: string, heading: Heading, side: 'oldName' | 'newName', isNull: boolean, strip: number): string | null {
  const known = heading[side];
  if (known === null && !isNull) {
    heading[side] = nameAt(rest, strip, '\t');
    return null;
  }
  if (known === null) return isDevNull(rest) ? null : 'bad git-diff: expected /dev/null';
  if (isNull) return `bad git-diff: expected /dev/null, got ${known}`;
  return nameAt(rest, strip, '\t') === known ? null : `bad git-diff: inconsistent ${side === 'newName' ? 'new' : 'old'} filename`;
}

/** Names of renames and copies have no `a/` or `b/` before them. */
function moved(kind: 'isCopy' | 'isRename', side: 'oldName' | 'newName'): HeaderParser {
  return (rest, heading, strip) => {
    heading[kind] = true;
    heading[side] = nameAt(rest, Math.max(strip - 1, 0), '');
    return null;
  };
}

function setMode(rest: string, heading: Heading, side: 'oldMode' | 'newMode'): string | null {
  const mode = /^[0-7]+(?=[ \t\n\v\f\r])/.exec(rest)?.[0];
  if (mode === undefined) return `invalid mode: ${rest.trim().slice(0, 40)}`;
  heading[side] = mode;
  return null;
}

/** The mode behind `index OLD..NEW `, which is that of both sides. */
function indexMode(rest: string, heading: Heading): string | null {
  const mode = /^[^.]{0,40}\.\.\S{0,40} (.*)/s.exec(rest)?.[1];
  return mode === undefined ? null : setMode(mode, heading, 'oldMode');
}
