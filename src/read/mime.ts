import { decodeText } from './charset.ts';
import { unflow, unflowEncoded } from './flowed.ts';
import { parameter } from './headers.ts';
import { MAX_MIME_DEPTH, MAX_MIME_PARTS } from './limits.ts';
import type { Part } from './parts.ts';
import { decodeTransfer } from './transfer.ts';

/** One node of a mail's MIME tree (RFC 2046 5.1) as a parser outside this folder gives it. */
export interface MimeNode {
  /** Header values, unfolded. */
  contentType: string;
  encoding: string;
  disposition: string;
  /** The body as it stands in the mail, transfer encoding not undone; null on a multipart. */
  content: Uint8Array | null;
  children: MimeNode[];
}

/** A text and what stood in the way of reading it. */
export interface PartText {
  text: string;
  problem: string | null;
}

/** Whether a body under these headers is the same as bytes and as text of UTF-8: nothing is encoded, and no other charset is named. */
export function isUnencoded(part: Pick<Part, 'encoding' | 'charset'>): boolean {
  return !/base64|quoted-printable/i.test(part.encoding) && /^["']?(?:utf-?8|us-ascii|ascii|)["']?$/i.test(part.charset.trim());
}

/** The text of a part as git mailinfo hands it on: transfer encoding and charset undone, format=flowed joined. */
export function patchText(bytes: Uint8Array, part: Part): PartText {
  if (part.flowed && /base64|quoted-printable/i.test(part.encoding)) {
    const joined = unflowEncoded(bytes, part.encoding, part.delSp);
    const read = decodeText(
      Uint8Array.from(joined, char => char.charCodeAt(0)),
      part.charset,
    );
    return { text: read.value, problem: read.problem };
  }
  const read = decodeText(decodeTransfer(bytes, part.encoding), part.charset);
  return { text: part.flowed ? unflow(read.value, part.delSp) : read.value, problem: read.problem };
}

/** The same for a reader: lines of format=flowed as they stand, so that quotes stay apart. */
export function readingText(bytes: Uint8Array, part: Pick<Part, 'encoding' | 'charset' | 'flowed' | 'delSp'>): PartText {
  const read = decodeText(decodeTransfer(bytes, part.encoding), part.charset);
  return { text: part.flowed ? unflow(read.value, part.delSp, false) : read.value, problem: read.problem };
}

/**
 * What a MIME tree says to a reader: its text parts in order. Of a multipart/alternative with plain text the other forms go; HTML alone is
 * stripped of its tags; attachments count where they are patches.
 */
export function readTree(root: MimeNode): { text: string; problems: string[] } {
  const texts: string[] = [];
  const problems: string[] = [];
  let count = 0;
  const visit = (node: MimeNode, depth: number) => {
    const type = typeOf(node);
    if (node.content === null) {
      if (depth >= MAX_MIME_DEPTH) {
        problems.push(`more than ${MAX_MIME_DEPTH} multiparts in one another; the inner ones are not read`);
        return;
      }
      const plain = type === 'multipart/alternative' && node.children.some(child => typeOf(child) === 'text/plain');
      for (const child of node.children) if (!plain || typeOf(child) !== 'text/html') visit(child, depth + 1);
      return;
    }
    if (++count > MAX_MIME_PARTS) {
      if (count === MAX_MIME_PARTS + 1) problems.push(`more than ${MAX_MIME_PARTS} parts; the rest is not read`);
      return;
    }
    const isPatch = /^text\/(?:x-)?(?:patch|diff)$/.test(type);
    if (type !== '' && !type.startsWith('text/')) return;
    if (/^\s*attachment/i.test(node.disposition) && !isPatch) return;
    const named = (name: string) => parameter(node.contentType, name) ?? '';
    const read = readingText(node.content, {
      encoding: node.encoding,
      charset: named('charset'),
      flowed: named('format').toLowerCase() === 'flowed',
      delSp: named('delsp').toLowerCase() === 'yes',
    });
    if (read.problem !== null) problems.push(read.problem);
    texts.push(type === 'text/html' ? stripTags(read.text) : read.text);
  };
  visit(root, 0);
  return { text: texts.join('\n'), problems };
}

function typeOf(node: MimeNode): string {
  const end = node.contentType.search(/[; \t]/);
  return (end < 0 ? node.contentType : node.contentType.slice(0, end)).toLowerCase();
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** HTML as lines of text: enough to find quotes and trailers in a mail that has no plain text. */
function stripTags(html: string): string {
  return html
    .replace(/<(?:style|script)\b[^<>]*>[^<]*/gi, '')
    .replace(/\n/g, ' ')
    .replace(/<(?:br|\/p|\/div|\/pre|\/tr)\b[^<>]*>/gi, '\n')
    .replace(/<[^<>]*>/g, '')
    .replace(/&(?:#(\d{1,7})|(\w{1,8}));/g, (whole: string, code: string | undefined, name: string | undefined) => {
      if (code !== undefined) return String.fromCodePoint(Math.min(Number(code), 0x10ffff));
      return (name !== undefined && Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined) ?? whole;
    });
}
