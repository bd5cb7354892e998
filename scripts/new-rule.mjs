// `npm run new-rule -- FAMILY/ID`: a rule's file with all that a rule must say, its examples first.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './prepare.mjs';

const [name = ''] = process.argv.slice(2);
const match = /^(pairs|barriers|rmw|lifetime|locking|rcu|pgtable|wait|inline|diff)\/([a-z][a-z0-9]*(?:-[a-z0-9]+)+)$/.exec(name);
if (!match) {
  process.stderr.write(
    'usage: npm run new-rule -- FAMILY/ID, where FAMILY is pairs, barriers, rmw, lifetime, locking, rcu, pgtable, wait, inline or diff\nand ID names the fault in two or more words: late-release\n',
  );
  process.exit(2);
}
const [, family, id] = match;
const path = join(root, 'rules', family, `${id}.ts`);
if (existsSync(path)) {
  process.stderr.write(`${path} is there already\n`);
  process.exit(2);
}
mkdirSync(dirname(path), { recursive: true });
writeFileSync(
  path,
  `import type { Rule } from '../../src/model/rule.ts';
import { eventsOf } from '../../src/analysis/query.ts';

export default {
  id: '${id}',
  title: 'One sentence that names the fault',
  why: \`
    What goes wrong, between whom, and why it stays wrong. A maintainer who has never seen the rule decides by this whether to trust it.\`,
  severity: 'note',
  confidence: 'low',
  finds: [],
  references: ['Documentation/memory-barriers.txt, NAME OF THE SECTION'],
  knownGaps: [],
  trial: true, // Not run unless asked for by name, until its examples and its silence have convinced someone.
  examples: {
    // Write the near misses first: a false alarm is the worse fault.
    good: [],
    bad: [
      \`
void example(struct thing *t)
{
	smp_mb(); /* want: ${id} "part of the message" */
}\`,
    ],
  },
  checkFunction(fn, report) {
    for (const event of eventsOf(fn, 'fence')) report({ event, fn }, { message: \`\${event.api}() in \${fn.name}() ...\` });
  },
} satisfies Rule;
`,
);
process.stdout.write(`${path}\n`);
const done = spawnSync(process.execPath, [join(root, 'scripts/generate.mjs')], { stdio: 'inherit' });
process.exitCode = done.status ?? 2;
