import { isTest, runsAlone } from '../../src/analysis/query.ts';
import type { CFunction, Loop } from '../../src/model/code.ts';
import type { CodeFile, Rule, World } from '../../src/model/rule.ts';

/** Below this the call costs about as much as the body. */
const FEWEST_STATEMENTS = 10;

const COLD_WORDS = ['cold', 'slow.?(?:path|walk)', 'diagnostic', 'debug(?:ging)?\\b', 'not .{0,30}hot path', 'full (?:scan|walk)', 'validation'];

export default {
  id: 'cold-inline-helper',
  title: 'A large cold helper is static inline in a header',
  why: `
    A static inline in a header is compiled into every file that calls it. For more than a few lines that pays off only if constant
    arguments fold the body away; with a loop over a run-time size the saved call does not matter. A cold walk belongs in a .c file, and the
    header can then drop the includes that only the walk needs. Reported by inspection: no execution is at stake.`,
  severity: 'note',
  confidence: 'medium',
  finds: [],
  references: ['Documentation/process/coding-style.rst, 15) The inline disease'],
  knownGaps: [
    'callers that are not visible are not counted',
    'a helper that only moves from one header to another looks new',
    'if no comment, caller or name says that it is cold, two loops over a run-time size are needed; with one such loop it is held',
  ],
  examples: {
    bad: [
      `/* file: include/linux/tray.h */
/**
 * tray_check - walk all trays, for debugging
 * @t: the trays
 *
 * A cold full scan; keep it out of hot paths.
 */
static inline int tray_check(const struct tray *t) /* want: cold-inline-helper "tray_check()" */
{
	unsigned int i;
	int bad = 0;

	for (i = 0; i < t->count; i++) {
		unsigned long v = READ_ONCE(t->slot[i]);

		if (v == TRAY_EMPTY)
			continue;
		if (v > t->limit) {
			pr_warn("tray %u over the limit\\n", i);
			bad++;
		}
		if (v & TRAY_DEAD) {
			pr_warn("tray %u is dead\\n", i);
			bad++;
		}
	}
	return bad;
}`,
      `/* file: include/linux/tray.h */
static inline int tray_merge(struct tray *t, const struct tray *from) /* want: cold-inline-helper "2 loops" */
{
	unsigned int i, n;
	int moved = 0;

	for (i = 0; i < t->count; i++) {
		if (t->slot[i])
			continue;
		for (n = 0; n < from->count; n++) {
			if (from->slot[n] == t->want[i]) {
				t->slot[i] = from->slot[n];
				moved++;
				break;
			}
		}
		if (n == from->count)
			t->misses++;
	}
	t->moved += moved;
	return moved;
}`,
    ],
    good: [
      `/* file: include/linux/tray.h */
/* Called by for_each_tray_slot() alone. */
static inline int tray_debug_next(struct tray *t, int at)
{
	int i;

	if (at < 0)
		at = 0;
	for (i = at; i < t->count; i++) {
		if (!t->slot[i])
			continue;
		if (t->slot[i] > t->limit)
			continue;
		if (t->hidden[i])
			continue;
		return i;
	}
	return -1;
}`,
      `/* file: include/linux/tray.h */
static inline bool tray_get(struct tray *t)
{
	int v = atomic_read(&t->refs);

	do {
		if (!v)
			return false;
	} while (!atomic_try_cmpxchg(&t->refs, &v, v + 1));
	return true;
}`,
      `/* file: drivers/tray/tray.c */
/* cold: full scan */
static inline int tray_check(const struct tray *t)
{
	unsigned int i;
	int bad = 0;

	for (i = 0; i < t->count; i++) {
		if (!t->slot[i])
			continue;
		if (t->slot[i] > t->limit)
			bad++;
		if (t->slot[i] & 1)
			bad++;
		if (t->slot[i] & 2)
			bad++;
	}
	return bad;
}`,
      `/* file: include/linux/tray.h */
/* debug: at most four, unrolled */
static inline int tray_sum(const struct tray *t)
{
	int i, sum = 0;

	for (i = 0; i < 4; i++) {
		if (t->slot[i] == 1)
			sum += 1;
		if (t->slot[i] == 2)
			sum += 2;
		if (t->slot[i] == 3)
			sum += 3;
		if (t->slot[i] == 4)
			sum += 4;
	}
	return sum;
}`,
    ],
  },
  checkFile(file, report, world) {
    if (!file.isHeader || !file.whole || !isPublic(file, world)) return;
    const candidates = file.functions
      .filter(fn => fn.addedBy !== null && fn.isStatic && fn.isInline && !EXEMPT.test(fn.head) && !fn.attributes.includes('__always_inline'))
      .map(fn => ({ fn, sized: fn.shape.loops.filter(isSized), cold: coldEvidence(fn, world) }))
      .filter(
        c =>
          c.fn.shape.statements >= FEWEST_STATEMENTS &&
          c.sized.length > 0 &&
          !c.fn.shape.calls.some(n => n === '__builtin_constant_p' || n === 'IS_ENABLED'),
      )
      .sort((a, b) => b.fn.shape.statements - a.fn.shape.statements);
    const worst = candidates.find(c => c.cold !== null) ?? candidates.find(c => isHeavy(c.sized)) ?? candidates[0];
    if (!worst) return;
    const { fn, sized, cold } = worst;
    const alone = cold === null && !isHeavy(sized);
    const [sizedLoop] = sized;
    const all = fn.shape.loops.length;
    const callers = [...new Set(world.callers(fn.name).map(c => `${c.fn.name}()${isTest(c.fn) ? ' (test)' : ''}`))];
    report(
      { place: { path: fn.path, line: fn.line, side: fn.side }, fn },
      {
        message: `${fn.name}() is ${cold === null ? '' : 'cold and '}large for a static inline: ${fn.shape.statements} statements, ${all} ${all === 1 ? 'loop' : 'loops'}, one over ${sizedLoop?.boundText ?? 'a run-time size'}`,
        detail: [
          callers.length > 0
            ? `Visible callers: ${callers.slice(0, 4).join(', ')}${callers.length > 4 ? ` and ${callers.length - 4} more` : ''}`
            : 'No visible caller',
          'Every file that calls it gets its own copy, and the header keeps the includes that only this function needs',
        ],
        question: 'Could it move to a .c file with an EXPORT_SYMBOL_GPL(), and only the small helpers stay inline?',
        dismissal: 'Not an issue if a constant argument folds the walk away in every caller',
        said: world
          .said(fn, ['inline', 'header.only', ...COLD_WORDS])
          .filter(s => /inline|header/i.test(s.text) || s.source !== 'log')
          .slice(0, 1),
        confidence: cold === 'said' ? 'high' : alone ? 'low' : 'medium',
      },
    );
  },
} satisfies Rule;

/** Sections in which a call may not be made, and a body that must be inline. */
const EXEMPT = /\b(?:noinstr|__no_kcsan|__no_sanitize\w*|__attribute__)\b/;
/** Includers that make a private header a public one. */
const FEW_INCLUDERS = 2;

/** A header for many: under include/, or included by several files in view. What the vDSO shares with user space can call nothing. */
function isPublic(file: CodeFile, world: World): boolean {
  if (/(?:^|\/)(?:vdso|boot|bpf|tools|selftests)\//.test(file.path)) return false;
  return /^(?:arch\/[^/]+\/)?include\//.test(file.path) || world.includers(file.path).filter(p => p.endsWith('.c')).length > FEW_INCLUDERS;
}

/** Two loops over counts, or one within another; walks along a list are as a rule lookups, which end at the first hit. */
function isHeavy(sized: Loop[]): boolean {
  const counted = sized.filter(l => !l.boundText.endsWith('()'));
  return counted.length > 1 || counted.some(l => l.depth > 0);
}

function isSized(loop: Loop): boolean {
  return loop.bound === 'sized';
}

/** Members and macros whose functions print what somebody asks for. */
const SHOWS = /^(?:show|store|seq_show)$|_ATTR(?:IBUTE)?(?:_R[OW])?$|^debugfs_create_/;

/** Why it is cold: its own comment says so, or only cold code calls it. */
function coldEvidence(fn: CFunction, world: World): 'said' | 'callers' | null {
  const words = COLD_WORDS.map(w => new RegExp(`\\b${w}`, 'i'));
  const own = [fn.doc?.text ?? '', ...fn.comments.map(c => c.text)].join('\n');
  if (words.some(w => w.test(own))) return 'said';
  const callers = world.callers(fn.name);
  if (
    callers.length > 0 &&
    callers.every(c => isTest(c.fn) || runsAlone(c.fn, world) || world.mentions(c.fn).some(m => SHOWS.test(m.member ?? m.call ?? '')))
  )
    return 'callers';
  return null;
}
