/**
 * Text from mail in a form that a terminal cannot act on: control characters of C0 and C1 (ESC and CR among them) as `\xHH`, characters
 * that turn the direction of text or hide (bidi marks and overrides, zero-width, tags, line separators) as `\u{HHHH}`. Line feed and tab
 * stay only where `multiline` says that they may.
 */
export function safe(text: string, multiline = false): string {
  return text.replace(HARMFUL, char => {
    if (multiline && (char === '\n' || char === '\t')) return char;
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Text without such characters, on one line: for the headers of a mail, where their names would only be noise. */
export function bare(text: string): string {
  return text.replace(/\s+/g, ' ').replace(HARMFUL, '').trim();
}

/** A value as JSON on one line, in which such characters are written as escapes: the same document, and nothing that a terminal acts on. */
export function jsonText(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(HARMFUL, char => {
    let escapes = '';
    for (let i = 0; i < char.length; i++) escapes += `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`;
    return escapes;
  });
}

/** Unicode TR 36 and TR 9: what changes how other text is shown. Unpaired surrogates cannot be printed either. */
const HARMFUL =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;
