import { constants } from 'node:fs';
import { access, open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Shown, Tree } from '../index.ts';
import { groupPaths } from './group.ts';
import { reasonOf } from './reason.ts';
import { RANGE } from './spelling.ts';

/** One input of a command: as given, and its bytes. Before those of each of several files stands its name. */
export interface Input {
  input: string;
  /** All names, where several arguments are one input; `input` is the first. */
  inputs?: string[];
  /** How many files it is made of, where that may be several. */
  files?: number;
  /** Of several files those that could not be read, one line each; filled while the others are. Where the only one goes away, `open` throws. */
  lost: string[];
  /** Of commits the tree that they are made on. */
  tree?: Tree;
  /** Of what has been applied already the line that an editor shows. */
  shown?: Shown;
  open(): AsyncIterable<Uint8Array | string>;
}

/** An input that cannot be opened: one line that names it. */
export interface InputError {
  input: string;
  error: string;
  /** There is nothing to read, and that is no fault. */
  nothing?: true;
}

/**
 * The inputs that the arguments name, in order: a file; `-`, or no argument, for stdin; a folder of patches, mails or mailboxes, a maildir or
 * an MH folder, whose files in order of name make one input; a folder of nothing but folders, each an input of its own. Files of one run of
 * git format-patch are one input too, in the place of the first. With `commits` an argument that is no path may name commits, and none on a
 * terminal is what the branch's upstream lacks.
 */
export async function openInputs(args: string[], commits = false): Promise<(Input | InputError)[]> {
  // Nobody means to type a mail.
  if (args.length === 0 && process.stdin.isTTY) {
    const unsent = commits ? (await import('./git.js')).commitsInput(null) : null;
    return [unsent ?? { input: '-', error: 'no INPUT is named, and stdin is a terminal; `-` reads it all the same' }];
  }
  const found: (Input | InputError | { file: string })[] = [];
  for (const arg of args.length === 0 ? ['-'] : args) {
    if (arg === '-') found.push({ input: '-', lost: [], open: () => process.stdin });
    else found.push(...(await openPath(arg, commits)));
  }
  const files = found.flatMap(f => ('file' in f ? [f.file] : []));
  const groups = files.length > 1 ? await groupPaths(files) : [[0]];
  const at = new Map(groups.map(group => [group[0], group]));
  let seen = 0;
  return found.flatMap((f): (Input | InputError)[] => {
    if (!('file' in f)) return [f];
    const group = at.get(seen++)?.map(i => files[i] ?? '');
    if (group === undefined) return [];
    return [group.length === 1 ? oneFile(f.file) : manyFiles(f.file, group, path => path, group)];
  });
}

function oneFile(path: string): Input {
  return { input: path, lost: [], open: () => readFile(path) };
}

function manyFiles(input: string, paths: string[], nameOf: (path: string) => string, inputs?: string[]): Input {
  const lost: string[] = [];
  return { input, ...(inputs ? { inputs } : {}), files: paths.length, lost, open: () => readFiles(paths, nameOf, lost) };
}

/** What a mail or patch is called in a folder; by its number alone, as git mailsplit and MH leave it. */
const MAIL_FILE = /\.(?:patch|diff|eml|mail|mbox|mbx|txt)(?:\.gz)?$|^\d{1,9}$/i;

async function openPath(path: string, commits: boolean): Promise<(Input | InputError | { file: string })[]> {
  try {
    const about = await stat(path);
    if (!about.isDirectory()) {
      await access(path, constants.R_OK);
      return [{ file: path }];
    }
    const folder = (at: string, files: string[]) => manyFiles(at, files, file => relative(at, file));
    const entries = await readdir(path, { withFileTypes: true });
    const names = entries.map(entry => entry.name);
    const maildir = names.includes('cur') || names.includes('new');
    const files = maildir
      ? (await Promise.all(['cur', 'new'].filter(name => names.includes(name)).map(name => filesOf(join(path, name), () => true)))).flat()
      : await filesOf(path, name => MAIL_FILE.test(name));
    if (files.length > 0) return [folder(path, files)];
    const folders = entries.filter(entry => entry.isDirectory() && !entry.name.startsWith('.')).map(entry => entry.name);
    const nothing = names.some(name => /\.[ch]$/.test(name))
      ? `${path}: no mail or patch in this folder; \`fencepost scan ${path}\` reads C files`
      : `${path}: no mail or patch in this folder`;
    if (maildir || folders.length === 0) return [{ input: path, error: nothing }];
    const inner: Input[] = [];
    for (const name of folders.sort(byName)) {
      const sub = join(path, name);
      const inside = await filesOf(sub, file => MAIL_FILE.test(file));
      if (inside.length > 0) inner.push(folder(sub, inside));
    }
    return inner.length > 0 ? inner : [{ input: path, error: nothing }];
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    const named = commits && missing && howToSave(path) === null ? (await import('./git.js')).commitsInput(path) : null;
    const elsewhere = !commits && missing && RANGE.test(path) ? '; commits are read by check, review, explain and baseline' : '';
    return [named ?? { input: path, error: `${path}: ${howToSave(path) ?? `${reasonOf(error)}${elsewhere}`}` }];
  }
}

/** For what is no file but looks like a message on the list: how to save it. */
function howToSave(name: string): string | null {
  const url = /^https?:\/\/\S+$/i.test(name);
  const id = url
    ? /\/([^\s/<>]{1,300}@[^\s/<>?#]{1,300})(?:[/?#]|$)/.exec(decoded(name))?.[1]
    : /^<?([^\s/<>@]{1,300}@(?!\{)[^\s/<>@]{1,300})>?$/.exec(name)?.[1];
  if (!url && id === undefined) return null;
  // An id that a shell would act on is not put into a command.
  const shown = id !== undefined && /^[\w.+=~^%@-]+$/.test(id) && !id.startsWith('-') ? id : 'MESSAGE-ID';
  return `${url ? 'is a URL, and fencepost fetches nothing' : 'no such file or folder'}; if it is a message on a list, save the thread first: b4 mbox ${shown}`;
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
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

/** The files one after the other, before each its name; one that cannot be read is noted, and the rest of it left out. */
async function* readFiles(paths: string[], nameOf: (path: string) => string, lost: string[]): AsyncGenerator<Uint8Array | string> {
  for (const path of paths) {
    yield nameOf(path);
    try {
      yield* readFile(path);
    } catch (error) {
      lost.push(`${path}: ${reasonOf(error)}`);
    }
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

/** A document of an input with all names of that input behind the first, where there are several. */
export function withInputs(document: object, { inputs }: Input): object {
  if (inputs === undefined) return document;
  const entries = Object.entries(document);
  const at = entries.findIndex(([key]) => key === 'input') + 1;
  return Object.fromEntries([...entries.slice(0, at), ['inputs', inputs], ...entries.slice(at)]);
}
