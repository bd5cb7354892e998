// `npm run new-rule -- FAMILY/ID`: a rule's folder with all that a rule must say, its examples as files.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './prepare.mjs';

const FAMILIES = ['barriers', 'diff', 'inline', 'lifetime', 'locking', 'pairs', 'pgtable', 'rcu', 'rmw', 'seqcount', 'wait'];

/** The files of a new rule by their path in its folder; they are a rule that compiles and whose examples hold, to be written over. */
export function scaffold(id) {
  return {
    'rule.ts': `import { eventsOf } from '../../../src/analysis/query.ts';
import type { Rule } from '../../../src/model/rule.ts';
import { examples } from './examples.ts';

export default {
  id: '${id}',
  title: 'One sentence that names the fault',
  why: \`
    What goes wrong, between whom, and why it stays wrong. A maintainer who has never seen the rule decides by this whether to trust it.\`,
  severity: 'note',
  confidence: 'medium',
  finds: [],
  references: ['Documentation/memory-barriers.txt, NAME OF THE SECTION'],
  knownGaps: [],
  trial: true, // Not run unless asked for by name, until its examples and its silence have convinced someone.
  examples,
  checkFunction(fn, report) {
    for (const event of eventsOf(fn, 'fence')) {
      if (event.ordering === 'full') report({ event, fn }, { message: \`\${fn.name}() calls \${event.api}()\` });
    }
  },
} satisfies Rule;
`,
    // The near misses first: a false alarm is the worse fault.
    'examples/good-1.c': `void example_near_miss(struct thing *t)
{
	t->data = 1;
	smp_wmb();
	WRITE_ONCE(t->ready, 1);
}
`,
    'examples/good-2.diff': `--- a/drivers/example/example.c
+++ b/drivers/example/example.c
@@ -1,4 +1,4 @@
 void example(struct thing *t)
 {
-	t->data = 1;
+	t->data = 2;
 }
`,
    'examples/bad-1.c': `void example(struct thing *t)
{
	WRITE_ONCE(t->data, 1);
	smp_mb(); /* want: ${id} "example() calls smp_mb()" */
	WRITE_ONCE(t->ready, 1);
}
`,
  };
}

/** The family and id that the name gives; null where it is none of a rule. */
export function ruleName(name) {
  const [, family, id] = /^([a-z]+)\/([a-z][a-z0-9]*(?:-[a-z0-9]+)+)$/.exec(name) ?? [];
  return FAMILIES.includes(family) ? { family, id } : null;
}

function main([name = '']) {
  const rule = ruleName(name);
  if (!rule) {
    process.stderr.write(
      `usage: npm run new-rule -- FAMILY/ID, where FAMILY is one of ${FAMILIES.join(', ')}\nand ID names the fault in two or more words: late-release\n`,
    );
    return 2;
  }
  const folder = join(root, 'rules', rule.family, rule.id);
  for (const path of [folder, `${folder}.ts`]) {
    if (!existsSync(path)) continue;
    process.stderr.write(`${path} exists already\n`);
    return 2;
  }
  for (const [path, text] of Object.entries(scaffold(rule.id))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  process.stdout.write(`${folder}\n`);
  return spawnSync(process.execPath, [join(root, 'scripts/generate.mjs')], { stdio: 'inherit' }).status ?? 2;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
