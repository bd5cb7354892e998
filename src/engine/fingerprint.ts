/** A finding's lasting name: what it is about, not where it stands now, so that it survives edits elsewhere in the file. */

import { called } from '../c/calls/callees.ts';
import { cellName } from '../c/lower/cells.ts';
import { codeOnly } from '../c/text/bare.ts';
import type { Event } from '../model/code.ts';

/**
 * The words by which an event is known again: what it does to which memory. Line breaks, spacing, comments, variable subscripts and the name of
 * the pointer that a member is reached through are left out; a call whose memory is not known is told by its arguments.
 */
export function wordsOf(event: Event): string[] {
  const { cell, operand, args } = event;
  const name = called(event);
  return cell && /\w/.test(cell.path) ? [name, cellName(cell), code(cell.bit ?? ''), code(operand ?? '')] : [name, ...args.map(code)];
}

/** The tokens of a piece of code, as close to each other as they may stand. */
function code(text: string): string {
  return codeOnly(text)
    .replace(/\s+/g, ' ')
    .replace(/ ?([^\w\s]) ?/g, '$1')
    .trim();
}

/** 64 bits of FNV-1a over UTF-16 units, as 16 hexadecimal digits. No secret depends on it. */
export function fingerprint(parts: string[]): string {
  let [high, low] = [0xcbf29ce4, 0x84222325];
  const text = parts.join('\0');
  for (let i = 0; i < text.length; i++) {
    low ^= text.charCodeAt(i);
    // The prime is 2^40 + 0x1b3; multiplied in halves, since numbers hold 53 bits.
    const carry = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + (low << 8) + Math.floor(carry / 0x100000000)) >>> 0;
    low = carry >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
