// The spellings of names in rules and analyses, which may only become fewer: what a function does is a fact. scripts/names.json holds their number.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sources } from './layers.mjs';
import { root } from './prepare.mjs';
import { tokensOf } from './tokens.mjs';

/** Words of C and of its preprocessor, and endings of files: an expression that spells no other words reads syntax, not names. */
const SYNTAX = new Set(
  `asm auto bool break case char const continue default define defined do double elif else endif enum extern false float for goto if ifdef ifndef include
  inline int long loff nocase null register restrict return short signed sizeof ssize static struct switch true typedef typeof typename undef union
  unsigned void volatile while`.split(/\s+/),
);

/** The literal words of a regular expression: runs of letters outside of classes and escapes. */
function wordsOf(literal) {
  return (
    literal
      .slice(1, literal.lastIndexOf('/'))
      .replace(/\[(?:[^\]\\]|\\.)*\]/g, ' ')
      .replace(/\\[pPuxk]\{[^}]*\}|\\k<\w+>|\\./g, ' ')
      .replace(/\(\?<\w+>/g, '(')
      .match(/[A-Za-z]+/g) ?? []
  );
}

/** What a regular expression is asked of that is no name: the text of a comment, the path of a file. */
const NO_NAME = new Set(['text', 'path', 'sentence']);

/**
 * Does the regular expression at this token spell a name, or a part of one? It does where one of its words is none of C's own, unless it is asked of
 * prose or of a path, or takes a lock's string apart (`semaphore:`, ` (shared)`).
 */
function spellsName(tokens, at) {
  const literal = tokens[at].text;
  if (!wordsOf(literal).some(word => /[a-z]{2}/i.test(word) && !SYNTAX.has(word.toLowerCase()))) return false;
  if (/:\/[a-z]*$|\\\(shared\\\)/.test(literal)) return false;
  return !askedOf(tokens, at).some(word => NO_NAME.has(word));
}

/** The properties and variables that `/x/.test(...)`, `/x/.exec(...)` or `....replace(/x/` at this token is asked of, by their last names. */
function askedOf(tokens, at) {
  const text = n => tokens[at + n]?.text;
  if (text(1) === '.' && (text(2) === 'test' || text(2) === 'exec')) {
    let end = 4;
    while (tokens[at + end] && (tokens[at + end].kind === 'word' || text(end) === '.' || text(end) === '?.')) end++;
    return [text(end - 1)];
  }
  return text(-1) === '(' && text(-3) === '.' ? [text(-4)] : [];
}

/**
 * How many names a regular expression spells: of alternatives the sum, of what stands side by side the product; a class, an escape and what may be
 * left out count once.
 */
export function namesIn(literal) {
  // Where a word of a name may begin and end is no alternative.
  const body = literal.slice(1, literal.lastIndexOf('/')).replace(/\(\?:\^\|[^()]*\)|\(\?:_\|\$\)/g, '_');
  let at = 0;
  const part = pattern => {
    const found = pattern.exec(body.slice(at))?.[0] ?? '';
    at += found.length;
    return found;
  };
  const alternatives = () => {
    let sum = sequence();
    while (part(/^\|/)) sum += sequence();
    return sum;
  };
  const sequence = () => {
    let product = 1;
    while (at < body.length && body[at] !== '|' && body[at] !== ')') {
      if (part(/^\((?:\?(?:[:=!]|<[=!]|<\w+>))?/)) {
        product *= alternatives();
        part(/^\)/);
      } else part(/^(?:\[(?:[^\]\\]|\\.)*\]|\\.|[\s\S])/);
      part(/^(?:[?*+]|\{[\d,]+\})\??/);
    }
    return product;
  };
  return alternatives();
}

/** Properties that hold the name of a function. */
const NAMES = new Set(['api', 'name', 'callee']);
/** What stands for a plain access in the place of a name. */
const PLAIN = new Set(['read', 'asm']);

/** Is the name of a function compared with a string at this token: `e.api === 'x'`, `'x' !== e.api`, `e.api.startsWith('x')`? */
function comparesName(tokens, at) {
  if (tokens[at].kind !== 'string') return false;
  const word = tokens[at].text.slice(1, -1);
  if (!/[a-z]{2}/i.test(word) || PLAIN.has(word) || SYNTAX.has(word.toLowerCase())) return false;
  const text = n => tokens[at + n]?.text ?? '';
  const isName = n => NAMES.has(text(n)) && /^\??\.$/.test(text(n - 1));
  if (/^[!=]==?$/.test(text(-1)) && isName(-2)) return true;
  if (text(-1) === '(' && /^(?:startsWith|endsWith|includes)$/.test(text(-2)) && isName(-4)) return true;
  if (!/^[!=]==?$/.test(text(1))) return false;
  let last = 2;
  while (/^\??\.$/.test(text(last + 1))) last += 2;
  return isName(last);
}

/** The spellings in one file's tokens: its regular expressions over names, and its comparisons of a name with strings. */
export function spellingsIn(tokens) {
  const found = { regexes: [], strings: [] };
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'regex') {
      if (spellsName(tokens, at)) found.regexes.push(token);
    } else if (comparesName(tokens, at)) found.strings.push(token);
  }
  return found;
}

/** The folder that a file is counted in, null where names are no concern: only rules and analyses see code under review. */
function folderOf(name) {
  if (name.startsWith('rules/')) return /^rules\/[^/]+(?=\/)/.exec(name)?.[0] ?? null;
  return /^src\/(?:c|analysis|engine)(?=\/)/.exec(name)?.[0] ?? null;
}

/** For each folder of rules and analyses the number of its spellings. */
export function spellings(read = name => readFileSync(join(root, name), 'utf8'), names = [...sources('rules'), ...sources('src')]) {
  const counts = {};
  for (const name of [...names].sort()) {
    const folder = folderOf(name);
    if (folder === null) continue;
    counts[folder] ??= { regexes: 0, strings: 0 };
    const { regexes, strings } = spellingsIn(tokensOf(read(name)));
    counts[folder].regexes += regexes.length;
    counts[folder].strings += strings.length;
  }
  return counts;
}

const file = join(root, 'scripts/names.json');
const recorded = () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null);
const KINDS = { regexes: 'regular expressions over names', strings: 'comparisons of names with strings' };

/** One line for each count that rose, or that fell without being written down. */
export function rises(now = spellings(), before = recorded() ?? {}) {
  const found = [];
  for (const folder of new Set([...Object.keys(before), ...Object.keys(now)])) {
    for (const [kind, what] of Object.entries(KINDS)) {
      const [was, is] = [before[folder]?.[kind] ?? 0, now[folder]?.[kind] ?? 0];
      if (is > was) found.push(`${folder}: ${is} ${what}, ${was} before: make a row of facts of the name, and ask for its effect`);
      else if (is < was) found.push(`${folder}: ${is} ${what}, ${was} before: run \`npm run generate\` to keep it so`);
    }
  }
  return found;
}

/**
 * What scripts/names.json is to hold: the counts now, so that files may move between folders, but the counts before where a kind's sum over all
 * folders rose, which only an editor may write down.
 */
export function lowered(now = spellings(), before = recorded() ?? now) {
  const sum = (counts, kind) => Object.values(counts).reduce((all, count) => all + (count[kind] ?? 0), 0);
  const kept = Object.fromEntries(Object.keys(KINDS).map(kind => [kind, sum(now, kind) > sum(before, kind) ? before : now]));
  const folders = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  const rows = folders.map(folder => [folder, Object.fromEntries(Object.keys(KINDS).map(kind => [kind, kept[kind][folder]?.[kind] ?? 0]))]);
  return Object.fromEntries(rows.filter(([, counts]) => Object.values(counts).some(count => count > 0)));
}

/** Writes scripts/names.json. */
export function lower() {
  const rows = Object.entries(lowered()).map(([folder, { regexes, strings }]) => `  "${folder}": { "regexes": ${regexes}, "strings": ${strings} }`);
  writeFileSync(file, `{\n${rows.join(',\n')}\n}\n`);
}
