// `npm run bench -- house [--json | --list COUNT]`: counts over the sources that say how much stands in rules and analyses by hand.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sources } from '../layers.mjs';
import { namesIn, spellingsIn } from '../names.mjs';
import { root } from '../prepare.mjs';
import { tokensOf } from '../tokens.mjs';
import { median } from './measure.mjs';

/** What is counted, and how each hit is found. Functions of tokens give the tokens of hits. */
const COUNTS = {
  worklists: { where: code, what: 'loops over a set of work that grows as they run', find: tokens => loopsIn(tokens).map(loop => tokens[loop.at]) },
  dominance: { where: code, what: 'of these: walks of a flow graph that leave out or stop at one node', find: dominanceWalks },
  searches: { where: code, what: 'of these: walks of a flow graph that carry what is known along each path', find: pathSearches },
  helpers: { where: rules, what: 'functions in the files of rules that only their file can call', find: privateFunctions },
  regexes: {
    where: code,
    what: 'regular expressions that spell names of functions (scripts/names.mjs)',
    find: tokens => spellingsIn(tokens).regexes,
  },
  strings: { where: code, what: 'comparisons of the name of a function with a string', find: tokens => spellingsIn(tokens).strings },
  indexes: { where: rules, what: 'orders by .index in rules', find: tokens => positions(tokens, /^index$/) },
  positions: { where: rules, what: 'orders by .line or .endLine in rules', find: tokens => positions(tokens, /^(?:line|endLine)$/) },
  prefixes: { where: code, what: 'strings that a lock is packed into or taken out of', find: lockStrings },
};

function code(name) {
  return /^(?:rules|src\/(?:c|analysis|engine))\//.test(name);
}

function rules(name) {
  return /^rules\/[^/]+\//.test(name);
}

const OPENS = { '(': ')', '[': ']', '{': '}' };

/** The index of the bracket that closes the one at `from`. Brackets of a template's expressions pair up among themselves. */
function closing(tokens, from) {
  const open = [];
  for (let at = from; at < tokens.length; at++) {
    const { kind, text } = tokens[at];
    if (kind !== 'punctuation') continue;
    if (OPENS[text]) open.push(OPENS[text]);
    else if (text === open.at(-1)) open.pop();
    if (open.length === 0) return at;
  }
  return tokens.length;
}

/** The end of the statement that begins at `from`: of a block its brace, else the semicolon. */
function statementEnd(tokens, from) {
  if (tokens[from]?.text === '{') return closing(tokens, from);
  for (let at = from; at < tokens.length; at++) {
    const { text } = tokens[at];
    if (tokens[at].kind === 'punctuation' && OPENS[text]) {
      at = closing(tokens, at);
      if (text === '{' && tokens[at + 1]?.text !== ')' && tokens[at + 1]?.text !== ';' && tokens[at + 1]?.text !== ',') return at;
    } else if (text === ';') return at;
  }
  return tokens.length;
}

/**
 * Worklists: `while (work.length ...)` and `for (let at = work.pop(); ...)` whose body adds to `work`, `for (const at of seen)` whose body adds to
 * `seen`.
 */
function loopsIn(tokens) {
  const found = [];
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind !== 'word' || (text !== 'while' && text !== 'for') || tokens[at + 1]?.text !== '(') continue;
    const close = closing(tokens, at + 1);
    const head = tokens.slice(at + 2, close).map(token => token.text);
    const work = text === 'while' ? grownByLength(head) : grownByPop(head);
    if (work === null) continue;
    const body = tokens.slice(close + 1, statementEnd(tokens, close + 1) + 1).map(token => token.text);
    const grows = body.some((word, i) => word === work && body[i + 1] === '.' && /^(?:push|add|set|unshift)$/.test(body[i + 2] ?? ''));
    if (grows) found.push({ at, head, body, work });
  }
  return found;
}

function grownByLength(head) {
  const at = head.findIndex((word, i) => /^(?:length|size)$/.test(word) && head[i - 1] === '.');
  return at < 2 ? null : head[at - 2];
}

function grownByPop(head) {
  const at = head.findIndex((word, i) => /^(?:pop|shift)$/.test(word) && head[i - 1] === '.');
  if (at >= 2) return head[at - 2];
  return head[2] === 'of' && head.length === 4 ? head[3] : null;
}

/** Does the loop follow the edges of a flow graph? */
const followsEdges = ({ body }) =>
  body.some((word, i) => word === 'next' && body[i - 1]?.endsWith('.')) || body.includes('predecessors') || body.includes('reverse');

/** The variable that holds the node the walk is at. */
function currentOf({ head, body, work }) {
  const named = head[0] === 'const' || head[0] === 'let' ? head[1] : null;
  if (named !== null && /^\w+$/.test(named)) return named;
  const pop = body.findIndex((word, i) => word === work && body[i + 1] === '.' && /^(?:pop|shift)$/.test(body[i + 2] ?? ''));
  return /^\w+$/.test(body[pop - 2] ?? '') && body[pop - 1] === '=' ? body[pop - 2] : null;
}

const EQUAL = /^[!=]==$/;

/** Walks that compare the node they are at with another: with one left out they ask dominance, with one to stop at whether it is always met. */
function dominanceWalks(tokens) {
  return loopsIn(tokens)
    .filter(loop => {
      const at = currentOf(loop);
      if (at === null || !followsEdges(loop)) return false;
      return loop.body.some(
        (word, i) => word === at && loop.body[i - 1] !== '.' && (isTarget(loop.body, i + 1) || EQUAL.test(loop.body[i - 1] ?? '')),
      );
    })
    .map(loop => tokens[loop.at]);
}

/** Is what stands here a comparison with something else than undefined and null? */
function isTarget(body, at) {
  return EQUAL.test(body[at] ?? '') && body[at + 1] !== 'undefined' && body[at + 1] !== 'null';
}

/** Walks whose work is more than a node: each entry carries what was decided on its path. */
function pathSearches(tokens) {
  return loopsIn(tokens)
    .filter(loop => followsEdges(loop) && loop.body.some(word => word === 'follow' || word === 'decided' || word === 'decidedKey'))
    .map(loop => tokens[loop.at]);
}

function privateFunctions(tokens) {
  let depth = 0;
  return tokens.filter(({ kind, text }, at) => {
    if (kind === 'punctuation' && OPENS[text]) depth++;
    else if (kind === 'punctuation' && /^[)\]}]$/.test(text)) depth--;
    if (depth > 0 || kind !== 'word') return false;
    if (text === 'function') return tokens[at - 1]?.text !== 'export' && tokens[at - 2]?.text !== 'export';
    // `const name = (a) => ...` and `const name = a => ...`
    if (text !== 'const' || tokens[at - 1]?.text === 'export' || tokens[at + 2]?.text !== '=') return false;
    const after = tokens[at + 3]?.text === '(' ? closing(tokens, at + 3) + 1 : at + 4;
    return tokens[after]?.text === '=>' || tokens[after]?.text === ':';
  });
}

const ORDER = /^(?:<|>|<=|>=)$/;

/** Such a property on either side of an order; equality of lines asks for one statement and is not counted. */
function positions(tokens, property) {
  return tokens.filter(({ text }, at) => {
    if (!ORDER.test(text)) return false;
    if (property.test(tokens[at - 1]?.text) && tokens[at - 2]?.text.endsWith('.')) return true;
    let last = at + 1;
    while (/^\??\.$/.test(tokens[last + 1]?.text ?? '')) last += 2;
    return last > at + 1 && property.test(tokens[last].text);
  });
}

function lockStrings(tokens) {
  return tokens.filter(
    ({ kind, text }) => /^(?:string|template|regex)$/.test(kind) && /(?:asserted|named|given|context)\)?:| \\?\(shared\\?\)/.test(text),
  );
}

/** The lines that hold code: no comment, no blank, no text of an example. */
function codeLines(tokens) {
  return new Set(tokens.filter(token => token.kind !== 'template').map(token => token.line)).size;
}

/** The rules, each with its files: `FAMILY/ID.ts` and what stands in the folder `ID` beside it, or all of `FAMILY/ID/`. */
function ruleFiles(names) {
  const byRule = new Map();
  for (const name of names) {
    const [, family, id] = /^rules\/([^/]+)\/([^/]+?)(?:\.ts|\/.*)$/.exec(name) ?? [];
    if (family === undefined || family === 'facts') continue;
    const rule = `${family}/${id}`;
    byRule.set(rule, [...(byRule.get(rule) ?? []), name]);
  }
  // A folder of what several rules share is no rule.
  return new Map([...byRule].filter(([rule, files]) => files.includes(`rules/${rule}.ts`) || files.includes(`rules/${rule}/rule.ts`)));
}

/** The tokens of one text that a count hits. */
export const found = (count, text) => COUNTS[count].find(tokensOf(text));

/** All counts over the sources: the hits of each, and sums and medians of lines. */
export function counts() {
  const names = [...sources('src'), ...sources('rules')].sort();
  const files = new Map(
    names.map(name => {
      const text = readFileSync(join(root, name), 'utf8');
      return [name, { tokens: tokensOf(text), lines: text.split('\n').length - 1 }];
    }),
  );
  const hits = Object.fromEntries(
    Object.entries(COUNTS).map(([count, { where, find }]) => [
      count,
      [...files].filter(([name]) => where(name)).flatMap(([name, { tokens }]) => find(tokens).map(token => ({ name, ...token }))),
    ]),
  );
  const lines = prefix => [...files].filter(([name]) => name.startsWith(prefix)).reduce((sum, [, file]) => sum + file.lines, 0);
  const ofRules = [...ruleFiles(names).values()];
  const perRule = measure => median(ofRules.map(of => of.reduce((sum, name) => sum + measure(files.get(name)), 0)));
  return {
    hits,
    names: hits.regexes.reduce((sum, { text }) => sum + namesIn(text), 0),
    rules: ofRules.length,
    lines: { src: lines('src/'), rules: lines('rules/') },
    median: { lines: perRule(file => file.lines), code: perRule(file => codeLines(file.tokens)) },
  };
}

function folderOf(name) {
  return name.startsWith('rules/') ? 'rules' : name.split('/').slice(0, -1).join('/');
}

function byFolder(hits) {
  const sums = {};
  for (const { name } of hits) sums[folderOf(name)] = (sums[folderOf(name)] ?? 0) + 1;
  return sums;
}

export function run(args) {
  const { hits, names, rules, lines, median } = counts();
  const listed = args[args.indexOf('--list') + 1];
  if (args.includes('--list')) {
    for (const { name, line, text } of hits[listed] ?? []) process.stdout.write(`${name}:${line}: ${text}\n`);
    return;
  }
  if (args.includes('--json')) {
    const numbers = Object.fromEntries(Object.entries(hits).map(([count, found]) => [count, { sum: found.length, folders: byFolder(found) }]));
    process.stdout.write(`${JSON.stringify({ ...numbers, names, rules, lines, median }, null, 2)}\n`);
    return;
  }
  const row = (number, name, what) => process.stdout.write(`  ${String(number).padStart(6)}  ${name.padEnd(11)} ${what}\n`);
  for (const [count, { what }] of Object.entries(COUNTS)) {
    const places = Object.entries(byFolder(hits[count])).map(([folder, sum]) => `${folder} ${sum}`);
    row(hits[count].length, count, `${what}${places.length > 1 ? ` (${places.join(', ')})` : ''}`);
    if (count === 'regexes') row(names, 'names', 'names that these spell, of alternatives the sum, of parts the product');
  }
  row(rules, 'rules', '');
  row(lines.src, 'lines', 'of src');
  row(lines.rules, '', 'of rules');
  row(median.lines, 'median', 'lines of a rule with its examples and the files beside it');
  row(median.code, '', 'lines of its code: without comments, blank lines and examples');
}
