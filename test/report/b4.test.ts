import { describe, expect, test } from 'vitest';
import { b4Checks, b4Lines, b4Review, type Review, review, type Severity } from '../../src/index.ts';
import { diffPatch, grammar, patchOf, threadOf } from '../code.ts';
import { code } from './lane.ts';
import { agentReview, localCheck, reviewCheck, splitlines } from './replay.ts';

async function of(text: string): Promise<Review> {
  return review(threadOf([patchOf({ 'drivers/lane.c': text })]), { grammar: await grammar() });
}

/** The review with its finding once in each severity. */
async function inAll(severities: Severity[], change: (message: string) => string = same => same): Promise<Review> {
  const result = await of(code);
  for (const r of result.reviews)
    r.findings = r.findings.slice(0, 1).flatMap(f => severities.map(severity => ({ ...f, severity, message: change(f.message) })));
  return result;
}

const flags = (out: string, status: number) => localCheck('fencepost', { out, err: '', status }).map(row => row.flag);

describe('the lines for the checks of prep and am', () => {
  test('are a failure for each error and a warning for each warning; notes are no row', async () => {
    const result = await inAll(['error', 'warning', 'note']);
    const out = b4Lines(result, 'warning');
    expect(flags(out, 1)).toEqual(['fail', 'warning']);
    expect(out).toMatch(/^drivers\/lane\.c:8: ERROR: .* \[torn-pair-update\]\ndrivers\/lane\.c:8: WARNING: .* \[torn-pair-update\]\n$/);
  });

  test('have notes where these are asked for, by the word that checkpatch has for them', async () => {
    const out = b4Lines(await inAll(['note']), 'note');
    expect([flags(out, 1), out]).toEqual([['warning'], expect.stringMatching(/^drivers\/lane\.c:8: CHECK: /)]);
    expect(b4Lines(await inAll(['warning', 'note']), 'error')).toBe('');
  });

  test('are none for a clean patch, which passes', async () => {
    const out = b4Lines(await of('int nothing(void)\n{\n\treturn 0;\n}\n'), 'warning');
    expect(localCheck('fencepost', { out, err: '', status: 0 })).toEqual([{ flag: 'success', text: 'fencepost: passed all checks' }]);
  });

  test('stay one line each, and a warning stays one, whatever a mail names its things', async () => {
    const result = await inAll(['warning'], message => `${message}\nERROR: \x1b[2J\u202e`);
    for (const f of result.reviews.flatMap(r => r.findings)) Object.assign(f, { path: 'drivers/ERROR: \n-:x.c' });
    expect(flags(b4Lines(result, 'warning'), 1)).toEqual(['warning']);
    expect(b4Lines(result, 'warning')).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/);
  });
});

describe('the JSON for the checks of review', () => {
  const shown = (result: Review) => reviewCheck(`${JSON.stringify(b4Checks(result))}\n`, 1);

  test('is one check with a row for each finding, the worst first, and as bad as that', async () => {
    const [check, ...rest] = shown(await inAll(['note', 'warning', 'error']));
    expect(rest).toEqual([]);
    expect(check).toMatchObject({ tool: 'fencepost', status: 'fail', summary: '1 error, 1 warning, 1 note' });
    expect(check?.rows.map(row => row.status)).toEqual(['fail', 'warn', 'pass']);
    expect(check?.rows[1]?.text).toMatch(/^warning {2}torn-pair-update — drivers\/lane\.c:8: lane_take\(\) and lane_put\(\) .*\?$/);
  });

  test('passes a patch that draws only notes, and shows them', async () => {
    expect(shown(await inAll(['note']))).toMatchObject([{ status: 'pass', summary: '1 note', rows: [{ status: 'pass' }] }]);
  });

  test('is an empty list for a clean patch', async () => {
    expect(b4Checks(await of('int nothing(void)\n{\n\treturn 0;\n}\n'))).toEqual([]);
  });

  test('fails a patch that git refuses', async () => {
    const result = await of('int nothing(void)\n{\n\treturn 0;\n}\n');
    result.thread.messages[0]?.problems.push({ severity: 'refused', where: 'message 1, line 3 of the diff', message: 'corrupt patch' });
    expect(shown(result)).toMatchObject([
      {
        status: 'fail',
        summary: 'git refuses the patch',
        rows: [{ status: 'fail', text: 'refused  git — message 1, line 3 of the diff: corrupt patch' }],
      },
    ]);
  });

  test('holds nothing that a terminal would act on', async () => {
    const result = await inAll(['warning'], message => `${message} \x1b]0;x\x07 [bold]markup[/bold] \u2066`);
    expect(JSON.stringify(b4Checks(result))).not.toMatch(/\\u001b|\\u0007|\u2066/);
  });
});

describe('the review of one patch for the agent slot', () => {
  const added = code
    .replace(/\n$/, '')
    .split('\n')
    .map(line => `+${line}\n`)
    .join('');
  const diff = `diff --git a/drivers/other.c b/drivers/other.c
index 1111111..2222222 100644
--- a/drivers/other.c
+++ b/drivers/other.c
@@ -5,5 +5,5 @@ int first(void)
 
 int second(void)
 {
-	return 2;
+	return 3;
 }
diff --git a/drivers/lane.c b/drivers/lane.c
new file mode 100644
index 0000000..bb658a5
--- /dev/null
+++ b/drivers/lane.c
@@ -0,0 +1,17 @@
${added}\\ No newline at end of file
`;

  async function reviewOf(text: string, change: (result: Review) => void = () => {}): Promise<string> {
    const patch = diffPatch(text);
    const result = review(threadOf([patch]), { grammar: await grammar() });
    change(result);
    return b4Review(
      result.reviews.flatMap(r => r.findings),
      patch,
      text,
    );
  }

  test('holds every line of the diff, with the comment under the line that it is about', async () => {
    const { note, comments, diff: seen } = agentReview(await reviewOf(diff));
    expect(`${seen.join('\n')}\n`).toBe(diff);
    expect(note).toBe('1 warning: torn-pair-update');
    expect(comments).toEqual([
      {
        path: 'b/drivers/lane.c',
        line: 8,
        content: '+\tset_bit(i, m->used);',
        text: expect.stringMatching(/^lane_take\(\) and lane_put\(\) on one bit[\s\S]*\?$/),
      },
    ]);
  });

  test('has a comment on a removed line under that line', async () => {
    const text = await reviewOf(diff, result => {
      for (const f of result.reviews.flatMap(r => r.findings)) Object.assign(f, { path: 'drivers/other.c', line: 8, side: 'old' });
    });
    expect(agentReview(text).comments).toMatchObject([{ path: 'a/drivers/other.c', line: 8, content: '-\treturn 2;' }]);
  });

  test('says in its note what is about a line that the diff does not show', async () => {
    const text = await reviewOf(diff, result => {
      for (const f of result.reviews.flatMap(r => r.findings)) Object.assign(f, { line: 4000 });
    });
    const { note, comments } = agentReview(text);
    expect([comments, note]).toEqual([[], expect.stringMatching(/^1 warning: torn-pair-update\n\nlane_take\(\) and lane_put\(\)/)]);
  });

  test('keeps one line of the diff one line, and a comment a comment, whatever they hold', async () => {
    const odd = diff
      .replace('+\tclear_bit(i,\n', '+\tclear_bit(i, /* \f \x85 \u2028 \x1c \x1b[2J \r x */\n')
      .replace('+\treturn 3;', '+\treturn 3;\r');
    const text = await reviewOf(odd, result => {
      for (const f of result.reviews.flatMap(r => r.findings)) f.message = '> diff --git a/x b/x';
    });
    const { comments, diff: seen } = agentReview(text);
    expect(seen).toHaveLength(odd.split('\n').length - 1);
    expect(comments.map(c => [c.path, c.line])).toEqual([['b/drivers/lane.c', 8]]);
    expect(comments[0]?.text).toMatch(/^> diff --git/);
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028]/);
  });

  test('counts the lines of hunks, so that none of their lines begins a file', async () => {
    const sly = diff.replace('+\treturn 3;', '+\treturn 3;').replace('-\treturn 2;', '--- a/drivers/lane.c');
    const { comments } = agentReview(await reviewOf(sly));
    expect(comments.map(c => c.line)).toEqual([8]);
  });

  test('takes a line of ten million characters', async () => {
    const long = diff.replace('+\treturn 3;', `+\treturn 3; /* ${'x'.repeat(10_000_000)} */`);
    expect(splitlines(await reviewOf(long)).filter(line => line.startsWith('>'))).toHaveLength(long.split('\n').length - 1);
  });
});
