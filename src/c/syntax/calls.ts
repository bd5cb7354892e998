/** Words that look like calls and are none, and calls that the facts do not tell apart. */

/** How a call by that name is read where nothing in view defines it. */
export type CallKind = 'transparent' | 'none' | 'ends' | 'plain';

/** Calls whose value is their first argument's. */
const TRANSPARENT =
  /^(?:likely|unlikely|WARN_ON(?:_ONCE)?|WARN(?:_ONCE|_TAINT)?|IS_ERR(?:_OR_NULL|_VALUE)?|PTR_ERR(?:_OR_ZERO)?|ERR_CAST|data_race|__builtin_expect|(?:VM|MM)_WARN_ON(?:_ONCE|_FOLIO|_PAGE|_MM|_VMA)?|VM_WARN_ON_ONCE_(?:FOLIO|PAGE|MM|VMA)|READ_ONCE_NOCHECK|(?:VM_|VIRTUAL_)?BUG_ON(?:_PAGE|_FOLIO|_VMA|_MM)?|lockdep_is_held|no_free_ptr|return_ptr|unrcu_pointer|__force|SCHED_WARN_ON|WARN_ON_ONCE_SMP|DEBUG_LOCKS_WARN_ON|RCU_LOCKDEP_WARN|KUNIT_EXPECT_\w+|DEBUG_NET_WARN_ON_ONCE)$/;
/** Of these the branch where the condition holds does not run on. */
const STOPS = /^(?:VM_|VIRTUAL_)?BUG_ON(?:_PAGE|_FOLIO|_VMA|_MM)?$/;
/** Their value is another than their argument's: zero of one is not zero of the other. */
const OTHER_VALUE = /^(?:IS_ERR|PTR_ERR|ERR_CAST)/;
/** Calls that do not come back. */
const ENDS =
  /^(?:panic|BUG|do_exit|do_group_exit|do_task_dead|unreachable|kthread_exit|__builtin_unreachable|make_task_dead|kthread_complete_and_exit|module_put_and_kthread_exit|BUILD_BUG)$/;
/** Words of the compiler and size arithmetic: no memory is touched. */
const NO_EFFECT =
  /^(?:__builtin_\w+|BITS_TO_LONGS|BITS_PER_\w+|ARRAY_SIZE|BIT(?:_ULL|_MASK|_WORD)?|GENMASK(?:_ULL)?|ALIGN(?:_DOWN)?|DIV_ROUND_UP(?:_ULL)?|DIV_ROUND_CLOSEST|DIV64_U64\w*|round_(?:up|down)|roundup(?:_pow_of_two)?|rounddown(?:_pow_of_two)?|min(?:3|_not_zero|_t)?|max(?:3|_t)?|umin|umax|clamp(?:_t|_val)?|abs|swab\d+|cpu_to_[lb]e\d+|[lb]e\d+_to_cpu|hton[sl]|ntoh[sl]|container_of(?:_const|_safe)?|from_timer|list_entry|hlist_entry|rb_entry|PAGE_ALIGN|PHYS_PFN|PFN_PHYS|PFN_(?:UP|DOWN)|IS_ENABLED|IS_REACHABLE|IS_ALIGNED|FIELD_GET|FIELD_PREP|FIELD_MAX|array_index_nospec|struct_size(?:_t)?|array_size|size_add|size_mul|flex_array_size|offsetof|offsetofend|sizeof_field|sizeof|typeof|ERR_PTR|upper_(?:16|32)_bits|lower_(?:16|32)_bits|BUILD_BUG_ON\w*|static_assert|hweight\w*|ilog2|order_base_2|fls\w*|__?ffs\w*|ffz|ffs|BITMAP_\w+|U8_MAX|U32_MAX|swap_fields|is_power_of_2|sign_extend\d+|mul_u64_u32_shr|check_(?:add|sub|mul|shl)_overflow|IS_ERR_VALUE|PTR_ALIGN|u64_to_user_ptr|ptr_to_uint|__stringify|MODULE_\w+|EXPORT_SYMBOL\w*|ARG_SET|va_(?:start|end|arg|copy)|__acquire|__release|__cond_lock|fallthrough|ALIGN_TO|MAX_\w+|MIN_\w+|MKDEV|MAJOR|MINOR|KERNEL_VERSION|__GFP_\w+|__set_errno|assert_bits|TP_\w+)$/;

const own = new Map<string, string>();
/** Shorter pieces of a text are copied out of it by V8 itself. */
const SHORTEST_PIECE = 13;
/** Names in one run; more are not kept. */
const MOST_NAMES = 50_000;

/** The name as a string of its own: a piece of a file's text would keep the whole text alive in every table that it is a key of. */
export function ownName(name: string): string {
  let known = own.get(name);
  if (known === undefined) {
    known = name.length < SHORTEST_PIECE ? name : name.split('').join('');
    if (own.size >= MOST_NAMES) {
      own.clear();
      kinds.clear();
    }
    own.set(known, known);
  }
  return known;
}

const kinds = new Map<string, CallKind>();

/** How a call of that name is read. */
export function callKind(api: string): CallKind {
  let kind = kinds.get(api);
  if (kind === undefined) {
    kind = TRANSPARENT.test(api) ? 'transparent' : ENDS.test(api) ? 'ends' : NO_EFFECT.test(api) ? 'none' : 'plain';
    kinds.set(api, kind);
  }
  return kind;
}

/** A transparent call through which a condition is what its argument is. */
export function keepsTruth(api: string): boolean {
  return callKind(api) === 'transparent' && !OTHER_VALUE.test(api) && api !== 'READ_ONCE_NOCHECK' && !api.startsWith('KUNIT');
}

/** Does the way on which the condition holds end here? */
export function stops(api: string): boolean {
  return STOPS.test(api);
}
