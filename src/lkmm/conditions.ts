import type { Condition, LitmusValue, Observed } from './litmus.ts';

/** Does the condition hold where registers and locations have these values? Null where that hangs on some that are not known yet. */
export function truthOf(condition: Condition, valueIn: (observed: Observed) => LitmusValue | null): boolean | null {
  switch (condition.kind) {
    case 'true':
      return true;
    case 'not': {
      const truth = truthOf(condition.of, valueIn);
      return truth === null ? null : !truth;
    }
    case 'and':
    case 'or': {
      const decisive = condition.kind === 'or';
      let open = false;
      for (const part of condition.of) {
        const truth = truthOf(part, valueIn);
        if (truth === decisive) return decisive;
        open ||= truth === null;
      }
      return open ? null : !decisive;
    }
    case 'equals': {
      const left = valueIn(condition.left);
      const right = typeof condition.right === 'object' ? valueIn(condition.right) : condition.right;
      return left === null || right === null ? null : left === right;
    }
  }
}

/** Equations in the condition. */
export function sizeOf(condition: Condition): number {
  switch (condition.kind) {
    case 'true':
      return 0;
    case 'not':
      return sizeOf(condition.of);
    case 'and':
    case 'or':
      return condition.of.reduce((sum, part) => sum + sizeOf(part), 0);
    case 'equals':
      return 1;
  }
}
