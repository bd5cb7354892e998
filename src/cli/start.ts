#!/usr/bin/env node
/**
 * Starts the command from `main.cjs` beside it, with the machine code that V8 made of it at build time where that is still of use: reading the
 * program again would take longer than a patch takes to check. V8 itself refuses code of another version, of other flags or of another text.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

// V8 optimises a function once 67 kB of its bytecode have run, which is too soon for many functions that run a little each: later it takes a tenth
// less CPU time for one patch and half as much for a scan of 125 files.
setFlagsFromString('--interrupt-budget=1000000');
// The room for new objects grows at once, so that few of them are copied while they are still in use.
setFlagsFromString('--semi-space-growth-factor=16');

const file = join(__dirname, 'main.cjs');
const here = pathToFileURL(__filename).href;

function cache(): Buffer | undefined {
  try {
    return readFileSync(join(__dirname, 'main.cache'));
  } catch {
    return undefined;
  }
}

const cachedData = cache();
// It is built of ASCII alone: in this encoding it is read without a look at each character, and takes half the room.
const script = new Script(readFileSync(file, 'latin1'), { filename: file, ...(cachedData ? { cachedData } : {}) });
script.runInThisContext()(createRequire(here), __dirname, here);
