// Makes dist/main.cache: the machine code of the command as V8 has it after it has checked one patch.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const require = createRequire(import.meta.url);
const vm = require('node:vm');
const [dist, patch] = process.argv.slice(2).map(path => resolve(path));
// The launcher itself starts the command, so that the code is made under the flags that it is used with.
const made = [];
vm.Script = class extends vm.Script {
  constructor(...given) {
    super(...given);
    made.push(this);
  }
};
// Two inputs: V8 takes the code only under the flags that it was made with, and for a single one the command sets a flag.
process.argv = [process.argv[0], join(dist, 'cli.js'), 'review', '--format', 'lines', patch, patch];
// What it prints is of no use here.
process.stdout.write = () => true;
process.stderr.write = () => true;
process.on('exit', () => writeFileSync(join(dist, 'main.cache'), made[0].createCachedData()));
require(join(dist, 'cli.js'));
