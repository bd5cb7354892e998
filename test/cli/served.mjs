// Serves command.ts: runs dist/main.cjs anew for each call that comes in, with its arguments, folder and output; ends when the caller does.
import { openSync, readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const vm = require('node:vm');

const [calls, ends, dist] = process.argv.slice(2);
const from = openSync(calls, 'r');
const to = openSync(ends, 'w');
const launcher = join(dist, 'cli.js');
const start = pathToFileURL(launcher).href;
// The launcher runs the first call; its script runs the others.
let script = null;
vm.Script = class extends vm.Script {
  constructor(...given) {
    super(...given);
    script = this;
  }
};
// Every run adds its own listeners.
process.stdout.setMaxListeners(0);
process.stderr.setMaxListeners(0);

const written = { out: '', err: '' };
process.stdout.write = text => {
  written.out += text;
  return true;
};
process.stderr.write = text => {
  written.err += text;
  return true;
};

/** The next call, or null at the end. */
function next() {
  const chunk = Buffer.alloc(1 << 16);
  let text = '';
  while (!text.endsWith('\n')) {
    const length = readSync(from, chunk);
    if (length === 0) return null;
    text += chunk.toString('utf8', 0, length);
  }
  return JSON.parse(text);
}

function run() {
  const call = next();
  if (call === null) process.exit(0);
  process.argv = [process.argv[0], launcher, ...call.args];
  process.chdir(call.cwd);
  process.exitCode = undefined;
  [written.out, written.err] = ['', ''];
  if (script === null) require(launcher);
  else script.runInThisContext()(createRequire(start), dist, start);
}

// A program has ended when nothing is left to wait for.
process.on('beforeExit', status => {
  let left = Buffer.from(`${JSON.stringify({ status, ...written })}\n`);
  while (left.length > 0) left = left.subarray(writeSync(to, left));
  // From here a run that waits for nothing would be the last.
  setImmediate(run);
});
run();
