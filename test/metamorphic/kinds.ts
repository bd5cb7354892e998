import { declaredCalls, declaredLocks } from './declared.ts';
import { oneExit } from './exits.ts';
import { guarded, unguarded } from './guards.ts';
import type { Kind } from './kind.ts';
import { inlineLockHelpers, lockHelpers } from './locks.ts';
import { loopCounted, loopOnce } from './loops.ts';
import { opsTable } from './ops.ts';
import { scannedFile, toBad, toGood } from './patched.ts';
import { namings } from './renamed.ts';
import { split } from './split.ts';
import { statementHelper } from './statement.ts';

/** All transformations, in the order of the table. */
export const kinds: readonly Kind[] = [
  ...namings,
  lockHelpers,
  inlineLockHelpers,
  statementHelper,
  guarded,
  unguarded,
  declaredLocks,
  declaredCalls,
  loopOnce,
  loopCounted,
  oneExit,
  opsTable,
  split,
  toBad,
  toGood,
  scannedFile,
];
