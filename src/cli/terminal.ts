import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * Is the descriptor a terminal? `process.stdout.isTTY` says it too, but makes the stream, and with it Node's network modules, which a run that prints
 * nothing has no need of.
 */
export function isTerminal(descriptor: 0 | 1 | 2): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice() && isatty(descriptor);
  } catch {
    // Closed by whoever started the command.
    return false;
  }
}
