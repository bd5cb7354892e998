import { constants } from 'node:fs';
import { access, open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** One input of a command: as given, and its bytes. Before those of each file of a folder stands its name in there. */
export interface Input {
  input: string;
  /** May throw where a file goes away or cannot be read after all. */
  open(): AsyncIterable<Uint8Array | string>;
}

/** An input that cannot be opened: one line that names it. */
export interface InputError {
  input: string;
  error: string;
}

/**
 * The inputs that the arguments name, in order: a file; `-`, or no argument, for stdin; a folder of patches, mails or mailboxes, or a
 * maildir, whose files in order of name make one input; a folder of nothing but folders, each an input of its own.
 */
export async function openInputs(args: string[]): Promise<(Input | InputError)[]> {
  const found: (Input | InputError)[] = [];
  // Nobody means to type a mail.
  if (args.length === 0 && process.stdin.isTTY)
    return [{ input: '-', error: 'no INPUT is named, and stdin is a terminal; `-` reads it all the same' }];
  for (const arg of args.length === 0 ? ['-'] : args) {
    if (arg === '-') found.push({ input: '-', open: () => process.stdin });
    else found.push(...(await openPath(arg)));
  }
  return found;
}

/** What a mail or patch is called in a folder. */
const MAIL_FILE = /\.(?:patch|diff|eml|mail|mbox|mbx|txt)(?:\.gz)?$/i;

async function openPath(path: string): Promise<(Input | InputError)[]> {
  try {
    const about = await stat(path);
    if (!about.isDirectory()) {
      await access(path, constants.R_OK);
      return [{ input: path, open: () => readFile(path) }];
    }
    const entries = await readdir(path, { withFileTypes: true });
    const names = entries.map(entry => entry.name);
    const maildir = names.includes('cur') || names.includes('new');
    const files = maildir
      ? (await Promise.all(['cur', 'new'].filter(name => names.includes(name)).map(name => filesOf(join(path, name), () => true)))).flat()
      : await filesOf(path, name => MAIL_FILE.test(name));
    if (files.length > 0) return [{ input: path, open: () => readFolder(path, files) }];
    const folders = entries.filter(entry => entry.isDirectory() && !entry.name.startsWith('.')).map(entry => entry.name);
    if (maildir || folders.length === 0) {
      return [{ input: path, error: `${path}: no mail or patch in this folder` }];
    }
    const inner: (Input | InputError)[] = [];
    for (const folder of folders.sort(byName)) {
      const sub = join(path, folder);
      const inside = await filesOf(sub, name => MAIL_FILE.test(name));
      if (inside.length > 0) inner.push({ input: sub, open: () => readFolder(sub, inside) });
    }
    return inner.length > 0 ? inner : [{ input: path, error: `${path}: no mail or patch in this folder` }];
  } catch (error) {
    return [{ input: path, error: `${path}: ${reasonOf(error)}` }];
  }
}

/** One line for a fault of the file system, without the path, which the caller names. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Record<string, string> = {
    ENOENT: 'no such file or folder',
    EACCES: 'not readable',
    EPERM: 'not readable',
    EISDIR: 'is a folder',
    ENOTDIR: 'no such file or folder',
    ELOOP: 'too many links',
    ENAMETOOLONG: 'name too long',
  };
  return (Object.hasOwn(known, code) ? known[code] : undefined) ?? (error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
}

async function filesOf(folder: string, wanted: (name: string) => boolean): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter(entry => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith('.') && wanted(entry.name));
  return files.map(entry => join(folder, entry.name)).sort(byName);
}

/** By code unit, with numbers in their order, so that 2 stands before 10 (git mailsplit orders a maildir so). */
function byName(left: string, right: string): number {
  const [a, b] = [left.split(/(\d+)/), right.split(/(\d+)/)];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [x = '', y = ''] = [a[at], b[at]];
    if (x === y) continue;
    const difference = at % 2 === 1 ? Number(x) - Number(y) : 0;
    if (difference !== 0) return difference;
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

const CHUNK_BYTES = 1 << 18;

async function* readFolder(folder: string, files: string[]): AsyncGenerator<Uint8Array | string> {
  for (const file of files) {
    yield relative(folder, file);
    yield* readFile(file);
  }
}

async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead === 0) break;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
