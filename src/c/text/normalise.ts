/**
 * Kernel C made readable for a C grammar, at the same length: every offset, line and column stays what it was.
 * The grammar knows no kernel macros; what it stumbles over is blanked or given a word of C of the same width.
 */
import { blankOf, codeOnly } from './bare.ts';
import { brokenConditionals } from './conditionals.ts';

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
  `__attribute__ __aligned __printf __scanf __section __must_hold __acquires __releases __acquire_shared __cond_acquires __must_hold_shared __guarded_by
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

/** First letters and lengths of the words that matter where no parenthesis follows. */
const LIKE_WORDS = new Set([...SPECIFIERS, 'struct', 'union', 'enum'].map(word => likeness(word.charCodeAt(0), word.length)));

function likeness(first: number, length: number): number {
  return first * 64 + length;
}

/** The offset after the parenthesis that closes the one at `open`, or -1. */
export function closing(code: string, open: number): number {
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    const c = code.charCodeAt(i);
    if (c === 40) depth++;
    else if (c === 41 && --depth === 0) return i + 1;
  }
  return -1;
}

/** Gives the text as the grammar can read it, and where loop macros stood. */
export function normalise(text: string): Normalised {
  const all = codeOnly(text);
  const ranges = brokenConditionals(text, all);
  const code = without(all, ranges);
  const macros = new Map<number, string>();
  const cleanups = new Map<number, string>();
  const failures = new Map<number, string>();
  const edits: { at: number; end: number; text: string }[] = [];
  const blank = (at: number, end: number) => edits.push({ at, end, text: blankOf(text, at, end) });
  for (const { at, end } of ranges) blank(at, end);
  let depth = 0;
  for (let at = 0, end = 0; at < code.length; at = end) {
    const begins = code.charCodeAt(at);
    end = at + 1;
    if (!isLetter(begins)) {
      if (begins === 123) depth++;
      else if (begins === 125) depth = Math.max(0, depth - 1);
      continue;
    }
    while (isLetter(code.charCodeAt(end)) || isDigit(code.charCodeAt(end))) end++;
    const next = nextSolid(code, end);
    const isCall = code.charCodeAt(next) === 40;
    // Most words are nothing to look at more closely, and are not cut out.
    if (!isCall && !LIKE_WORDS.has(likeness(begins, end - at))) continue;
    const name = code.slice(at, end);
    if (SPECIFIERS.has(name)) {
      blank(at, end);
      continue;
    }
    if (!isCall) {
      if ((name === 'struct' || name === 'union' || name === 'enum') && depth > 0) joinTag(code, at, end, edits);
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
    if (KEYWORDS.has(name)) continue;
    if (isCapital(begins) && /^(?:COMPAT_)?SYSCALL_DEFINE\d$|^BPF_CALL_\d$|^COMPAT_SYSCALL_DEFINEx$/.test(name)) {
      systemCall(code, at, next, edits);
      continue;
    }
    if (begins === 68 && /^DEFINE_|^DECLARE_/.test(name)) {
      const before = code.slice(Math.max(0, at - 8), at).match(/\bstatic\s+$/);
      if (before) blank(at - before[0].length, at);
      continue;
    }
    if (depth === 0) continue;
    if (name === 'scoped_cond_guard') failures.set(at, plainFailure(code, next, edits));
    const previous = previousSolid(code, at);
    if (previous >= 0 && !endsStatement(code, previous)) continue;
    const close = closing(code, next);
    if (close < 0) continue;
    const after = code[nextSolid(code, close)];
    // A macro that wants no semicolon gets one where a blank follows its line's end.
    if (
      isCapital(begins) &&
      /^[A-Z][A-Z0-9_]+$/.test(name) &&
      /[A-Za-z_}]/.test(after ?? '') &&
      code.slice(close, nextSolid(code, close)).includes('\n')
    ) {
      const gap = /^[ \t]*\n+([ \t])/.exec(code.slice(close, close + 200));
      if (gap) edits.push({ at: close + gap[0].length - 1, end: close + gap[0].length, text: ';' });
      continue;
    }
    // `name(...) {` inside a function is a loop or scope macro, whatever its name; without braces only the name tells.
    if (after === '{' || (/for_each|^list_for|^scoped_guard$|^scoped_cond_guard$/.test(name) && after !== ';' && after !== ',' && after !== ')')) {
      edits.push({ at, end, text: 'while'.padEnd(Math.max(5, name.length)) });
      if (name.length >= 5) macros.set(at, name);
      else edits.pop();
    }
  }
  edits.sort((a, b) => a.at - b.at);
  const out: string[] = [];
  let done = 0;
  for (const edit of edits) {
    if (edit.at < done) continue;
    out.push(text.slice(done, edit.at), edit.text);
    done = edit.end;
  }
  out.push(text.slice(done));
  return { text: out.join(''), code, macros, cleanups, failures };
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
function systemCall(code: string, at: number, open: number, edits: { at: number; end: number; text: string }[]): void {
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
function plainFailure(code: string, open: number, edits: { at: number; end: number; text: string }[]): string {
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

/** `container_of(p, struct foo, m)`: a type as an argument becomes one word. */
function joinTag(code: string, at: number, end: number, edits: { at: number; end: number; text: string }[]): void {
  const previous = code[previousSolid(code, at)];
  if (previous !== ',' && previous !== '(') return;
  const rest = /^(\s+)(\w+)\s*(\**)\s*([,)])/.exec(code.slice(end, end + 120));
  if (!rest || rest[1]?.includes('\n')) return;
  if (previous === '(') {
    // Alone in parentheses it is a cast or an operand of sizeof, unless a function's name stands before.
    const callee = /(\w+)\s*\($/.exec(code.slice(Math.max(0, at - 60), at).trimEnd())?.[1];
    if (callee === undefined || /^(?:sizeof|typeof|__typeof__|__typeof|_Alignof|__alignof__|if|while|for|switch|return|offsetof)$/.test(callee))
      return;
    if (rest[3] !== '' && rest[4] === ')') return;
  }
  edits.push({ at: end, end: end + (rest[1]?.length ?? 0), text: '_'.repeat(rest[1]?.length ?? 0) });
  if (rest[3]) {
    const star = code.indexOf('*', end);
    edits.push({ at: star, end: star + rest[3].length, text: ' '.repeat(rest[3].length) });
  }
}

function nextSolid(code: string, from: number): number {
  let i = from;
  while (isSpace(code.charCodeAt(i))) i++;
  return i;
}

function previousSolid(code: string, from: number): number {
  let i = from - 1;
  while (i >= 0 && isSpace(code.charCodeAt(i))) i--;
  return i;
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

function isLetter(c: number): boolean {
  return (c >= 97 && c <= 122) || c === 95 || isCapital(c);
}

function isCapital(c: number): boolean {
  return c >= 65 && c <= 90;
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

function isSpace(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13) || (c > 127 && /\s/.test(String.fromCharCode(c)));
}
