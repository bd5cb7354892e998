import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { height, openPager, pagerCommand } from '../../src/cli/pager.ts';
import { progressOn } from '../../src/cli/progress.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'fencepost-'));

/** A screen of ten rows that keeps what reaches it, and a pager on it that writes what it gets to `file`. */
function screen(command: string, pagesErr = true) {
  const got = { out: '', err: '', started: 0, left: [] as number[] };
  const pager = openPager(
    {
      out: text => {
        got.out += text;
      },
      err: text => {
        got.err += text;
      },
      rows: 10,
      columns: 40,
      pagesErr,
      onStart: () => {
        got.started++;
      },
      onLeft: status => void got.left.push(status),
    },
    command,
    { PATH: process.env.PATH },
  );
  return { got, pager };
}

const lines = (n: number) => Array.from({ length: n }, (_, i) => `line ${i}\n`).join('');

describe('the pager', () => {
  test('is FENCEPOST_PAGER, else PAGER, else less; none where it is empty, cat, or the terminal is dumb', () => {
    expect(pagerCommand({ FENCEPOST_PAGER: 'a -b', PAGER: 'c' })).toBe('a -b');
    expect(pagerCommand({ PAGER: 'c' })).toBe('c');
    expect(pagerCommand({})).toBe('less');
    for (const env of [{ FENCEPOST_PAGER: '', PAGER: 'c' }, { PAGER: 'cat' }, { PAGER: 'c', TERM: 'dumb' }]) expect(pagerCommand(env)).toBeNull();
    expect(pagerCommand({ GIT_PAGER: 'x' })).toBe('less');
  });

  test('is not started for what fits on the screen, which comes in the order in which it was written', async () => {
    const file = join(work, 'fits');
    const { got, pager } = screen(`cat > '${file}'`);
    pager.out(lines(5));
    pager.err('1 patch\n');
    pager.out('last\n');
    await pager.close();
    expect(got).toMatchObject({ out: `${lines(5)}last\n`, err: '1 patch\n', started: 0, left: [] });
    expect(existsSync(file)).toBe(false);
  });

  test('gets all of what does not fit, with what goes to stderr in its place', async () => {
    const file = join(work, 'long');
    const { got, pager } = screen(`cat > '${file}'`);
    pager.out(lines(8));
    pager.err('a problem\n');
    pager.out(lines(30));
    pager.err('no findings\n');
    await pager.close();
    expect(readFileSync(file, 'utf8')).toBe(`${lines(8)}a problem\n${lines(30)}no findings\n`);
    expect(got).toMatchObject({ out: '', err: '', started: 1, left: [] });
  });

  test('leaves stderr alone where that is no terminal', async () => {
    const file = join(work, 'apart');
    const { got, pager } = screen(`cat > '${file}'`, false);
    pager.out(lines(20));
    pager.err('no findings\n');
    await pager.close();
    expect(readFileSync(file, 'utf8')).toBe(lines(20));
    expect(got.err).toBe('no findings\n');
  });

  test('has less pass colours and leave at the end of one screen, unless LESS says otherwise', async () => {
    const file = join(work, 'less');
    const { pager } = screen(`sh -c 'cat > /dev/null; echo "$LESS $LV"' > '${file}'`);
    pager.out(lines(20));
    await pager.close();
    expect(readFileSync(file, 'utf8')).toBe('FRX -c\n');
  });

  test('that can’t be run costs nothing: all is written as without one', async () => {
    const { got, pager } = screen('/nowhere/fencepost-pager 2>/dev/null');
    pager.out(lines(20));
    pager.err('no findings\n');
    await pager.close();
    expect(got).toMatchObject({ out: lines(20), err: 'no findings\n', left: [] });
  });

  test('that the reader leaves early ends the work', async () => {
    const { got, pager } = screen('true');
    pager.out(lines(20));
    await expect.poll(() => got.left).toEqual([0]);
    await pager.close();
    expect(got.out).toBe('');
  });

  test('an error before anything is written waits for nothing', () => {
    const { got, pager } = screen('cat');
    pager.err('no such file\n');
    expect(got.err).toBe('no such file\n');
  });

  test('counts rows as the terminal shows them', () => {
    expect(height('', 80)).toBe(0);
    expect(height('a\nb\n', 80)).toBe(2);
    expect(height('\n\n', 80)).toBe(2);
    expect(height(`${'x'.repeat(81)}\n`, 80)).toBe(2);
    expect(height(`\x1b[33m${'x'.repeat(80)}\x1b[m\n`, 80)).toBe(1);
  });

  test('is not asked where stdout is no terminal', () => {
    const file = join(work, 'never');
    const env = { ...process.env, FENCEPOST_PAGER: `cat > '${file}'` };
    const done = spawnSync(process.execPath, [join(root, 'dist/cli.js'), 'review', 'samples/paired-bitmaps'], { encoding: 'utf8', cwd: root, env });
    expect(done.stdout.split('\n').length).toBeGreaterThan(50);
    expect(existsSync(file)).toBe(false);
    const plain = spawnSync(process.execPath, [join(root, 'dist/cli.js'), '--no-pager', 'review', '--no-pager', 'samples/paired-bitmaps'], {
      encoding: 'utf8',
      cwd: root,
    });
    expect(plain).toMatchObject({ status: 0, stdout: done.stdout });
  });
});

describe('progress', () => {
  function terminal(isTTY: boolean, dumb = false) {
    const got = { text: '', now: 0 };
    const write = (text: string) => {
      got.text += text;
    };
    return { got, progress: progressOn({ isTTY, columns: 30, write }, () => got.now, dumb) };
  }

  test('is shown on a terminal after a second, ten times a second at most, and erased', () => {
    const { got, progress } = terminal(true);
    const at = (now: number, text: string) => {
      got.now = now;
      progress.show(() => text);
    };
    at(999, 'a');
    progress.clear();
    expect(got.text).toBe('');
    at(1000, 'reviewing 1/40');
    at(1050, 'reviewing 2/40');
    at(1200, 'reviewing 3/40');
    expect(got.text).toBe('\r\x1b[Kreviewing 1/40\r\x1b[Kreviewing 3/40');
    got.text = '';
    progress.clear();
    progress.clear();
    expect(got.text).toBe('\r\x1b[K');
  });

  test('fits one line, and shows no control character of a name', () => {
    const { got, progress } = terminal(true);
    got.now = 2000;
    progress.show(() => `scanning ${'x'.repeat(100)}`);
    expect(got.text.length).toBe('\r\x1b[K'.length + 29);
    got.now = 3000;
    got.text = '';
    progress.show(() => 'a\x1b[2Jb\nc');
    expect(got.text.slice('\r\x1b[K'.length)).not.toMatch(/[\x1b\n]/);
  });

  test('is nothing where stderr is no terminal, where it is dumb, and once a pager has it', () => {
    const piped = terminal(false);
    const dumb = terminal(true, true);
    const paged = terminal(true);
    paged.progress.stop();
    for (const { got, progress } of [piped, dumb, paged]) {
      got.now = 5000;
      progress.show(() => {
        throw new Error('nobody asks');
      });
      progress.clear();
      expect(got.text).toBe('');
    }
  });
});
