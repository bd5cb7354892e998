/**
 * Relations over the events of one candidate execution, as rows of bits: bit j of row i is set where i is related to j. A row is one
 * 32-bit word for up to 32 events and more words beyond, so that most operations are a handful of machine instructions.
 */

export type Relation = Int32Array;
/** A set of events. */
export type Mask = Int32Array;

/**
 * The algebra of relations over a fixed number of events. Every operation that gives a relation gives a fresh one, out of a pool: what was
 * made after a mark is given back all at once.
 */
export class Algebra {
  readonly size: number;
  /** Words in a row. */
  readonly words: number;
  private readonly pool: Relation[] = [];
  private used = 0;

  constructor(size: number) {
    this.size = size;
    this.words = Math.max(1, (size + 31) >> 5);
  }

  none(): Relation {
    return this.any().fill(0);
  }

  /** A relation to be written all over. */
  private any(): Relation {
    const known = this.pool[this.used++];
    if (known) return known;
    const made = new Int32Array(this.size * this.words);
    this.pool.push(made);
    return made;
  }

  copy(a: Relation): Relation {
    const out = this.any();
    for (let k = 0; k < out.length; k++) out[k] = a[k] as number;
    return out;
  }

  /** Relations made from here on are given back by `release`. */
  mark(): number {
    return this.used;
  }

  release(mark: number): void {
    this.used = mark;
  }

  noEvents(): Mask {
    return new Int32Array(this.words);
  }

  setOf(belongs: (event: number) => boolean): Mask {
    const mask = this.noEvents();
    for (let i = 0; i < this.size; i++) if (belongs(i)) add(mask, i);
    return mask;
  }

  /** The relation of all pairs that the test holds for. */
  pairs(related: (i: number, j: number) => boolean): Relation {
    const out = this.none();
    for (let i = 0; i < this.size; i++) for (let j = 0; j < this.size; j++) if (related(i, j)) this.put(out, i, j);
    return out;
  }

  put(a: Relation, i: number, j: number): void {
    const at = i * this.words + (j >> 5);
    a[at] = (a[at] as number) | (1 << (j & 31));
  }

  has(a: Relation, i: number, j: number): boolean {
    return ((a[i * this.words + (j >> 5)] as number) & (1 << (j & 31))) !== 0;
  }

  union(first: Relation, ...others: Relation[]): Relation {
    const out = this.copy(first);
    for (const a of others) for (let k = 0; k < out.length; k++) out[k] = (out[k] as number) | (a[k] as number);
    return out;
  }

  and(a: Relation, b: Relation): Relation {
    const out = this.any();
    for (let k = 0; k < out.length; k++) out[k] = (a[k] as number) & (b[k] as number);
    return out;
  }

  minus(a: Relation, b: Relation): Relation {
    const out = this.any();
    for (let k = 0; k < out.length; k++) out[k] = (a[k] as number) & ~(b[k] as number);
    return out;
  }

  /** The pairs that begin in one set and end in the other; null stands for all events. */
  between(from: Mask | null, a: Relation, to: Mask | null): Relation {
    const { size, words } = this;
    const out = this.any();
    for (let i = 0; i < size; i++) {
      const at = i * words;
      const begins = from === null || isInMask(from, i);
      for (let k = 0; k < words; k++) out[at + k] = begins ? (a[at + k] as number) & (to ? (to[k] as number) : -1) : 0;
    }
    return out;
  }

  /** `a ; b`: from i to j where some event is a's successor of i and b's predecessor of j. */
  then(a: Relation, b: Relation): Relation {
    const { size, words } = this;
    if (words === 1) {
      const out = this.any();
      for (let i = 0; i < size; i++) {
        let row = 0;
        for (let rest = a[i] as number; rest !== 0; rest &= rest - 1) row |= b[lowest(rest)] as number;
        out[i] = row;
      }
      return out;
    }
    const out = this.none();
    for (let i = 0; i < size; i++) {
      const at = i * words;
      for (let k = 0; k < words; k++) {
        for (let rest = a[at + k] as number; rest !== 0; rest &= rest - 1) {
          const from = ((k << 5) + lowest(rest)) * words;
          if (words === 2) {
            out[at] = (out[at] as number) | (b[from] as number);
            out[at + 1] = (out[at + 1] as number) | (b[from + 1] as number);
          } else for (let m = 0; m < words; m++) out[at + m] = (out[at + m] as number) | (b[from + m] as number);
        }
      }
    }
    return out;
  }

  /** `a ; b ; c ...`, from the left. */
  chain(first: Relation, ...rest: Relation[]): Relation {
    let out = first;
    for (const r of rest) out = this.then(out, r);
    return out;
  }

  /** `a?`: a, or the same event. */
  maybe(a: Relation): Relation {
    const out = this.copy(a);
    for (let i = 0; i < this.size; i++) this.put(out, i, i);
    return out;
  }

  inverse(a: Relation): Relation {
    const { size, words } = this;
    const out = this.none();
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < words; k++) {
        for (let rest = a[i * words + k] as number; rest !== 0; rest &= rest - 1) this.put(out, (k << 5) + lowest(rest), i);
      }
    }
    return out;
  }

  /** `a+`, in place: Warshall's closure by rows, over events with edges in and edges out. */
  close(a: Relation): Relation {
    const { words } = this;
    for (let word = 0; word < words; word++) {
      let reached = 0;
      for (let i = word; i < a.length; i += words) reached |= a[i] as number;
      for (; reached !== 0; reached &= reached - 1) {
        const bit = lowest(reached);
        this.through(a, (word << 5) + bit, word, 1 << bit);
      }
    }
    return a;
  }

  /** Every row that reaches event k gets what k reaches. */
  private through(a: Relation, k: number, word: number, bit: number): void {
    const { size, words } = this;
    if (words === 1) {
      const row = a[k] as number;
      if (row !== 0) for (let i = 0; i < size; i++) if (((a[i] as number) & bit) !== 0) a[i] = (a[i] as number) | row;
    } else if (words === 2) {
      const low = a[2 * k] as number;
      const high = a[2 * k + 1] as number;
      if ((low | high) === 0) return;
      for (let i = 0; i < a.length; i += 2) {
        if (((a[i + word] as number) & bit) === 0) continue;
        a[i] = (a[i] as number) | low;
        a[i + 1] = (a[i + 1] as number) | high;
      }
    } else {
      for (let i = 0; i < a.length; i += words) {
        if (((a[i + word] as number) & bit) === 0) continue;
        for (let m = 0; m < words; m++) a[i + m] = (a[i + m] as number) | (a[k * words + m] as number);
      }
    }
  }

  /** `a*`. */
  star(a: Relation): Relation {
    const out = this.close(this.copy(a));
    for (let i = 0; i < this.size; i++) this.put(out, i, i);
    return out;
  }

  /** Adds i before j to a transitive relation and keeps it transitive, in place. */
  extend(a: Relation, i: number, j: number): void {
    const { size, words } = this;
    for (let k = 0; k < size; k++) {
      if (k !== i && !this.has(a, k, i)) continue;
      this.put(a, k, j);
      for (let m = 0; m < words; m++) a[k * words + m] = (a[k * words + m] as number) | (a[j * words + m] as number);
    }
  }

  irreflexive(a: Relation): boolean {
    for (let i = 0; i < this.size; i++) if (this.has(a, i, i)) return false;
    return true;
  }

  acyclic(a: Relation): boolean {
    return this.irreflexive(this.close(this.copy(a)));
  }

  empty(a: Relation): boolean {
    for (let k = 0; k < a.length; k++) if (a[k] !== 0) return false;
    return true;
  }

  equal(a: Relation, b: Relation): boolean {
    for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
    return true;
  }

  /** All pairs, in order. */
  list(a: Relation): [number, number][] {
    const out: [number, number][] = [];
    for (let i = 0; i < this.size; i++) for (let j = 0; j < this.size; j++) if (this.has(a, i, j)) out.push([i, j]);
    return out;
  }
}

/** The number of the lowest bit that is set. */
function lowest(word: number): number {
  return 31 - Math.clz32(word & -word);
}

export function add(mask: Mask, event: number): void {
  const at = event >> 5;
  mask[at] = (mask[at] as number) | (1 << (event & 31));
}

export function isInMask(mask: Mask, event: number): boolean {
  return ((mask[event >> 5] as number) & (1 << (event & 31))) !== 0;
}
