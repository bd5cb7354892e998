/** What was read from mail: messages, patches, series. All plain data; lines are 1-based, text is without line ends. */

/** Trouble with the input: `refused` means that git would not read or apply it either; `odd` is anything else worth saying. */
export interface Problem {
  severity: 'refused' | 'odd';
  /** The place, as a person would name it: an input, a message by position, a line. */
  where: string;
  message: string;
}

/** What a parser gives: always a value, and what was wrong on the way. Parsers never throw. */
export interface Read<T> {
  value: T;
  problems: Problem[];
}

export interface Person {
  name: string;
  address: string;
}

export type MessageKind = 'cover' | 'patch' | 'reply' | 'pull' | 'other';

/** One mail. Message-ids stand without `<` and `>`. */
export interface Message {
  /** 1-based position in the input. */
  n: number;
  messageId: string;
  kind: MessageKind;
  subject: string;
  /** git mailinfo's clean subject. */
  title: string;
  from: Person | null;
  /** ISO 8601 in UTC. */
  date: string | null;
  inReplyTo: string | null;
  references: string[];
  /** On patches: whom an answer to all goes to; absent where nobody is named, and from an outline. */
  recipients?: Recipients;
  /** What the subject's brackets say, on every kind of message. */
  numbering: Numbering;
  /** The body as text, transfer encoding and charset undone; empty once a reply was read for its quotes and trailers. */
  body: string;
  problems: Problem[];
  patch: Patch | null;
  /** The file that it stands in, where the input is a folder; by its name in there. */
  file?: string;
}

/** The people in the headers of those names, in order, as RFC 5322 has them; git reads a From header in its own way. */
export interface Recipients {
  from: Person[];
  replyTo: Person[];
  to: Person[];
  cc: Person[];
}

/** `[RFC PATCH net-next v3 02/17]`: prefixes RFC, PATCH, net-next; version 3; index 2; total 17. */
export interface Numbering {
  prefixes: string[];
  version: number;
  index: number | null;
  total: number | null;
}

export interface Trailer {
  key: string;
  value: string;
}

/** A message that carries a diff, as git mailinfo and git apply read it. */
export interface Patch {
  title: string;
  author: Person;
  index: number | null;
  total: number | null;
  version: number;
  prefixes: string[];
  /** Put together from quoted lines rather than read from the diff itself. */
  recovered: boolean;
  /** The commit message without subject and trailers. */
  log: string;
  trailers: Trailer[];
  files: FileDiff[];
  problems: Problem[];
}

export type Change = 'modify' | 'add' | 'delete' | 'rename' | 'copy' | 'mode';

/** The diff of one file. Names are raw, without `a/` and `b/` and not C-quoted. */
export interface FileDiff {
  path: string;
  oldPath?: string;
  change: Change;
  added: number;
  removed: number;
  binary: boolean;
  hunks: Hunk[];
}

export interface Hunk {
  oldStart: number;
  oldCount: number;
  newStart: number;
  newCount: number;
  /** What follows the second `@@`: as a rule the head of the enclosing function. */
  section: string;
  lines: HunkLine[];
}

export interface HunkLine {
  kind: 'context' | 'add' | 'remove';
  text: string;
  /** Line in the old file; null on an added line. */
  oldLine: number | null;
  /** Line in the new file; null on a removed line. */
  newLine: number | null;
}

/** One version of a patch set. `patches[i]` is the message-id of patch i+1, null where it is missing. */
export interface Series {
  id: string;
  version: number;
  title: string;
  expected: number;
  complete: boolean;
  cover: string | null;
  patches: (string | null)[];
  followUps: FollowUp[];
  /** What it is to be applied to, where its cover letter or first patch says so. */
  base?: Base;
  /** b4's name for the set through all its versions. */
  changeId?: string;
  /** Of several versions of one set in this input, in one thread or apart: the id of the first. */
  set?: string;
}

/** The commit, and the patches upon it, that a series asks for. */
export interface Base {
  commit: string | null;
  /** By git's patch-id, by message-id, or by the change-id of a series. */
  prerequisites: { kind: 'patch' | 'message' | 'change'; id: string }[];
}

/** A trailer that a reply gives to a patch or to the cover letter. */
export interface FollowUp {
  trailer: string;
  from: Person;
  patch: string;
}

/** A reviewer's own words under a quoted line of a patch. */
export interface Comment {
  from: Person | null;
  messageId: string;
  /** Message-id of the patch that was quoted. */
  patch: string;
  path: string;
  /** Line in the new file, or in the old one when the quoted line was removed. */
  line: number;
  side: 'new' | 'old';
  text: string;
}

/** All that one input holds. */
export interface Thread {
  input: string;
  messages: Message[];
  series: Series[];
  comments: Comment[];
  problems: Problem[];
}
