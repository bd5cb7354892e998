import { called } from '../../src/analysis/query.ts';
import type { Event } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'tlb-flush-ignores-freed-tables',
  title: 'An architecture’s tlb_flush() does only a ranged flush although page tables were freed',
  why: `
    The hardware walker caches upper levels as well. When page-table pages are freed, mmu_gather sets freed_tables, and a flush of only the
    leaf entries of a range may leave a cached pointer to a table whose memory is reused by then. tlb_flush() must check freed_tables, or
    the levels that were cleared, before it chooses the cheap flush. Outside the model, which has no page-table walker: reported by
    inspection.`,
  severity: 'warning',
  confidence: 'medium',
  finds: ['pgtable-tlb'],
  references: ['include/asm-generic/tlb.h, opening comment'],
  knownGaps: ['a ranged flush that drops cached upper levels by itself need not check freed_tables'],
  examples: {
    bad: [
      `
/* file: arch/example/include/asm/tlb.h */
static inline void tlb_flush(struct mmu_gather *tlb)
{
	if (tlb->fullmm || tlb->need_flush_all)
		flush_tlb_mm(tlb->mm);
	else
		flush_pages(tlb->mm, tlb->start, tlb->end, PAGE_SIZE); /* want: tlb-flush-ignores-freed-tables "freed_tables" */
}`,
    ],
    good: [
      `
/* file: arch/example/include/asm/tlb.h */
static inline void tlb_flush(struct mmu_gather *tlb)
{
	if (tlb->fullmm || tlb->freed_tables)
		flush_tlb_mm(tlb->mm);
	else
		flush_pages(tlb->mm, tlb->start, tlb->end, PAGE_SIZE);
}`,
      `
/* file: arch/example/include/asm/tlb.h */
static inline void tlb_flush(struct mmu_gather *tlb)
{
	flush_tlb_mm(tlb->mm);
}`,
      `
/* file: arch/example/include/asm/tlb.h */
static inline void tlb_flush(struct mmu_gather *tlb)
{
	if (tlb->fullmm)
		flush_tlb_mm(tlb->mm);
	else
		flush_levels(tlb, tlb->start, tlb->end);
}`,
    ],
  },
  checkFunction(fn, report) {
    const [parameter, ...more] = fn.parameters;
    if (fn.name !== 'tlb_flush' || !fn.whole || !parameter || more.length > 0 || !/\bstruct mmu_gather\b/.test(parameter.type)) return;
    const mentions = (pattern: RegExp) => fn.events.some(e => pattern.test(e.cell?.path ?? '') || e.args.some(arg => pattern.test(arg)));
    if (!mentions(/\b(?:fullmm|need_flush_all)\b/) || mentions(/\b(?:freed_tables|cleared_\w+)\b/)) return;
    const ranged = fn.events.find(e => e.kind !== 'read' && mentionsRange(e, parameter.name));
    // A callee that gets the whole mmu_gather may look at freed_tables itself.
    if (!ranged || fn.events.some(e => e.kind === 'call' && e.args.includes(parameter.name) && !/^tlb_get_/.test(e.api))) return;
    report(
      { event: ranged, fn },
      {
        message: `tlb_flush() chooses ${called(ranged)}() without checking ${parameter.name}->freed_tables`,
        question: 'Does the ranged flush also drop cached pointers to page tables that were freed?',
        dismissal: 'Not an issue if the ranged flush drops cached upper levels on this architecture',
        advice: [`Use the full flush if ${parameter.name}->freed_tables is set`],
      },
    );
  },
} satisfies Rule;

function mentionsRange(event: Event, tlb: string): boolean {
  return event.args.some(arg => arg === `${tlb}->start`) && event.args.some(arg => arg === `${tlb}->end`);
}
