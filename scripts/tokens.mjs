// The tokens of a TypeScript file: enough to count in the sources without a parser, which TypeScript 7 no longer lends.

/** After these a `/` begins a regular expression; after any other word, and after a value, it divides. */
const BEFORE_VALUE = new Set('return typeof case in of instanceof void delete else do await yield throw new satisfies as'.split(' '));
/** A parenthesis that one of these words opened holds a condition: a value may stand behind it. */
const HEADS = new Set(['if', 'while', 'for', 'with']);
const PUNCTUATION =
  /(?:>>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?!\d)|\+\+|--|\+=|-=|\*=|\/=|%=|&=|\|=|\^=|<<|>>|\*\*|[\s\S])/y;
const PATTERNS = [
  ['space', /(?:\s+|\/\/.*|\/\*[\s\S]*?\*\/|^#!.*)/y],
  ['word', /[\p{ID_Start}$_#][\p{ID_Continue}$]*/uy],
  ['number', /(?:0[xob][\da-f_]+n?|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?\d+)?n?)/iy],
  ['string', /(?:'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*")/y],
];
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
/** A stretch of a template up to its end or to its next `${`. */
const STRETCH = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;

/**
 * The tokens of the text in order, without comments: `kind` is word, number, string, regex, template or punctuation. Of a template each stretch
 * between its expressions is a token. Throws on text that has none of these forms.
 */
export function tokensOf(text) {
  const tokens = [];
  /** What is open: `(` with whether a head opened it, `[`, `{`, and `${` of a template. */
  const open = [];
  let [at, line] = [0, 1];
  const take = (kind, pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined || found === '') return null;
    if (kind !== 'space') tokens.push({ kind, text: found, line });
    at += found.length;
    for (const char of found) if (char === '\n') line++;
    return found;
  };
  const stretch = () => {
    if (take('template', STRETCH)?.endsWith('${')) open.push('${');
  };
  /** Did a condition's `)` stand last? */
  let condition = false;
  while (at < text.length) {
    if (PATTERNS.some(([kind, pattern]) => take(kind, pattern) !== null)) continue;
    const last = tokens.at(-1);
    if (text[at] === '`') {
      tokens.push({ kind: 'template', text: '`', line });
      at++;
      stretch();
      continue;
    }
    if (text[at] === '/' && valueMayFollow(last, condition) && take('regex', REGEX) !== null) continue;
    if (text[at] === '}' && open.at(-1) === '${') {
      open.pop();
      at++;
      stretch();
      continue;
    }
    const mark = take('punctuation', PUNCTUATION);
    if (mark === '(') open.push(HEADS.has(last?.text) ? 'head' : '(');
    else if (mark === '[' || mark === '{') open.push(mark);
    else if (mark === ')' || mark === ']' || mark === '}') condition = open.pop() === 'head';
  }
  if (open.length > 0) throw new Error(`${open.at(-1)} is not closed`);
  return tokens;
}

function valueMayFollow(last, condition) {
  if (last === undefined) return true;
  if (last.kind === 'word') return BEFORE_VALUE.has(last.text);
  if (last.kind !== 'punctuation') return false;
  if (last.text === ')') return condition;
  // After a block's `}` a statement could begin with an expression, which none here does.
  return last.text !== ']' && last.text !== '}' && last.text !== '++' && last.text !== '--';
}
