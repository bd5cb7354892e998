import { describe, expect, test } from 'vitest';
import { imagesBefore, imagesOf } from '../../src/c/text/images.ts';
import { review } from '../../src/engine/review.ts';
import type { Rule } from '../../src/model/rule.ts';
import type { Patch, Thread } from '../../src/model/series.ts';
import { lines } from '../../src/report/lines.ts';
import { notes } from '../../src/report/notes.ts';
import { diffPatch, grammar, hunkPatch, patchOf, threadOf } from '../code.ts';

const rule: Rule = {
  id: 'probe',
  title: '',
  why: '',
  severity: 'warning',
  confidence: 'high',
  finds: [],
  references: [],
  knownGaps: [],
  examples: { bad: [], good: [] },
};

async function reviewed(patches: Patch[], rules: Rule[], change: (t: Thread) => void = () => undefined) {
  const thread = threadOf(patches);
  change(thread);
  return review(thread, { grammar: await grammar(), rules });
}

const unlocked = `--- a/drivers/tray/tray.c
+++ b/drivers/tray/tray.c
@@ -20,10 +20,8 @@ static void tray_touch(struct tray *t)
 static void tray_open(struct tray *t)
 {
 	tray_trace(t);
-	spin_lock(&t->lock);
 	t->users++;
 	list_add(&t->node, &t->open);
-	spin_unlock(&t->lock);
 	tray_show(t);
 }
 
`;

describe('the way back', () => {
  test('gives a file as it stood before all patches, and who removed what', () => {
    const first = diffPatch('--- a/x.c\n+++ b/x.c\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n+n\n c\n');
    const second = diffPatch('--- a/x.c\n+++ b/x.c\n@@ -1,4 +1,3 @@\n a\n-B\n-n\n+m\n c\n');
    const patches = [first, second];
    const back = imagesBefore(patches, imagesOf(patches).history);
    expect(back.images.map(i => i.pieces.map(p => [p.firstLine, p.lines, p.origin]))).toEqual([[[1, ['a', 'b', 'c'], [null, 0, null]]]]);
    expect([...back.removed]).toEqual([['x.c:2', { patch: 0, path: 'x.c', line: 2 }]]);
  });

  test('follows a rename and a deletion, and leaves out what the series adds', () => {
    const added = patchOf({ 'new.c': 'int n;\n' });
    const renamed: Patch = {
      ...patchOf({}),
      files: [{ path: 'b.c', oldPath: 'a.c', change: 'rename', added: 0, removed: 0, binary: false, hunks: [] }],
    };
    const gone = diffPatch('--- a/old.c\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-int o;\n-int p;\n');
    const patches = [added, renamed, gone];
    const back = imagesBefore(patches, imagesOf(patches).history);
    expect(back.images.map(i => [i.path, i.pieces.flatMap(p => p.lines)])).toEqual([
      ['old.c', ['int o;', 'int p;']],
      ['a.c', []],
    ]);
    expect([...back.now]).toEqual([['a.c', 'b.c']]);
  });
});

describe('a rule about the change', () => {
  test('sees each function on both sides, and what of the old one stays', async () => {
    const seen: string[] = [];
    const look: Rule = {
      ...rule,
      checkChange: (before, after, series) => {
        for (const e of before?.events ?? []) seen.push(`${e.side} ${e.api}: ${series.stays(e) ? 'stays' : 'gone'}`);
        seen.push(`${before?.name} -> ${after?.name}`);
      },
    };
    await reviewed([diffPatch(unlocked)], [look]);
    expect(seen).toContain('old spin_lock: gone');
    expect(seen).toContain('old list_add: stays');
    expect(seen).toContain('tray_open -> tray_open');
  });

  test('pairs a renamed function by the lines that it keeps', async () => {
    const pairs: string[] = [];
    const look: Rule = { ...rule, checkChange: (before, after) => void pairs.push(`${before?.name} -> ${after?.name}`) };
    const diff = '--- a/x.c\n+++ b/x.c\n@@ -1,5 +1,5 @@\n-void one(struct s *s)\n+void two(struct s *s)\n {\n 	s->a = 1;\n 	s->b = 2;\n }\n';
    await reviewed([diffPatch(diff)], [look]);
    expect(pairs).toEqual(['one -> two']);
  });

  test('reports a removed line as the patch numbers it; an editor gets the line that stands there now', async () => {
    const look: Rule = {
      ...rule,
      checkChange: (before, _after, _series, report) => {
        for (const event of before?.events.filter(e => e.kind === 'lock') ?? []) if (before) report({ event, fn: before }, { message: 'gone' });
      },
    };
    const result = await reviewed([diffPatch(unlocked)], [look]);
    expect(result.reviews[0]?.findings).toMatchObject([{ side: 'old', line: 23, origin: 'introduced', function: 'tray_open', patch: { index: 1 } }]);
    expect(lines(result)).toBe('drivers/tray/tray.c:23: WARNING: gone [probe]\n');
    expect(notes(result)).toContain('> -	spin_lock(&t->lock);');
  });

  test('sees one change of the whole series: what a later patch puts back is not gone', async () => {
    const back = unlocked.replace('-20,10 +20,8', '-20,8 +20,10').replace(/^-\t/gm, '+\t');
    const look: Rule = {
      ...rule,
      checkChange: (before, _after, series, report) => {
        for (const event of before?.events ?? []) if (before && !series.stays(event)) report({ event, fn: before }, { message: event.api });
      },
    };
    const result = await reviewed([diffPatch(unlocked), diffPatch(back)], [look]);
    expect(result.reviews[0]?.findings).toEqual([]);
  });
});

describe('lines that the series leaves and touches all the same', () => {
  const writes: Rule = {
    ...rule,
    checkFunction: (fn, report) => {
      for (const event of fn.events)
        if (/users/.test(event.cell?.path ?? '')) report({ event, fn }, { message: 'a write', shape: String(event.line) });
    },
  };

  test('what has lost its lock is touched', async () => {
    const { findings } = (await reviewed([diffPatch(unlocked)], [writes])).reviews[0] ?? {};
    expect(findings).toMatchObject([{ line: 23, origin: 'touched', patch: { index: 1 } }]);
  });

  test('what is put under a new condition is touched, what follows an early return is not', async () => {
    const guarded = hunkPatch('x.c', '', 1, ' void f(struct s *s)\n {\n+\tif (s->on)\n \t\ts->users++;\n \tg(s);\n }');
    expect((await reviewed([guarded], [writes])).reviews[0]?.findings).toMatchObject([{ line: 4, origin: 'touched' }]);
    const early = hunkPatch('x.c', '', 1, ' void f(struct s *s)\n {\n+\tif (s->off)\n+\t\treturn;\n \ts->users++;\n \tg(s);\n }');
    const [of] = (await reviewed([early], [writes])).reviews;
    expect([of?.findings, new Set(of?.held.map(h => h.reason))]).toEqual([[], new Set(['pre-existing'])]);
  });

  test('what stands elsewhere in the function is as old as it was', async () => {
    const far = hunkPatch('x.c', '', 1, ' void f(struct s *s)\n {\n \ts->users++;\n \tg(s);\n \th(s);\n-\tsmp_wmb();\n \ts->done = 1;\n }');
    expect(new Set((await reviewed([far], [writes])).reviews[0]?.held.map(h => h.reason))).toEqual(new Set(['pre-existing']));
  });
});

describe('what a change does to names and statements', () => {
  const header = (path: string, removed: string, added = '') =>
    `--- a/${path}\n+++ b/${path}\n@@ -20,${removed ? 7 : 6} +20,${added ? 7 : 6} @@ struct tray {\n \tint a;\n \tint b;\n \tint c;\n${removed}${added} \tint d;\n \tint e;\n \tint f;\n`;

  /** What is asked of the change, once. */
  async function asked<T>(patches: Patch[], ask: (series: Parameters<NonNullable<Rule['checkChange']>>[2]) => T): Promise<T | null> {
    let found: T | null = null;
    await reviewed(patches, [
      {
        ...rule,
        checkChange(_before, _after, series) {
          found ??= ask(series);
        },
      },
    ]);
    return found;
  }

  const touched = `--- a/tray.c\n+++ b/tray.c\n@@ -5,5 +5,5 @@ static void tray_post(struct tray *t)\n \tint n;\n \n-\tt->state = BUSY;\n+\tt->state = IDLE;\n \tt->users++;\n \treturn;\n`;

  test('a member whose declaration goes is undeclared, also where a hunk shows only some of the members', async () => {
    const gone = diffPatch(header('tray.h', '-\tstruct mutex lock;\n') + touched);
    expect(await asked([gone], series => [series.undeclared('lock'), series.undeclared('b')])).toEqual([true, false]);
  });

  test('one that moves to another file is declared still', async () => {
    const moved = diffPatch(header('tray.h', '-\tstruct mutex lock;\n') + header('shelf.h', '', '+\tstruct mutex lock;\n') + touched);
    expect(await asked([moved], series => series.undeclared('lock'))).toBe(false);
  });

  test('a store of another value is not the statement that stood there', async () => {
    const stays = await asked([diffPatch(touched)], series =>
      series.functions
        .flatMap(c => c.before?.events ?? [])
        .filter(e => e.kind === 'write')
        .map(e => [e.cell?.path, series.stays(e) !== null]),
    );
    expect(stays).toEqual([
      ['state', false],
      ['users', true],
    ]);
  });
});
