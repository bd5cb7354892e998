// Makes dist/main.cache: the machine code of the command as V8 has it after it has checked one patch.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';

const [dist, patch] = process.argv.slice(2).map(path => resolve(path));
const file = join(dist, 'main.cjs');
const start = pathToFileURL(join(dist, 'cli.js')).href;
const script = new Script(readFileSync(file, 'utf8'), { filename: file });
// Two inputs: V8 takes the code only under the flags that it was made with, and for a single one the command sets a flag.
process.argv = [process.argv[0], join(dist, 'cli.js'), 'review', '--format', 'lines', patch, patch];
// What it prints is of no use here.
process.stdout.write = () => true;
process.stderr.write = () => true;
process.on('exit', () => writeFileSync(join(dist, 'main.cache'), script.createCachedData()));
script.runInThisContext()(createRequire(start), dist, start);
