/** Why a section counts as held: the trail that leads to it. */
import type { Place } from './code.ts';
import type { Section } from './section.ts';

/**
 * One step of a trail.
 * - `acquired`, `released`: by the call.
 * - `tested`: the call may fail, and here a branch finds that it did not.
 * - `kept`: the call stands between and does not release the section, as far as is known.
 * - `unseen`: lines that are not shown, or that nobody can follow, behind which nothing is sure.
 * - `without`: a path on which it was not acquired joins here.
 * - `asserted`, `annotated`, `convention`: the function says that its caller holds it.
 * - `comment`: the comment above the function says so; `table`: the kernel's core holds it when it runs what stands in that table, or that handler.
 * - `releases-first`: the function releases it before it acquires it, so its caller holds it.
 * - `caller`: the call of the function, with the section held; `bare-caller`: without.
 */
export interface WhyStep extends Place {
  kind:
    | 'acquired'
    | 'released'
    | 'tested'
    | 'kept'
    | 'unseen'
    | 'without'
    | 'asserted'
    | 'annotated'
    | 'convention'
    | 'comment'
    | 'table'
    | 'releases-first'
    | 'caller'
    | 'bare-caller';
  /** The call as written, `spin_lock(&f->lock)`, the function that calls, or the condition. */
  text: string;
  /** What is in doubt of a call that it is kept over: nothing shows what it does, or a function in view may release it in between. */
  doubt: 'not-visible' | 'may-release' | null;
}

/** A section at a line: on which paths it is held, and the steps that say so, in the order of the lines. */
export interface Why {
  section: Section;
  held: 'every' | 'some' | 'callers' | 'none';
  trail: WhyStep[];
}
