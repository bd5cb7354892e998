import { safe } from '../index.ts';
import { isTerminal } from './terminal.ts';

/** Shows on a terminal how far work of more than a second is: one line, written over and erased. Nothing where stderr is no terminal. */
export interface Progress {
  /** `text` is asked only when it is shown. */
  show(text: () => string): void;
  /** Erases the line; to be called before anything else is written to the terminal. */
  clear(): void;
  /** No more from here on: something else has the terminal. */
  stop(): void;
}

/** What a progress line needs of a terminal. */
interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Work that is done sooner says nothing. */
const QUIET_MS = 1000;
const SHOW_EVERY_MS = 100;

/** `now` gives milliseconds since the program began. */
export function progressOn(terminal: Terminal, now: () => number, isDumb = false): Progress {
  let live = terminal.isTTY === true && !isDumb;
  let last = 0;
  let shown = false;
  const clear = () => {
    if (shown) terminal.write('\r\x1b[K');
    shown = false;
  };
  return {
    show(text) {
      if (!live) return;
      const at = now();
      if (at < QUIET_MS || at - last < SHOW_EVERY_MS) return;
      last = at;
      shown = true;
      terminal.write(`\r\x1b[K${cut(safe(text()), Math.max((terminal.columns ?? 80) - 1, 20))}`);
    },
    clear,
    stop() {
      clear();
      live = false;
    },
  };
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 3)}...` : text;
}

/** The progress of this run. */
export const progress = progressOn(
  {
    isTTY: isTerminal(2),
    get columns() {
      return process.stderr.columns;
    },
    write: text => process.stderr.write(text),
  },
  () => performance.now(),
  process.env.TERM === 'dumb',
);
