/**
 * Kernel C made readable for a C grammar, at the same length: every offset, line and column stays what it was.
 * The grammar knows no kernel macros; what it stumbles over is blanked or given a word of C of the same width.
 */
import { emptyArgument, type Jumps, offsetMember, operatorArgument, statementArgument, typeArgument } from './arguments.ts';
import { assembler } from './asm.ts';
import { blankOf, codeOnly } from './bare.ts';
import { brokenConditionals } from './conditionals.ts';
import { bareCall, bareHead } from './heads.ts';
import { closing, type Edit, indentOf, isCapital, isDigit, isLetter, isWord, nextSolid, previousSolid } from './scan.ts';
import { besideStrings } from './strings.ts';
import { typeOfWords } from './typeofs.ts';

export { codeOnly } from './bare.ts';

export interface Normalised {
  text: string;
  /** The text as it was, comments, strings and directives blanked. */
  code: string;
  /** Offset of a `while` that stands for a loop macro -> the macro's name. */
  macros: Map<number, string>;
  /** Offset of a `__free()` or `__cleanup()` -> the function that it names. */
  cleanups: Map<number, string>;
  /** Offset of a `while` that stands for scoped_cond_guard() -> the statement that runs where it fails, as written. */
  failures: Map<number, string>;
  /** Offset of a macro's argument -> the keyword of the statement that it is, as `return -EINVAL`; the value alone is left. */
  jumps: Jumps;
}

/** Words that stand among the specifiers of a declaration and change nothing of what the code does to memory. */
const SPECIFIERS = new Set(
  `__init __exit __initdata __exitdata __initconst __meminit __meminitdata __ref __refdata __net_init __net_exit __net_initdata __head
  __user __kernel __iomem __rcu __percpu __force __nocast __bitwise __private __must_check __maybe_unused __always_unused __used __weak
  __always_inline noinline __cold __hot __pure __const __deprecated __visible __malloc __noreturn noreturn __nonstring __attribute_const__
  __read_mostly __ro_after_init __cacheline_aligned __cacheline_aligned_in_smp ____cacheline_aligned ____cacheline_aligned_in_smp
  ____cacheline_internodealigned_in_smp __page_aligned_bss __page_aligned_data __packed __sched __lockfunc __kprobes notrace noinstr asmlinkage
  noinline_for_stack nokprobe_inline __no_kcsan __no_kasan_or_inline __no_sanitize_or_inline __no_sanitize_address __no_sanitize_memory __nocfi
  __no_randomize_layout __randomize_layout __designated_init __flatten __latent_entropy __init_or_module __init_memblock __bpf_kfunc __noclone
  __no_profile __noendbr __entry_text __ksym __no_kmsan_checks __no_sanitize_coverage __no_context_analysis STATIC 
  __devinit __devexit __cpuinit __optimize noinline_for_kasan __hyp_text __tracepoint_ptr __nosavedata __lsm_ro_after_init __vsyscall_fn`
    .split(/\s+/)
    .filter(Boolean),
);

/** The same with arguments in parentheses. */
const SPECIFIERS_WITH_ARGUMENTS = new Set(
  `__attribute__ __attribute __aligned __printf __scanf __section __must_hold __acquires __releases __acquire_shared __cond_acquires __must_hold_shared __guarded_by
  __counted_by __counted_by_le __counted_by_be __alloc_size __assume_aligned __no_sanitize __cleanup __free __format_arg __alias __acquires_shared
  __releases_shared __cond_acquires_shared __excludes __no_context_analysis __pt_guarded_by __rcu_guarded __diag_ignore_all __realloc_size`
    .split(/\s+/)
    .filter(Boolean),
);

const KEYWORDS = new Set([
  'if',
  'while',
  'for',
  'switch',
  'return',
  'sizeof',
  'do',
  'else',
  'case',
  'goto',
  'typeof',
  'defined',
  '__typeof__',
  '_Generic',
  'asm',
  '__asm__',
]);

/** Words that begin a type of several words. */
const TYPE_WORDS = new Set(['struct', 'union', 'enum', 'unsigned', 'signed', 'long', 'short', 'const', 'volatile']);
const STATEMENTS = new Set(['if', 'while', 'for', 'do', 'switch', 'return', 'goto', 'break', 'continue']);
const TYPE_OF = new Set(['typeof', '__typeof__', '__typeof']);
const ASSEMBLER = new Set(['asm', '__asm__', '__asm']);

/** First letters and lengths of the words that matter where no parenthesis follows. */
const LIKE_WORDS = new Set(
  [...SPECIFIERS, ...TYPE_WORDS, ...STATEMENTS, ...ASSEMBLER].map(word => likeness(word.charCodeAt(0), word.length)),
);

function likeness(first: number, length: number): number {
  return first * 64 + length;
}

/** Gives the text as the grammar can read it, and where loop macros stood. */
export function normalise(text: string): Normalised {
  const strings: { at: number; end: number }[] = [];
  const all = codeOnly(text, strings);
  const ranges = brokenConditionals(text, all);
  const code = without(all, ranges);
  const macros = new Map<number, string>();
  const cleanups = new Map<number, string>();
  const failures = new Map<number, string>();
  const jumps: Jumps = new Map();
  const edits: Edit[] = [];
  const blank = (at: number, end: number) => edits.push({ at, end, text: blankOf(text, at, end) });
  for (const { at, end } of ranges) blank(at, end);
  let depth = 0;
  /** Where the arguments end that have been seen to already. */
  let done = 0;
  for (let at = 0, end = 0; at < code.length; at = end) {
    const begins = code.charCodeAt(at);
    end = at + 1;
    if (!isLetter(begins)) {
      if (begins === 123) depth++;
      else if (begins === 125) depth = Math.max(0, depth - 1);
      else if (begins === 44 && depth > 0) {
        const next = code.charCodeAt(nextSolid(code, end));
        if (next === 44 || next === 41) emptyArgument(text, code, at, edits);
        else if (!isWord(next)) operatorArgument(code, at, edits);
      } else if (begins === 46 && code.startsWith('...', at)) {
        caseRange(text, code, at, edits);
        end = at + 3;
      } else if (isDigit(begins)) {
        while (isWord(code.charCodeAt(end))) end++;
        // `PHY(1000baseX)`: part of a name that the macro pastes.
        if (end > at + 2 && !/^(?:0[xX][\da-fA-F]+|0[bB][01]+|\d+(?:[eE]\d*)?)(?:[uUlLzZ]*|[fF])$/.test(code.slice(at, end)))
          edits.push({ at, end: at + 1, text: '_' });
      }
      continue;
    }
    while (isWord(code.charCodeAt(end))) end++;
    const next = nextSolid(code, end);
    const isCall = code.charCodeAt(next) === 40;
    const begun = depth === 0 && (at === 0 || code.charCodeAt(at - 1) === 10);
    if (begun && !isCall) bareHead(text, code, at, word => SPECIFIERS.has(word), edits);
    // Most words are nothing to look at more closely, and are not cut out.
    if (!isCall && begins !== 75 && !LIKE_WORDS.has(likeness(begins, end - at))) continue;
    const name = code.slice(at, end);
    if (SPECIFIERS.has(name)) {
      blank(at, end);
      continue;
    }
    if (depth > 0 && at >= done && STATEMENTS.has(name)) {
      done = Math.max(done, statementArgument(text, code, at, name, jumps, edits));
      continue;
    }
    if (ASSEMBLER.has(name)) {
      assembler(text, code, end, edits);
      continue;
    }
    if (!isCall) {
      if (depth > 0 && TYPE_WORDS.has(name)) typeArgument(code, at, edits);
      // `printk(KERN_ERR MESSAGE, x)`: a level and a name are no two arguments.
      else if (begins === 75 && /^KERN_[A-Z]+$/.test(name) && isLetter(code.charCodeAt(next))) blank(at, end);
      continue;
    }
    if (SPECIFIERS_WITH_ARGUMENTS.has(name)) {
      const close = closing(code, next);
      if (close > 0) {
        blank(at, close);
        if (name === '__free' || name === '__cleanup') cleanups.set(at, code.slice(next + 1, close - 1).trim());
      }
      continue;
    }
    if (TYPE_OF.has(name)) {
      typeOfWords(text, code, at, next, edits);
      continue;
    }
    if (KEYWORDS.has(name)) continue;
    if (isCapital(begins) && /^(?:COMPAT_)?SYSCALL_DEFINE\d$|^BPF_CALL_\d$|^COMPAT_SYSCALL_DEFINEx$/.test(name)) {
      systemCall(code, at, next, edits);
      continue;
    }
    if (begins === 68 && /^DEFINE_|^DECLARE_/.test(name)) {
      const before = code.slice(Math.max(0, at - 8), at).match(/\bstatic\s+$/);
      if (before) blank(at - before[0].length, at);
      if (depth > 0) withoutValue(text, code, next, edits);
      continue;
    }
    if (begun) bareCall(text, code, at, next, edits);
    if (depth === 0) continue;
    if (name === 'offsetof') {
      offsetMember(code, next, edits);
      continue;
    }
    if (name === 'scoped_cond_guard') {
      failures.set(at, plainFailure(code, next, edits));
      done = Math.max(done, closing(code, next));
    }
    const previous = previousSolid(code, at);
    if (previous >= 0 && !endsStatement(code, previous)) continue;
    const close = closing(code, next);
    if (close < 0) continue;
    const follows = nextSolid(code, close);
    const after = code[follows] ?? '';
    const form = after === '{' ? 'loop' : followed(text, code, { at, name, close, follows, after });
    if (form === 'statement') {
      // A macro that wants no semicolon gets one where a blank follows its line's end.
      const gap = /^[ \t]*\n+([ \t])/.exec(text.slice(close, close + 200));
      if (gap) edits.push({ at: close + gap[0].length - 1, end: close + gap[0].length, text: ';' });
    } else if (form === 'loop' && name.length >= 5) {
      edits.push({ at, end, text: 'while'.padEnd(name.length) });
      macros.set(at, name);
    }
  }
  besideStrings(text, code, strings, edits);
  edits.sort((a, b) => a.at - b.at);
  const out: string[] = [];
  let from = 0;
  for (const edit of edits) {
    if (edit.at < from) continue;
    out.push(text.slice(from, edit.at), edit.text);
    from = edit.end;
  }
  out.push(text.slice(from));
  return { text: out.join(''), code, macros, cleanups, failures, jumps };
}

/**
 * What `name(...)` at the beginning of a statement is where no brace, semicolon or operator follows. Only the name tells of a loop or scope macro
 * on one line with what it holds; where the next statement is on the next line, it is held if it is indented more.
 */
function followed(
  text: string,
  code: string,
  it: { at: number; name: string; close: number; follows: number; after: string },
): 'loop' | 'statement' | null {
  const { at, name, close, follows, after } = it;
  if (/for_each|^list_for|^scoped_guard$|^scoped_cond_guard$/.test(name)) return after !== ';' && after !== ',' && after !== ')' ? 'loop' : null;
  if (!/[A-Za-z_}*+-]/.test(after) || !code.slice(close, follows).includes('\n')) return null;
  const lineStart = code.lastIndexOf('\n', at) + 1;
  if (/^[A-Za-z_]/.test(after) && code.slice(lineStart, at).trim() === '' && indentOf(code, follows) > indentOf(code, at)) return 'loop';
  return /[A-Za-z_}]/.test(after) ? 'statement' : null;
}

/** `case 1 ... 5:` is read as its first value. */
function caseRange(text: string, code: string, at: number, edits: Edit[]): void {
  if (!/(?:^|[^\w])case\s[^:;{}]*$/.test(code.slice(Math.max(0, at - 200), at))) return;
  const end = code.indexOf(':', at);
  if (end >= 0 && end - at < 200 && !/[;{}]/.test(code.slice(at, end))) edits.push({ at, end, text: blankOf(text, at, end) });
}

/** `DECLARE_BITMAP(busy, N) = { 0 };` inside a function is read without its initial value. */
function withoutValue(text: string, code: string, open: number, edits: Edit[]): void {
  const close = closing(code, open);
  const value = close < 0 ? null : /^\s*=\s*\{[^;{}]*\}(?=\s*;)/.exec(code.slice(close, close + 200));
  if (value) edits.push({ at: close, end: close + value[0].length, text: blankOf(text, close, close + value[0].length) });
}

function without(code: string, ranges: { at: number; end: number }[]): string {
  if (ranges.length === 0) return code;
  const out: string[] = [];
  let done = 0;
  for (const { at, end } of [...ranges].sort((a, b) => a.at - b.at)) {
    if (end <= done) continue;
    const from = Math.max(at, done);
    out.push(code.slice(done, from), code.slice(from, end).replace(/[^\n]/g, ' '));
    done = end;
  }
  out.push(code.slice(done));
  return out.join('');
}

/** `SYSCALL_DEFINE2(name, int, fd, ...)`: the head of a function `name(int  fd, ...)`. */
function systemCall(code: string, at: number, open: number, edits: Edit[]): void {
  const close = closing(code, open);
  const comma = code.indexOf(',', open);
  const end = close < 0 ? -1 : comma >= 0 && comma < close ? comma : close - 1;
  const words = end < 0 ? '' : code.slice(at, end);
  if (end < 0 || !/^\s*\w+\s*$/.test(code.slice(open + 1, end))) {
    edits.push({ at, end: at + 4, text: 'int ' });
    return;
  }
  // The name moves one place to the right, over the comma, so that the parenthesis fits behind it.
  const name = code.slice(open + 1, end).trim();
  const breaks = words.includes('\n');
  if (breaks) {
    edits.push({ at, end: at + 4, text: 'int ' });
    return;
  }
  edits.push({
    at,
    end: end + (end === close - 1 ? 0 : 1),
    text: `int${' '.repeat(Math.max(1, end - at - 3 - name.length))}${name}${end === close - 1 ? '' : '('}`,
  });
  if (end === close - 1) {
    // No parameters: `SYSCALL_DEFINE0(name)` gives up a blank for its parenthesis.
    edits.pop();
    edits.push({ at, end: close, text: `int${' '.repeat(Math.max(1, close - at - 5 - name.length))}${name}()` });
    return;
  }
  let isType = true;
  let depth = 0;
  for (let i = end + 1; i < close - 1; i++) {
    const c = code[i];
    if (c === '(') depth++;
    else if (c === ')') depth--;
    else if (c === ',' && depth === 0) {
      if (isType) edits.push({ at: i, end: i + 1, text: ' ' });
      isType = !isType;
    }
  }
}

/** `scoped_cond_guard(class, return -EINTR, lock)`: of the statement among the arguments a value is left, or a number. Gives the statement. */
function plainFailure(code: string, open: number, edits: Edit[]): string {
  const from = code.indexOf(',', open) + 1;
  let depth = 0;
  for (let i = from; i > 0 && i < code.length && i < from + 400; i++) {
    const c = code[i];
    const isLast = (c === ')' || c === '}') && --depth < 0;
    if (c === '(' || c === '{') depth++;
    if (!isLast && (c !== ',' || depth > 0)) continue;
    const failure = code.slice(from, i);
    const value = /^\s*return\b(?=\s*[^\s;])/.exec(failure)?.[0];
    if (value !== undefined) edits.push({ at: from, end: from + value.length, text: value.replace(/[^\n]/g, ' ') });
    else if (/^\s*(?:return|break|continue|goto|\{)/.test(failure))
      edits.push({ at: from, end: i, text: `0${failure.slice(1).replace(/[^\n]/g, ' ')}` });
    return failure.trim();
  }
  return '';
}

/** May a statement begin behind the character? */
function endsStatement(code: string, at: number): boolean {
  switch (code.charCodeAt(at)) {
    case 59: // ;
    case 123: // {
    case 125: // }
    case 41: // )
    case 58: // :
      return true;
    case 101: // else
    case 111: // do
      return /\b(?:else|do)$/.test(code.slice(Math.max(0, at - 4), at + 1));
    default:
      return false;
  }
}
