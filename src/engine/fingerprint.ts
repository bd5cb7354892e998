/** A finding's lasting name: what it is about, not where it stands now, so that it survives edits elsewhere in the file. */

/** A place's text in one style, so that a line that is only indented, wrapped or spaced anew keeps its name. */
export function styled(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/ ?([,;]) ?/g, '$1 ')
    .replace(/([([]) /g, '$1')
    .replace(/ ([)\]])/g, '$1')
    .replace(/ ?(->) ?/g, '$1')
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
