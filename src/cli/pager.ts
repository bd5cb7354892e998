/** The pager, as git has one; a file of its own, loaded only where stdout is a terminal. */
import { type ChildProcess, spawn } from 'node:child_process';

type Out = (text: string) => void;

/** Where text goes while nobody pages it. */
export interface Screen {
  out: Out;
  err: Out;
  rows: number;
  columns: number;
  /** stderr is a terminal too: what is written there is paged in its place, or it would be drawn over the pager. */
  pagesErr: boolean;
  /** The pager has the terminal from here on. */
  onStart(): void;
  /** The reader has left before all was written; the status to exit with. */
  onLeft(status: number): void;
}

export interface Pager {
  out: Out;
  err: Out;
  /** All is written: waits for the reader to leave. */
  close(): Promise<void>;
}

type Env = Record<string, string | undefined>;

/** The command: FENCEPOST_PAGER, else PAGER, else less; null where it is empty or `cat`, or the terminal can't page. */
export function pagerCommand(env: Env): string | null {
  const command = (env.FENCEPOST_PAGER ?? env.PAGER ?? 'less').trim();
  return command === '' || command === 'cat' || env.TERM === 'dumb' ? null : command;
}

/**
 * Keeps what is written until it is more than the screen holds, and gives it to the pager then; what fits is written as it is. The command is the
 * user's own variable and is run by the shell, as git and man do: it may hold quotes and pipes. Text of the mail reaches it by its stdin alone.
 */
export function openPager(screen: Screen, command: string, env: Env): Pager {
  const written: { text: string; to: Out; paged: boolean }[] = [];
  let rows = 0;
  let child: ChildProcess | null = null;
  let plain = false;
  let isClosing = false;
  let stopped = false;
  let left = false;
  let ended: Promise<void> = Promise.resolve();

  const flush = () => {
    plain = true;
    for (const { text, to } of written.splice(0)) to(text);
  };
  // less has a meaning of its own for Ctrl-C; here it ends the work.
  const interrupt = () => {
    stopped = true;
    child?.stdin?.end();
  };
  const start = () => {
    screen.onStart();
    // As git: leave at the end of one screen, pass colours, do not clear the screen.
    const started = spawn('sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'], env: { LESS: 'FRX', LV: '-c', ...env } });
    child = started;
    process.on('SIGINT', interrupt);
    started.stdin.on('error', () => {});
    ended = new Promise(resolve => {
      let done = false;
      const finish = (failed: boolean) => {
        if (done) return;
        done = true;
        process.off('SIGINT', interrupt);
        child = null;
        // The shell's own statuses for a command that can't be run or is not there.
        if (failed) flush();
        else {
          left = true;
          if (!isClosing || stopped) screen.onLeft(stopped ? 130 : 0);
        }
        resolve();
      };
      started.on('error', () => finish(true));
      started.on('close', code => finish(code === 126 || code === 127));
    });
    for (const { text, paged } of written) if (paged) started.stdin.write(text);
  };
  const put = (text: string, to: Out, paged: boolean) => {
    if (left) return;
    if (plain || text === '') return to(text);
    // Errors of work that has written nothing yet wait for nothing.
    if (!child && rows === 0 && to === screen.err) return to(text);
    if (!paged) return to(text);
    written.push({ text, to, paged });
    if (child) {
      if (!stopped) child.stdin?.write(text);
      return;
    }
    rows += height(text, screen.columns);
    if (rows > screen.rows - 1) start();
  };
  return {
    out: text => put(text, screen.out, true),
    err: text => put(text, screen.err, screen.pagesErr),
    async close() {
      isClosing = true;
      if (child) {
        (child as ChildProcess).stdin?.end();
        await ended;
      } else if (!plain && !left) flush();
    },
  };
}

/** Rows that the text takes on a terminal of that width. */
export function height(text: string, columns: number): number {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const wide = (line: string) => line.replace(/\x1b\[[\d;]*m/g, '').replace(/\t/g, '        ').length;
  return lines.reduce((n, line) => n + Math.max(1, Math.ceil(wide(line) / Math.max(columns, 1))), 0);
}
