// `npm run fuzz -- SECONDS [SEED]`: mutated mails and patches through the whole pipeline. Nothing may throw, hang or get lost.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { build, install, root } from './prepare.mjs';
import { random } from './random.mjs';

install();
await build();
const { loadGrammar, notes, readThread, review, reviewJson, threadJson, threadText } = await import(pathToFileURL(join(root, 'dist/index.js')).href);
const { parseMime } = await import(pathToFileURL(join(root, 'dist/mime.cjs')).href);

const seconds = Number(process.argv[2] ?? 30);
const seed = Number(process.argv[3] ?? 1);
/** An input may take a second a megabyte, and this much whatever its size. */
const LEAST_MILLISECONDS = 1000;

function files(folder, wanted) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap(e =>
    e.isDirectory() ? files(join(folder, e.name), wanted) : wanted.test(e.name) ? [join(folder, e.name)] : [],
  );
}

const corpus = join(root, '../shared/corpus');
const inputs = [
  ...files(join(root, 'samples'), /\.(?:mbox|patch)$/),
  ...files(join(corpus, 'mail'), /\.(?:eml|mbox|patch|diff|raw|html|txt)$/),
  ...files(join(corpus, 'mail/real/lore'), /\.mbox\.gz$/).slice(0, 60),
  ...files(join(corpus, 'seeds'), /\.txt$/),
  ...files(join(corpus, 'bugs/reversed'), /\.patch$/).slice(0, 40),
].map(path => (path.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path)).toString('latin1'));

const HOSTILE = [
  '\x1b[2J',
  '\0',
  '\r',
  '\u00ff',
  '=?utf-8?q?=1b?=',
  '=?x?b?////?=',
  '@@ -1,99999999 +1,99999999 @@',
  '@@ -0,0 +1 @@',
  'diff --git a/../../etc/passwd b/../../etc/passwd\n',
  '--- a/x.c\n+++ b/x.c\n',
  '{'.repeat(300),
  '('.repeat(300),
  '#if 1\n'.repeat(50),
  '}'.repeat(60),
  '/*',
  '"',
  '\\\n',
  'Content-Type: multipart/mixed; boundary="x"\n',
  '\n--x\n',
  '\n--x--\n',
  'Content-Transfer-Encoding: base64\n',
  'Subject: [PATCH 999999999/1 v99999]\n',
  'From mboxrd@z Thu Jan  1 00:00:00 1970\n',
  '> '.repeat(200),
  'case 1: ',
  'goto x; x:',
  'do { ',
  '} while (0);',
  'for (;;) ',
  'spin_lock(&l);',
  'if (',
  ') else ',
  'rename from x\nrename to y\n',
  'GIT binary patch\nliteral 10\n',
  '<pre>',
  '<a href="',
  '&#x1b;',
  'a'.repeat(5000),
];

function mutate(text, rand) {
  const at = n => Math.floor(rand() * n);
  let lines = text.split('\n');
  const times = 1 + at(6);
  for (let i = 0; i < times; i++) {
    const where = at(lines.length);
    switch (at(9)) {
      case 0:
        lines.splice(where, 1 + at(5));
        break;
      case 1:
        lines.splice(where, 0, ...lines.slice(where, where + 1 + at(20)));
        break;
      case 2:
        [lines[where], lines[at(lines.length)]] = [lines[at(lines.length)] ?? '', lines[where] ?? ''];
        break;
      case 3:
        lines.splice(where, 0, HOSTILE[at(HOSTILE.length)]);
        break;
      case 4: {
        const line = lines[where] ?? '';
        const c = at(line.length + 1);
        lines[where] = line.slice(0, c) + HOSTILE[at(HOSTILE.length)] + line.slice(c);
        break;
      }
      case 5: {
        const line = lines[where] ?? '';
        const c = at(line.length + 1);
        lines[where] = line.slice(0, c) + String.fromCharCode(at(256)) + line.slice(c + 1);
        break;
      }
      case 6:
        lines = lines.slice(0, where + 1);
        break;
      case 7: {
        const other = inputs[at(inputs.length)].split('\n');
        const from = at(other.length);
        lines.splice(where, 0, ...other.slice(from, from + at(60)));
        break;
      }
      default:
        lines[where] = (lines[where] ?? '').slice(0, at((lines[where] ?? '').length + 1));
    }
    if (lines.length === 0) lines = [''];
  }
  return lines.join('\n').slice(0, 1 << 20);
}

const grammar = await loadGrammar(readFileSync(join(root, 'dist/web-tree-sitter.wasm')), readFileSync(join(root, 'dist/tree-sitter-c.wasm')));
const tools = { parseMime, gunzip: bytes => bytes };
const until = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
let runs = 0;
let slowest = 0;
let failures = 0;

function keep(text, why) {
  failures++;
  const folder = join(root, '.cache/fuzz');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `seed-${seed}-run-${runs}.mail`);
  writeFileSync(path, Buffer.from(text, 'latin1'));
  process.stdout.write(`run ${runs}: ${why}\n  kept as ${path}\n`);
}

while (process.hrtime.bigint() < until && failures < 20) {
  runs++;
  const rand = random(seed * 1_000_003 + runs);
  const text = mutate(inputs[Math.floor(rand() * inputs.length)], rand);
  const start = process.hrtime.bigint();
  try {
    const bytes = Buffer.from(text, 'latin1');
    const thread = await readThread(
      'fuzz',
      (async function* () {
        yield bytes;
      })(),
      tools,
    );
    const result = review(thread, { grammar });
    for (const output of [threadText(thread), notes(result)])
      if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(output)) keep(text, 'a control character reached the text');
    JSON.stringify(threadJson(thread));
    JSON.stringify(reviewJson(result));
    if (thread.messages.some((m, i) => m.n !== i + 1)) keep(text, 'messages are not counted one by one');
    if (text.trim() !== '' && thread.messages.length === 0 && thread.problems.length === 0) keep(text, 'nothing was read and nothing said');
  } catch (error) {
    keep(text, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const took = Number(process.hrtime.bigint() - start) / 1e6;
  slowest = Math.max(slowest, took / Math.max(1, text.length / 1e6));
  if (took > LEAST_MILLISECONDS + (text.length / 1e6) * 1000) keep(text, `took ${took.toFixed(0)} ms for ${text.length} bytes`);
}
process.stdout.write(
  `fuzz: ${runs} inputs from ${inputs.length} files in ${seconds} s with seed ${seed}, ${failures} failures, slowest ${slowest.toFixed(0)} ms (a megabyte, or less)\n`,
);
process.exitCode = failures > 0 ? 1 : 0;
