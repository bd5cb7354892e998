#!/usr/bin/env node
/**
 * Starts the command from `main.cjs` beside it, with the machine code that V8 made of it at build time where that is still of use: reading the
 * program again would take longer than a patch takes to check. V8 itself refuses code of another version or of another text.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const here = import.meta.url;
const file = new URL('./main.cjs', here);

function cache(): Buffer | undefined {
  try {
    return readFileSync(new URL('./main.cache', here));
  } catch {
    return undefined;
  }
}

const cachedData = cache();
const script = new Script(readFileSync(file, 'utf8'), {
  filename: fileURLToPath(file),
  ...(cachedData ? { cachedData } : {}),
});
script.runInThisContext()(createRequire(here), dirname(fileURLToPath(file)), here);
