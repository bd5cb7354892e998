import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { type Grammar, loadGrammar } from '../index.ts';

let loaded: Promise<Grammar> | null = null;

/** The C grammar, loaded at its first use from the wasm files beside the command. `short` makes it start fast and run slower. */
export function grammar(short: boolean): Promise<Grammar> {
  if (loaded === null) {
    // Optimising the grammar's wasm costs more than one patch's parsing takes.
    if (short) setFlagsFromString('--liftoff-only');
    const read = (name: string) => readFileSync(new URL(name, import.meta.url));
    loaded = loadGrammar(read('./web-tree-sitter.wasm'), read('./tree-sitter-c.wasm'));
  }
  return loaded;
}
