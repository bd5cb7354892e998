import { MAX_BLOCK_DEPTH, MAX_LINKS } from './limits.ts';
import { tokensOf } from './tokens.ts';

/** A stretch of a page's text. */
export interface PageSpan {
  start: number;
  end: number;
}

/** A page as a reader sees it, and what only its HTML says. Of a page that was saved as text the text is all there is. */
export interface Sheet {
  text: string;
  isHtml: boolean;
  title: string;
  /** Preformatted blocks, in order. */
  pres: PageSpan[];
  /** Links, in order, with where they lead. */
  links: (PageSpan & { href: string })[];
  /** Places that links can lead to. */
  anchors: Map<string, number>;
  /** Comments of the HTML, which archives write their own marks in. */
  comments: { at: number; text: string }[];
}

/** The text of a page that was saved as text, as a sheet. */
export function sheetOfText(text: string): Sheet {
  return { text, isHtml: false, title: '', pres: [], links: [], anchors: new Map(), comments: [] };
}

/**
 * An HTML page as a sheet: tags dropped, entities decoded, white space kept where the page shows it (`pre`, and the lines of a diff on
 * cgit's pages) and folded elsewhere; each block on a line of its own, cells of a table parted by tabs. In the body of a page by hypermail,
 * which writes lines with `<br>`, the blanks of its source are kept too: they are those of the mail.
 */
export function sheetOfHtml(html: string): Sheet {
  const out = new Writer();
  /** Open elements that keep white space, by name; of `div` all, as some do and some do not. */
  let pre = 0;
  const divs: boolean[] = [];
  /** Open `div` past the bound. */
  let deep = 0;
  let hidden = 0;
  let inTitle = false;
  let isMail = false;
  let link: { start: number; href: string } | null = null;
  let fresh = false;
  for (const token of tokensOf(html)) {
    if (token.kind === 'text') {
      if (inTitle) out.sheet.title += token.text;
      else if (hidden === 0) {
        const text = token.text.replace(/\r\n?/g, '\n');
        // A line end right behind <pre> is not shown.
        if (pre > 0) out.raw(fresh && text.startsWith('\n') ? text.slice(1) : text);
        else if (isMail) out.raw(text.replace(/\n/g, '').replace(/\xa0/g, ' '));
        else out.folded(text);
      }
      fresh = false;
      continue;
    }
    if (token.kind === 'comment') {
      const text = token.text.trim();
      if (/^body="start"$/.test(text)) isMail = true;
      if (/^body="end"$/.test(text)) isMail = false;
      out.comment(text);
      continue;
    }
    fresh = false;
    const { name } = token;
    const opens = token.kind === 'open';
    if (name === 'title') inTitle = opens && out.sheet.title === '';
    else if (HIDDEN.has(name)) hidden = Math.max(0, hidden + (opens ? 1 : -1));
    else if (name === 'br') out.raw('\n');
    else if (name === 'td' || name === 'th') {
      if (opens) out.cell();
      else continue;
    } else if (BLOCKS.has(name) && !(isMail && name === 'span')) {
      out.breakLine(isMail && name === 'p' && opens);
    }
    if (opens) {
      const id = token.attributes.get('id') ?? (name === 'a' ? token.attributes.get('name') : undefined);
      if (id !== undefined) out.anchor(id);
    }
    if (name === 'pre') {
      if (opens) {
        out.openPre();
        pre++;
        fresh = true;
      } else if (pre > 0) {
        out.closePre();
        pre--;
      }
    } else if (name === 'div') {
      if (opens) {
        const keeps = /^(?:ctx|add|del|hunk|head|commit-msg)$/.test(token.attributes.get('class') ?? '');
        if (divs.length >= MAX_BLOCK_DEPTH) deep++;
        else {
          divs.push(keeps);
          if (keeps) pre++;
        }
      } else if (deep > 0) deep--;
      else if (divs.pop()) pre = Math.max(0, pre - 1);
    } else if (name === 'a') {
      if (link) out.link(link.start, link.href);
      link = opens && token.attributes.has('href') ? { start: out.length, href: token.attributes.get('href') ?? '' } : null;
    }
  }
  if (link) out.link(link.start, link.href);
  return out.finish();
}

const HIDDEN = new Set(['select', 'noscript', 'template', 'svg', 'textarea']);
const BLOCKS = new Set(
  'address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 head header hr html li main nav ol p pre section table tbody thead tr ul'.split(
    ' ',
  ),
);

/** The text of a sheet on its way. */
class Writer {
  readonly sheet: Sheet = { ...sheetOfText(''), isHtml: true };
  length = 0;
  private readonly pieces: string[] = [];
  private last = '\n';
  private isRow = false;

  raw(text: string): void {
    if (text === '') return;
    this.pieces.push(text);
    this.length += text.length;
    this.last = text.charAt(text.length - 1);
    this.isRow = false;
  }

  /** Text whose white space is shown as one blank, and as none at the start of a line. */
  folded(text: string): void {
    const one = text.replace(/[ \t\n\f\r\xa0]+/g, ' ');
    this.raw(this.last === '\n' || this.last === ' ' || this.last === '\t' ? one.trimStart() : one);
  }

  breakLine(always: boolean): void {
    if (this.last !== '\n' || (always && this.length > 0)) this.raw('\n');
  }

  /** The next cell of a row. */
  cell(): void {
    if (this.last !== '\n' && !this.isRow) this.raw('\t');
    this.isRow = true;
  }

  openPre(): void {
    this.closePre();
    this.sheet.pres.push({ start: this.length, end: -1 });
  }

  closePre(): void {
    const pre = this.sheet.pres.at(-1);
    if (pre && pre.end < 0) pre.end = this.length;
  }

  comment(text: string): void {
    if (this.sheet.comments.length < MAX_LINKS) this.sheet.comments.push({ at: this.length, text });
  }

  anchor(id: string): void {
    if (this.sheet.anchors.size < MAX_LINKS && !this.sheet.anchors.has(id)) this.sheet.anchors.set(id, this.length);
  }

  link(start: number, href: string): void {
    if (this.sheet.links.length < MAX_LINKS) this.sheet.links.push({ start, end: this.length, href });
  }

  finish(): Sheet {
    this.closePre();
    this.sheet.text = this.pieces.join('');
    this.sheet.title = this.sheet.title.replace(/\s+/g, ' ').trim();
    return this.sheet;
  }
}
