import type { Message, MessageKind, Person, Problem, Recipients } from '../model/series.ts';
import { type Basis, readBasis } from './basis.ts';
import { type MailBody, splitBody } from './body.ts';
import { conversionFault, decodeText, decodeUtf8, latin1 } from './charset.ts';
import { readDate } from './date.ts';
import { type DiffPiece, readDiff } from './diff.ts';
import { type Diffstat, readDiffstat, type Touched, touchedBy } from './diffstat.ts';
import { unflow } from './flowed.ts';
import { firstOf, type Headers, lastOf, parameter, readHeaders } from './headers.ts';
import { MAX_REFERENCES } from './limits.ts';
import type { RawMail } from './mbox.ts';
import { isUnencoded, type MimeNode, patchText, readingText, readTree } from './mime.ts';
import { type Part, type Parts, walkParts } from './parts.ts';
import { readPeople } from './people.ts';
import { readPerson } from './person.ts';
import { messagePlace } from './place.ts';
import { readSubject, type SubjectLine } from './subject.ts';
import { type GivenTrailer, givenTrailers, readTrailers } from './trailers.ts';
import { decodeWords } from './words.ts';

/** What the caller lends for the work that wants a library with effects. */
export interface ReadTools {
  /** The MIME tree of a mail that says it has boundaries. Its failure is a problem of that mail. */
  parseMime(raw: Uint8Array): Promise<MimeNode>;
  /** The bytes of a gzip stream, as they come. May throw part-way, on a truncated file. */
  gunzip(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** A mail as read by itself, with what the thread still needs of it. */
export interface Mail {
  message: Message;
  subject: SubjectLine;
  /** The text of the diff and its pieces; hunks are cut from it when they are wanted. */
  diff: { text: () => string; length: number; pieces: DiffPiece[] } | null;
  /** What stays the same when the diff is sent again, once it was asked for. */
  patchKey: string | null;
  /** The body for quotes; '' on a patch. */
  reading: string;
  /** It answers another: by its subject, or because it gives trailers and no diff. */
  isReply: boolean;
  /** The body holds a diff, be it one that git refuses; or a diffstat. */
  hasDiff: boolean;
  hasDiffstat: boolean;
  /** A cover letter's table of what its series changes. */
  diffstat: Diffstat | null;
  /** What a numbered patch changes, to be held against that table; null where git does not read all of it. */
  touched: Touched[] | null;
  /** What a cover letter or first patch says that its series is for. */
  basis: Basis | null;
  /** The trailers that it gives to what it answers. */
  trailers: GivenTrailer[];
  /** No mail at all by the look of it: no header that a mail has, and NUL bytes. */
  isBinary: boolean;
}

/**
 * Reads one mail as git mailsplit, mailinfo and apply would, problems and all. Never throws; what cannot be read is a problem of the mail.
 * The diff comes from git's own walk over the parts; what a mail of several parts says to a reader comes from `tools.parseMime`.
 */
export async function readMail(raw: RawMail, n: number, tools: Pick<ReadTools, 'parseMime'>, file?: string, isOutline = false): Promise<Mail> {
  const { bytes } = raw;
  const place = file === undefined ? { n } : { n, file };
  const where = messagePlace(place);
  const problems: Problem[] = [];
  const complain = (message: string, severity: Problem['severity'] = 'odd') => problems.push({ severity, where, message });
  if (raw.dropped > 0) complain(`the mail is too large; ${raw.dropped} bytes at its end are not read`);

  const whole = decodeUtf8(bytes);
  const text = whole ?? latin1(bytes);
  const headers = readHeaders(text);
  /** Faults for which git gives the mail up; they count where there is a patch. */
  const refusals: string[] = [];
  const decoded = (value: string): string => {
    const read = decodeWords(whole === null ? rawText(value) : value);
    if (read.problem !== null) refusals.push(read.problem);
    return read.value;
  };
  const types = (headers.fields.get('content-type') ?? []).map(decoded);
  const body = readBody(bytes, text, whole !== null, headers, types);
  if (body.walk?.problem) refusals.push(body.walk.problem);
  const split = splitBody(body.text);
  if (split.problem !== null) refusals.push(split.problem);
  const fault = unconverted(body, split);
  if (fault !== null) refusals.push(fault);

  // Headers of a part stand in where the mail has none of the name.
  const header = (name: string) =>
    decoded(lastOf(headers, name) || (body.walk?.headers.map(part => firstOf(part, name)).find(value => value !== '') ?? ''));
  const references = messageIds(firstOf(headers, 'references')).slice(-MAX_REFERENCES);
  const inReplyTo = messageIds(firstOf(headers, 'in-reply-to'))[0] ?? references.at(-1) ?? null;
  const subject = readSubject(header('subject'), inReplyTo !== null);
  const sender = readPerson(header('from'));
  const inBody = split.patch === '' ? new Map<string, string>() : split.headers;
  const author = inBody.has('from') ? (readPerson(inBody.get('from') ?? '') ?? { name: '', address: '' }) : sender;
  const message: Message = {
    ...place,
    messageId: messageIds(firstOf(headers, 'message-id'))[0] ?? `message-${n}`,
    kind: 'other',
    subject: subject.text,
    title: inBody.has('subject') ? readSubject(inBody.get('subject') ?? '').title : subject.title,
    from: sender,
    date: readDate(lastOf(headers, 'date')),
    inReplyTo,
    references,
    numbering: subject.numbering,
    body: '',
    problems,
    patch: null,
  };
  const mail: Mail = {
    message,
    subject,
    diff: null,
    patchKey: null,
    reading: '',
    isReply: subject.reply,
    hasDiff: false,
    hasDiffstat: false,
    diffstat: null,
    touched: null,
    basis: null,
    trailers: [],
    isBinary: isBinary(headers, text),
  };
  if (split.patch !== '') readPatch(mail, split, author);
  if (message.patch !== null && !isOutline) {
    const recipients = recipientsOf(headers, value => (whole === null ? rawText(value) : value));
    if (recipients) message.recipients = recipients;
  }
  if (message.patch === null) {
    // A mail without a diff says by an in-body From whose words it brings.
    if (author && author !== sender) message.from = author.address ? author : null;
    mail.reading = body.reading ?? (await readParts(bytes, body.text, tools, complain));
  } else mail.reading = subject.reply ? beforeDiff(body.reading ?? split.log) : '';
  mail.hasDiff = message.patch !== null || DIFF.test(mail.reading);
  mail.hasDiffstat = !mail.hasDiff && DIFFSTAT.test(mail.reading);
  if (subject.reply || (references.length > 0 && !mail.hasDiff) || (message.inReplyTo !== null && !mail.hasDiff)) {
    mail.trailers = message.patch === null ? givenTrailers(mail.reading) : body.texts.flatMap(part => givenTrailers(beforeDiff(part)));
    mail.isReply ||= mail.trailers.length > 0;
  }
  for (const refusal of refusals) complain(refusal, message.patch ? 'refused' : 'odd');
  message.kind = kindOf(mail, split);
  const { index } = subject.numbering;
  if (!subject.reply && (index ?? 1) < 2) mail.basis = readBasis(body.text);
  if (message.kind === 'cover') mail.diffstat = readDiffstat(mail.reading);
  if (message.kind === 'patch' && index !== null && refusals.length === 0 && message.patch?.problems.length === 0)
    mail.touched = touchedBy(message.patch);
  message.body = subject.reply ? '' : mail.reading;
  return mail;
}

/** A body on its way: the text that git sees, and the one for a reader, null where mailparser has to say it. */
interface BodyText {
  text: string;
  /** The same part by part: a signature ends its part, not the mail. */
  texts: string[];
  /** The charset that each of them names. */
  charsets: string[];
  reading: string | null;
  walk: Parts | null;
}

/** The body: a part of `text` where the mail is UTF-8 throughout and nothing is encoded, else read from the bytes. */
function readBody(bytes: Uint8Array, text: string, isUtf8: boolean, headers: Headers, types: string[]): BodyText {
  const type = types.at(-1) ?? '';
  const encoding = lastOf(headers, 'content-transfer-encoding');
  if (types.some(value => parameter(value, 'boundary') !== null)) return readWalk(bytes, isUtf8 ? latin1(bytes) : text, types, encoding);
  const part: Part = {
    start: 0,
    end: bytes.length,
    encoding,
    charset: parameter(type, 'charset') ?? '',
    flowed: parameter(type, 'format')?.toLowerCase() === 'flowed',
    delSp: parameter(type, 'delsp')?.toLowerCase() === 'yes',
    closes: 0,
  };
  if (isUtf8 && isUnencoded(part)) {
    const body = text.slice(headers.end);
    const reading = part.flowed ? unflow(body, part.delSp, false) : body;
    const joined = part.flowed ? unflow(body, part.delSp) : body;
    return { text: joined, texts: [joined], charsets: [part.charset], reading, walk: null };
  }
  const content = bytes.subarray(isUtf8 ? utf8.encode(text.slice(0, headers.end)).length : headers.end);
  const read = patchText(content, part);
  const reading = part.flowed ? readingText(content, part).text : read.text;
  return { text: read.text, texts: [read.text], charsets: [part.charset], reading, walk: null };
}

/** The body of a mail with boundaries: all parts in order, one behind the other. */
function readWalk(bytes: Uint8Array, text: string, types: string[], encoding: string): BodyText {
  const headers = readHeaders(text);
  // Looking for the first boundary, git starts behind the line that ended the headers, be it that boundary.
  const start = headers.blank ? headers.end : text.indexOf('\n', headers.end) + 1 || text.length;
  const walk = walkParts(text, start, types, encoding);
  const texts = walk.parts.map(part => '\n'.repeat(part.closes) + patchText(bytes.subarray(part.start, part.end), part).text);
  return { text: texts.join(''), texts, charsets: walk.parts.map(part => part.charset), reading: null, walk };
}

/**
 * Why git cannot convert the log, part by part: each from its own charset, and of each only what stands in the log, the line that ends it
 * (`---`) among it. In-body headers and all that follows are handed on as they are.
 */
function unconverted({ text, texts, charsets }: BodyText, { log, patch }: MailBody): string | null {
  const start = text.length - patch.length - log.length;
  const newline = patch.indexOf('\n');
  const end = text.length - patch.length + (newline < 0 ? patch.length : newline);
  let at = 0;
  for (const [n, part] of texts.entries()) {
    const fault = conversionFault(part.slice(Math.max(0, start - at), Math.max(0, end - at)), charsets[n] ?? '');
    if (fault !== null) return fault;
    at += part.length;
  }
  return null;
}

async function readParts(
  bytes: Uint8Array,
  fallback: string,
  tools: Pick<ReadTools, 'parseMime'>,
  complain: (message: string) => void,
): Promise<string> {
  try {
    const read = readTree(await tools.parseMime(bytes.slice()));
    for (const problem of read.problems) complain(problem);
    return read.text;
  } catch (error) {
    complain(`the MIME parts cannot be read: ${error instanceof Error ? error.message : 'unknown fault'}`);
    return fallback;
  }
}

const utf8 = new TextEncoder();
/** b4's marks of a diff and a diffstat. */
const DIFF = /^(?:---[^\n]*\n\+\+\+|GIT binary patch|diff --git \w\/\S+ \w\/\S)/m;
const DIFFSTAT = /^[ \t]{0,8}\d{1,6} file[^\n]{0,120}\d (?:insertion|deletion)/m;

/** A header value of a mail that is not UTF-8 as a whole: UTF-8 if it is by itself, else ISO 8859-1. */
function rawText(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  return decodeText(
    Uint8Array.from(value, char => char.charCodeAt(0)),
    '',
  ).value;
}

/** Null where no header names anybody. A header that stands more than once counts each time, but for From. */
function recipientsOf(headers: Headers, text: (value: string) => string): Recipients | null {
  const people = (name: string) => readPeople(text((headers.fields.get(name) ?? []).join(', ')));
  const recipients = { from: people('from').slice(-1), replyTo: people('reply-to'), to: people('to'), cc: people('cc') };
  return Object.values(recipients).some(list => list.length > 0) ? recipients : null;
}

function readPatch(mail: Mail, split: MailBody, author: Person | null): void {
  const { message, subject } = mail;
  const { pieces, fault } = readDiff(split.patch);
  const problems: Problem[] = [];
  if (fault) problems.push({ severity: fault.severity, where: `${messagePlace(message)}, line ${fault.line} of the diff`, message: fault.message });
  if (pieces.length === 0) {
    message.problems.push(...problems);
    return;
  }
  const { log, trailers } = readTrailers(split.log);
  message.patch = {
    title: message.title,
    author: author ?? { name: '', address: '' },
    index: subject.numbering.index,
    total: subject.numbering.total,
    version: subject.numbering.version,
    prefixes: subject.numbering.prefixes,
    recovered: false,
    log,
    trailers,
    files: pieces.map(({ start: _start, end: _end, ...file }) => ({ ...file, hunks: [] })),
    problems,
  };
  mail.diff = { text: () => split.patch, length: split.patch.length, pieces };
}

function kindOf(mail: Mail, split: MailBody): MessageKind {
  const { message, subject } = mail;
  if (subject.reply) return 'reply';
  if (isPull(message.subject, split.log)) return 'pull';
  if (subject.numbering.index === 0) return 'cover';
  const refused = message.problems.some(problem => problem.severity === 'refused');
  if (message.patch !== null || (refused && subject.numbering.prefixes.some(word => /patch/i.test(word)))) return 'patch';
  return message.inReplyTo === null ? 'other' : 'reply';
}

/** `git request-pull` starts its text with these words. */
function isPull(subject: string, log: string): boolean {
  return /\[\s*(?:GIT[ ,-]*)?PULL\b|^(?:GIT PULL|PULL REQUEST)\b/i.test(subject) || /^The following changes since commit [0-9a-f]{7,64}\b/m.test(log);
}

function isBinary(headers: Headers, text: string): boolean {
  return headers.fields.size === 0 && text.slice(0, BINARY_LOOK).includes('\0');
}

/** As git looks for NUL in the first 8000 bytes of a file. */
const BINARY_LOOK = 8000;

function beforeDiff(text: string): string {
  const at = text.search(DIFF);
  return at < 0 ? text : text.slice(0, at);
}

/** The ids in a header, without their angle brackets; a bare word where there are no brackets. */
function messageIds(value: string): string[] {
  const ids: string[] = [];
  for (const [, id] of value.matchAll(/<([^<>\s]{1,900})>/g)) if (id) ids.push(id);
  const bare = value.trim();
  return ids.length > 0 || !/^[^\s<>]{1,900}$/.test(bare) ? ids : [bare];
}
