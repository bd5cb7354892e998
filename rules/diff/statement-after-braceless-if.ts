import { called, isAccess } from '../../src/analysis/query.ts';
import type { CFunction, Event, Misled } from '../../src/model/code.ts';
import type { Rule } from '../../src/model/rule.ts';

export default {
  id: 'statement-after-braceless-if',
  title: 'A statement is indented as if it were inside a condition without braces, but always runs',
  why: `
    An if, an else or a loop without braces holds one statement. A second one at the same indentation, as when a line is added below or
    above the first, is outside: an unlock, a return or a store meant for one case then happens in every case. A compiler warns with
    -Wmisleading-indentation, but a posted patch has not always been compiled with it. Certain by inspection.`,
  severity: 'error',
  confidence: 'high',
  finds: ['lock-imbalance', 'missing-lock'],
  references: ['Documentation/process/coding-style.rst, 3) Placing Braces and Spaces', 'Documentation/process/coding-style.rst, 1) Indentation'],
  knownGaps: [
    'after a first statement that leaves (return, goto, break, continue) nothing is reported: there the second runs exactly if the condition does not hold',
  ],
  examples: {
    bad: [
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -10,7 +10,8 @@ static int tray_mark(struct tray *t, unsigned int n)
 	spin_lock(&t->lock);
 	if (!t->slot[n])
 		spin_unlock(&t->lock);
+		return -ENOENT; /* want: statement-after-braceless-if "return -ENOENT" */
 	t->slot[n]->marked = true;
 	spin_unlock(&t->lock);
 	return 0;
 }
`,
      `
void tray_close(struct tray *t)
{
	if (t->busy)
		wake_up(&t->wait);
		t->busy = false; /* want: statement-after-braceless-if "t->busy = false" */
	tray_free(t);
}`,
    ],
    good: [
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -10,6 +10,7 @@ static int tray_mark(struct tray *t, unsigned int n)
 	spin_lock(&t->lock);
 	if (!t->slot[n])
 		t->misses++;
+	t->looks++;
 	spin_unlock(&t->lock);
 	return 0;
 }
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -10,6 +10,8 @@ static int tray_mark(struct tray *t, unsigned int n)
 	if (t->slot[n])
 		tray_log(t, n,
 			 t->slot[n]);
+	else
+		t->misses++;
 	t->looks++;
 	return 0;
 }
`,
      `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -10,5 +10,8 @@ static int tray_mark(struct tray *t, unsigned int n)
 	for_each_tray_slot(t, n)
 		if (t->slot[n])
 			t->used++;
+#ifdef CONFIG_TRAY_STATS
+		t->looks++;
+#endif
 	return 0;
 }
`,
    ],
  },
  checkFunction(fn, report) {
    for (const misled of fn.shape.misled ?? []) {
      const { body, next } = misled.text;
      // What follows a jump is not meant to be held by the condition before it.
      if (/^(?:return|goto|break|continue)\b/.test(body)) continue;
      const quote = [misled.line, misled.body, misled.next].map(line => ({ path: fn.path, line, side: fn.side }));
      report(
        { place: { path: fn.path, line: misled.next, side: fn.side }, fn, addedBy: misled.addedBy },
        {
          message: `"${bare(next)}" runs in every case: ${bare(misled.text.head)} has no braces and holds only "${bare(body)}"`,
          detail: consequence(fn, misled),
          advice: ['Put braces around both, or fix the indentation'],
          quote,
          shape: `${fn.name}:${misled.next}`,
        },
      );
    }
  },
} satisfies Rule;

/** The statement without what ends it. */
function bare(text: string): string {
  return text.replace(/\s*\/\*.*$/, '').replace(/\s*[;{]$/, '');
}

/** What the misplaced statement does to other CPUs. */
function consequence(fn: CFunction, { body, next, text }: Misled): string[] {
  const at = (line: number) => fn.events.find(e => e.line === line && (e.kind === 'lock' || e.kind === 'unlock' || e.kind === 'free' || isAccess(e)));
  const [held, loose] = [at(body), at(next)];
  const does = (e: Event) => `${called(e)}(${e.args.join(', ')})`;
  if (held?.kind === 'unlock' && /^return\b/.test(text.next))
    return [`The return is unconditional, ${does(held)} is not: the other path returns with the lock held`];
  if (loose?.kind === 'unlock') return [`${does(loose)} happens whether or not the condition holds`];
  if (loose?.kind === 'lock') return [`${does(loose)} happens whether or not the condition holds`];
  if (loose?.kind === 'free') return [`${does(loose)} happens whether or not the condition holds`];
  return [];
}
