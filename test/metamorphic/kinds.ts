import type { Kind } from './kind.ts';
import { inlineLockHelpers, lockHelpers } from './locks.ts';
import { namings } from './renamed.ts';
import { split } from './split.ts';
import { statementHelper } from './statement.ts';

/** All transformations, in the order of the table. */
export const kinds: readonly Kind[] = [...namings, lockHelpers, inlineLockHelpers, statementHelper, split];
