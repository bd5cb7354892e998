import { describe, expect, test } from 'vitest';
import { readDiff } from '../../src/read/diff.ts';
import { readHunks } from '../../src/read/hunks.ts';
import { DIFF, mail, readOne, refusals } from './reading.ts';

const HUNK = '@@ -1,2 +1,2 @@\n a\n-b\n+c\n';

/** Path, counts and change of each file, or why git refuses the diff. */
function shape(text: string): string[] {
  const { pieces, fault } = readDiff(text);
  if (fault?.severity === 'refused') return [`refused at ${fault.line}: ${fault.message}`];
  return pieces.map(
    ({ path, oldPath, change, added, removed, binary }) =>
      `${change} ${oldPath === undefined ? '' : `${oldPath} => `}${path} +${added} -${removed}${binary ? ' binary' : ''}`,
  );
}

describe('shapes that git apply reads', () => {
  test.each([
    ['an edit', DIFF, ['modify mm/pool.c +1 -0']],
    ['a new file', `diff --git a/n.c b/n.c\nnew file mode 100644\nindex 000..111\n--- /dev/null\n+++ b/n.c\n@@ -0,0 +1 @@\n+a\n`, ['add n.c +1 -0']],
    ['a new empty file', 'diff --git a/n.c b/n.c\nnew file mode 100644\nindex 000..e69\n', ['add n.c +0 -0']],
    ['a deleted file', 'diff --git a/o.c b/o.c\ndeleted file mode 100644\n--- a/o.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n', ['delete o.c +0 -1']],
    ['a rename', 'diff --git a/o.c b/n.c\nsimilarity index 100%\nrename from o.c\nrename to n.c\n', ['rename o.c => n.c +0 -0']],
    [
      'a copy with an edit',
      `diff --git a/o.c b/n.c\nsimilarity index 90%\ncopy from o.c\ncopy to n.c\n--- a/o.c\n+++ b/n.c\n${HUNK}`,
      ['copy o.c => n.c +1 -1'],
    ],
    ['a mode', 'diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n', ['mode run.sh +0 -0']],
    ['a mode and an edit', `diff --git a/r b/r\nold mode 100644\nnew mode 100755\n--- a/r\n+++ b/r\n${HUNK}`, ['modify r +1 -1']],
    [
      'a binary without data',
      'diff --git a/b.bin b/b.bin\nindex 1..2 100644\nBinary files a/b.bin and b/b.bin differ\n',
      ['modify b.bin +0 -0 binary'],
    ],
    [
      'a binary with data',
      'diff --git a/b.bin b/b.bin\nindex 1..2 100644\nGIT binary patch\nliteral 0\nHcmV?d00001\n\n',
      ['modify b.bin +0 -0 binary'],
    ],
    [
      'no diff --git line',
      `--- a/x.c\t2026-03-03 10:00:00.000000000 +0100\n+++ b/x.c\t2026-03-03 10:01:00.000000000 +0100\n${HUNK}`,
      ['modify x.c +1 -1'],
    ],
    ['quilt paths', `Index: linux/x.c\n===\n--- linux.orig/mm/x.c\n+++ linux/mm/x.c\n${HUNK}`, ['modify mm/x.c +1 -1']],
    [
      'a file that the epoch says is new',
      `--- a/x.c\t1970-01-01 01:00:00 +0100\n+++ b/x.c\t2026-03-03 10:01:00 +0100\n@@ -0,0 +1 @@\n+a\n`,
      ['add x.c +1 -0'],
    ],
    ['a name with spaces', `diff --git a/a b.c b/a b.c\n--- a/a b.c\t\n+++ b/a b.c\t\n${HUNK}`, ['modify a b.c +1 -1']],
    [
      'a quoted name',
      `diff --git "a/na\\303\\257ve\\t.c" "b/na\\303\\257ve\\t.c"\n--- "a/na\\303\\257ve\\t.c"\n+++ "b/na\\303\\257ve\\t.c"\n${HUNK}`,
      ['modify naïve\t.c +1 -1'],
    ],
    [
      'no newline at the end',
      'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n',
      ['modify x +1 -1'],
    ],
    [
      'removed lines that look like headers',
      'diff --git a/q.sql b/q.sql\n--- a/q.sql\n+++ b/q.sql\n@@ -1,3 +1,2 @@\n a\n--- a/comment\n-- b\n+++ c\n',
      ['modify q.sql +1 -2'],
    ],
    ['context without its blank', `diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,2 @@\n a\n\n-b\n`, ['modify x +0 -1']],
    ['a signature behind a removal', `diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n a\n-b\n-- \n2.45.0\n`, ['modify x +0 -1']],
    [
      'text between files',
      `${DIFF}A remark:\n- a bullet\n--- no header\n\n${DIFF.replaceAll('pool.c', 'map.c')}`,
      ['modify mm/pool.c +1 -0', 'modify mm/map.c +1 -0'],
    ],
    ['prose alone', 'diff -u says:\n--- a bullet\n+++ another\nnothing.\n', []],
    ['a combined diff', 'diff --cc a.c\nindex 1,2..3\n--- a/a.c\n+++ b/a.c\n@@@ -1,2 -1,2 +1,2 @@@\n  a\n -b\n++c\n', []],
  ])('%s', (_, text, files) => {
    expect(shape(text)).toEqual(files);
  });
});

describe('what git apply refuses', () => {
  test.each([
    [
      'counts too big',
      DIFF.replace('+10,7', '+10,9'),
      'refused at 13: corrupt patch: the hunk at line 5 says 6 old and 9 new lines, which its lines do not come out at',
    ],
    [
      'counts too small for a change',
      DIFF.replace('-10,6 +10,7', '-10,3 +10,3'),
      'refused at 9: corrupt patch: the hunk at line 5 says 3 old and 3 new lines and changes nothing',
    ],
    ['a wrapped line', DIFF.replace('find_first_zero_bit(', 'find_first_zero_bit(\n'), 'refused at 11: corrupt patch'],
    ['an end in the middle', DIFF.slice(0, -20), 'refused at 11: corrupt patch'],
    ['a hunk without a header', `--\n${HUNK}`, 'refused at 2: patch fragment without header'],
    ['names that cannot be told', 'diff --git pool.c map.c\nindex 1..2\n', 'refused at 3: git diff header lacks filename information'],
    [
      'a new file with old lines',
      `diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n${HUNK}`,
      'refused at 9: new file n depends on old contents',
    ],
  ])('%s', (_, text, reason) => {
    expect(shape(text)[0]?.slice(0, reason.length)).toBe(reason);
  });

  test('the pieces before the fault are there, and so is the problem', async () => {
    const message = await readOne(mail({}, `Log.\n---\n${DIFF}${DIFF.replaceAll('pool.c', 'map.c').replace('+10,7', '+10,9')}`));
    expect(message.patch?.files.map(file => file.path)).toEqual(['mm/pool.c']);
    expect(message.patch?.problems).toMatchObject([{ severity: 'refused', where: 'message 1, line 26 of the diff' }]);
    expect(refusals(message)).toHaveLength(1);
  });
});

describe('hunks', () => {
  test('lines carry their numbers on both sides', () => {
    const [hunk] = readHunks('@@ -10,4 +10,4 @@ int f(void)\n a\n-b\n+c\n d\n\n');
    expect(hunk).toEqual({
      oldStart: 10,
      oldCount: 4,
      newStart: 10,
      newCount: 4,
      section: 'int f(void)',
      lines: [
        { kind: 'context', text: 'a', oldLine: 10, newLine: 10 },
        { kind: 'remove', text: 'b', oldLine: 11, newLine: null },
        { kind: 'add', text: 'c', oldLine: null, newLine: 11 },
        { kind: 'context', text: 'd', oldLine: 12, newLine: 12 },
        { kind: 'context', text: '', oldLine: 13, newLine: 13 },
      ],
    });
  });

  test('a missing newline is no line, in any language; CR goes', () => {
    const [hunk] = readHunks('@@ -1 +1 @@\n-a\r\n\\ Kein Zeilenumbruch am Dateiende.\n+b\r\n\\ No newline at end of file\n');
    expect(hunk?.lines.map(({ kind, text }) => `${kind} ${text}`)).toEqual(['remove a', 'add b']);
  });

  test('two hunks of one file stand one after the other', async () => {
    const two = `${DIFF}@@ -30 +31 @@ static void pool_put(struct pool *p)\n-\tclear_bit(bit, p->map);\n+\tclear_bit_unlock(bit, p->map);\n`;
    const message = await readOne(mail({}, `Log.\n---\n${two}-- \n2.45.0\n`));
    expect(message.patch?.files).toMatchObject([
      { added: 2, removed: 1, hunks: [{ newStart: 10 }, { newStart: 31, section: 'static void pool_put(struct pool *p)' }] },
    ]);
  });
});
