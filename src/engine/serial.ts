/** Threads of a draft run one after the other, each to its end: the whole calls that a claim measures an interleaving by. */
import type { LitmusValue } from '../lkmm/litmus.ts';
import type { Draft, DraftThread, ThreadAct } from './draft.ts';
import { putBy, resultOf, startOf } from './values.ts';

/** Where the locations and the registers end. */
export interface FinalState {
  location(at: number): LitmusValue;
  register(name: string): LitmusValue;
}

/** Runs the threads in the order given. Locks and fences do nothing where nobody else runs. */
export function runSerially(draft: Draft, threads: DraftThread[]): FinalState {
  const cells = draft.locations.map((_, i) => startOf(draft, i));
  const registers = new Map<string, LitmusValue>();
  const act = (a: ThreadAct, register: string | null): void => {
    if (a.op === 'copy') {
      if (register !== null) registers.set(register, registers.get(a.register) ?? 0);
    } else if (a.op === 'word') {
      const word = cells[0];
      let next = typeof word === 'number' ? word : 0;
      for (const part of a.parts) {
        const lane = (next >> part.shift) & 255;
        if (part.register !== null) registers.set(part.register, 'mask' in part.act && part.act.mask !== null ? lane & part.act.mask : lane);
        const put = putBy(part.act, lane);
        next = (next & ~(255 << part.shift)) | (((typeof put === 'number' ? put : 0) & 255) << part.shift);
      }
      cells[0] = next;
    } else if ('location' in a && a.op !== 'lock' && a.op !== 'unlock') {
      const found = cells[a.location] ?? 0;
      if (register !== null) registers.set(register, resultOf(a, found));
      cells[a.location] = putBy(a, found);
    }
  };
  for (const step of threads.flatMap(t => t.steps)) {
    const runs = step.when.every(g => g.test === 'dependent' || ((registers.get(g.register) ?? 0) !== 0) === (g.test === 'nonzero'));
    if (runs) act(step.act, step.register);
  }
  return { location: at => cells[at] ?? 0, register: name => registers.get(name) ?? 0 };
}
