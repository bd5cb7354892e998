/** Words that the grammar is not shown as they are. */

/** Why a word is looked at: a specifier (with arguments), a word of C with parentheses of its own, part of a type of several words. */
export type WordMeaning = 'specifier' | 'specifier()' | 'keyword' | 'if' | 'type' | 'typeof' | 'alignof' | 'asm';

/** Words that stand among the specifiers of a declaration and change nothing of what the code does to memory. */
const SPECIFIERS = `__init __exit __initdata __exitdata __initconst __meminit __meminitdata __ref __refdata __net_init __net_exit __net_initdata __head
  __user __kernel __iomem __rcu __percpu __force __nocast __bitwise __private __must_check __maybe_unused __always_unused __used __weak
  __always_inline noinline __cold __hot __pure __const __deprecated __visible __malloc __noreturn noreturn __nonstring __attribute_const__
  __read_mostly __ro_after_init __cacheline_aligned __cacheline_aligned_in_smp ____cacheline_aligned ____cacheline_aligned_in_smp
  ____cacheline_internodealigned_in_smp __page_aligned_bss __page_aligned_data __packed __sched __lockfunc __kprobes notrace noinstr asmlinkage
  noinline_for_stack nokprobe_inline __no_kcsan __no_kasan_or_inline __no_sanitize_or_inline __no_sanitize_address __no_sanitize_memory __nocfi
  __no_randomize_layout __randomize_layout __designated_init __flatten __latent_entropy __init_or_module __init_memblock __bpf_kfunc __noclone
  __no_profile __noendbr __entry_text __ksym __no_kmsan_checks __no_sanitize_coverage __no_context_analysis STATIC
  __devinit __devexit __cpuinit __optimize noinline_for_kasan __hyp_text __tracepoint_ptr __nosavedata __lsm_ro_after_init __vsyscall_fn
  __volatile__ __const__`;

/** The same with arguments in parentheses. */
const SPECIFIERS_WITH_ARGUMENTS = `__attribute__ __attribute __aligned __printf __scanf __section __must_hold __acquires __releases __acquire_shared __cond_acquires __must_hold_shared __guarded_by
  __counted_by __counted_by_le __counted_by_be __alloc_size __assume_aligned __no_sanitize __cleanup __free __format_arg __alias __acquires_shared
  __releases_shared __cond_acquires_shared __excludes __no_context_analysis __context_unsafe __must_not_hold __pt_guarded_by __rcu_guarded __diag_ignore_all __realloc_size`;

const KINDS: [WordMeaning, string][] = [
  ['keyword', 'while for switch return sizeof do else case goto defined _Generic'],
  ['if', 'if'],
  ['type', 'struct union enum unsigned signed long short const volatile'],
  ['typeof', 'typeof __typeof__ __typeof'],
  ['alignof', '__alignof__ __alignof _Alignof alignof'],
  ['asm', 'asm __asm__ __asm asm_goto_output asm_volatile_goto'],
  ['specifier()', SPECIFIERS_WITH_ARGUMENTS],
  ['specifier', SPECIFIERS],
];

/** The words by what is done about them. */
export const VOCABULARY: ReadonlyMap<string, WordMeaning> = new Map(
  KINDS.flatMap(([meaning, words]) => words.split(/\s+/).map((word): [string, WordMeaning] => [word, meaning])),
);

/** First letters and lengths of the words that matter where no parenthesis follows: most others need not be cut out. */
export const ALONE: ReadonlySet<number> = new Set(
  [...VOCABULARY].flatMap(([word, meaning]) => (meaning === 'keyword' ? [] : likeness(word.charCodeAt(0), word.length))),
);

export function likeness(first: number, length: number): number {
  return first * 64 + length;
}
