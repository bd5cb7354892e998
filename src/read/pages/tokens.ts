import { decodeEntities } from './entities.ts';

/** A piece of an HTML document: text with its entities decoded, a tag, or a comment. Names of tags and attributes are in lower case. */
export type HtmlToken =
  | { kind: 'text'; text: string }
  | { kind: 'open'; name: string; attributes: Map<string, string> }
  | { kind: 'close'; name: string }
  | { kind: 'comment'; text: string };

/**
 * The pieces of an HTML document in order, by the rules of the standard's tokenizer as far as pages of archives need them: what stands in
 * scripts and styles is passed over, a tag or comment that is never closed goes on to the end of the document. Each character is looked at
 * once. Never throws.
 */
export function* tokensOf(html: string): Generator<HtmlToken> {
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open < 0) {
      yield { kind: 'text', text: decodeEntities(html.slice(at)) };
      return;
    }
    const code = html.charCodeAt(open + 1);
    const isTag = isLetter(code) || code === BANG || code === QUESTION || (code === SLASH && isLetter(html.charCodeAt(open + 2)));
    // A `<` before anything else is text.
    if (open > at || !isTag) yield { kind: 'text', text: decodeEntities(html.slice(at, isTag ? open : open + 1)) };
    at = open + 1;
    if (!isTag) continue;
    if (html.startsWith('!--', at)) {
      const end = html.indexOf('-->', at + 3);
      yield { kind: 'comment', text: html.slice(at + 3, end < 0 ? html.length : end) };
      at = end < 0 ? html.length : end + 3;
    } else if (code === BANG || code === QUESTION) {
      const end = html.indexOf('>', at);
      at = end < 0 ? html.length : end + 1;
    } else {
      const tag = readTag(html, code === SLASH ? at + 1 : at);
      at = tag.end;
      if (code === SLASH) {
        yield { kind: 'close', name: tag.name };
        continue;
      }
      yield { kind: 'open', name: tag.name, attributes: tag.attributes };
      if (!UNPARSED.has(tag.name)) continue;
      const close = closing(html, at, tag.name);
      if (KEPT.has(tag.name) && close > at) yield { kind: 'text', text: decodeEntities(html.slice(at, close)) };
      at = close;
    }
  }
}

/** Elements whose content is no HTML; of some of them it is text. */
const UNPARSED = new Set(['script', 'style', 'title', 'textarea', 'xmp', 'iframe', 'noembed', 'noframes']);
const KEPT = new Set(['title', 'textarea', 'xmp']);

const BANG = 33;
const SLASH = 47;
const EQUALS = 61;
const GREATER = 62;
const QUESTION = 63;

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** A tag from its name on; `end` is past its `>`. */
function readTag(html: string, from: number): { name: string; attributes: Map<string, string>; end: number } {
  let at = from;
  while (at < html.length && !isBlank(html.charCodeAt(at)) && !isEnd(html.charCodeAt(at))) at++;
  const name = html.slice(from, at).toLowerCase();
  const attributes = new Map<string, string>();
  while (at < html.length) {
    const code = html.charCodeAt(at);
    if (code === GREATER) return { name, attributes, end: at + 1 };
    if (isBlank(code) || code === SLASH || code === EQUALS) {
      at++;
      continue;
    }
    const start = at;
    while (at < html.length && !isBlank(html.charCodeAt(at)) && !isEnd(html.charCodeAt(at)) && html.charCodeAt(at) !== EQUALS) at++;
    const key = html.slice(start, at).toLowerCase();
    while (at < html.length && isBlank(html.charCodeAt(at))) at++;
    let value = '';
    if (html.charCodeAt(at) === EQUALS) {
      at++;
      while (at < html.length && isBlank(html.charCodeAt(at))) at++;
      const quote = html.charAt(at);
      const first = at;
      if (quote === '"' || quote === "'") {
        const end = html.indexOf(quote, at + 1);
        value = html.slice(at + 1, end < 0 ? html.length : end);
        at = end < 0 ? html.length : end + 1;
      } else {
        while (at < html.length && !isBlank(html.charCodeAt(at)) && html.charCodeAt(at) !== GREATER) at++;
        value = html.slice(first, at);
      }
    }
    // The first of two wins.
    if (key !== '' && !attributes.has(key)) attributes.set(key, decodeEntities(value));
  }
  return { name, attributes, end: html.length };
}

function isEnd(code: number): boolean {
  return code === GREATER || code === SLASH;
}

/** Where the closing tag of `name` starts; the end of the document where there is none. */
function closing(html: string, from: number, name: string): number {
  for (let at = html.indexOf('</', from); at >= 0; at = html.indexOf('</', at + 2))
    if (html.slice(at + 2, at + 2 + name.length).toLowerCase() === name) return at;
  return html.length;
}
