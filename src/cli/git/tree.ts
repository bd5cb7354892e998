import type { Tree } from '../../index.ts';
import { git } from './run.ts';

/** Files of more bytes are not kept, as in a tree of files. */
const LARGEST = 16_000_000;
/** Files that are read by one command. */
const MOST_AT_ONCE = 128;

/** The names in one folder that are regular files, with their blobs. */
type Folder = Map<string, string>;

/**
 * The tree of a commit as it stands in the objects of the repository; with null an empty one. The work tree is not looked at. Symbolic links and
 * submodules are not there: names come from mail. Objects that the repository lacks are not there either.
 *
 * A command costs some milliseconds and a series asks for up to two hundred files, so what will be asked for next is read along: the sources of a
 * folder that was listed, and the headers that the files read so far include.
 */
export function commitTree(commit: string | null): Tree {
  const folders = new Map<string, Folder>();
  const texts = new Map<string, string | null>();
  const listed = new Set<string>();
  /** Files that were asked for, and whose includes have not been looked up. */
  let fresh: string[] = [];
  const asked = new Set<string>();

  const load = (wanted: string[]) => {
    const missing = [...new Set(wanted)].filter(folder => !folders.has(folder));
    for (const folder of missing) folders.set(folder, new Map());
    if (commit === null) return;
    const below = missing.filter(folder => folder !== '');
    if (missing.length > below.length) fill(['ls-tree', '-z', '--full-tree', commit]);
    if (below.length > 0) fill(['ls-tree', '-z', '--full-tree', commit, '--', ...below.map(folder => `${folder}/`)]);
  };
  const fill = (args: string[]) => {
    for (const entry of git(args).out.toString('utf8').split('\0')) {
      const [, blob, path] = /^100[0-7]{3} blob ([0-9a-f]+)\t([\s\S]+)$/.exec(entry) ?? [];
      if (blob !== undefined && path !== undefined) folders.get(folderOf(path))?.set(nameOf(path), blob);
    }
  };
  const blobOf = (path: string) => folders.get(folderOf(path))?.get(nameOf(path));

  /** Reads the files that are there and not yet read. */
  const fetch = (paths: string[]) => {
    const wanted = [...new Set(paths)].filter(path => !texts.has(path) && blobOf(path) !== undefined).slice(0, MOST_AT_ONCE);
    if (wanted.length === 0) return;
    const { out } = git(['cat-file', '--batch'], { input: wanted.map(path => `${blobOf(path)}\n`).join('') });
    const objects = objectsOf(out);
    for (const [i, path] of wanted.entries()) {
      const object = objects[i];
      // Where the output was cut short the file is asked for again by itself.
      if (object === undefined && wanted.length > 1) continue;
      texts.set(path, object?.type === 'blob' && object.bytes.length <= LARGEST ? object.bytes.toString('utf8') : null);
    }
  };

  return {
    read(path) {
      if (!isInside(path)) return null;
      const text = textOf(path);
      if (text !== null && !asked.has(path)) fresh.push(path);
      asked.add(path);
      return text;
    },
    list(folder) {
      if (folder !== '' && !isInside(folder)) return [];
      load([folder]);
      listed.add(folder);
      return [...(folders.get(folder)?.keys() ?? [])].sort();
    },
  };

  function textOf(path: string): string | null {
    const known = texts.get(path);
    if (known !== undefined) return known;
    const folder = folderOf(path);
    const includes = fresh.map(from => includesOf(texts.get(from) ?? '').map(name => placesOf(name, from)));
    fresh = [];
    load([folder, ...includes.flat(2).map(folderOf)]);
    if (blobOf(path) === undefined) return null;
    const likely = includes.flat().flatMap(places => places.find(place => blobOf(place) !== undefined) ?? []);
    const beside = listed.has(folder) ? [...(folders.get(folder)?.keys() ?? [])].filter(name => name.endsWith('.c')) : [];
    fetch([path, ...beside.map(name => (folder === '' ? name : `${folder}/${name}`)), ...likely]);
    if (!texts.has(path)) fetch([path]);
    return texts.get(path) ?? null;
  }
}

/** An object as `cat-file --batch` writes it; null one that is missing. */
export interface GitObject {
  id: string;
  type: string;
  bytes: Buffer;
}

/** The objects in the output of `cat-file --batch`, in order, as far as it holds them whole. */
export function objectsOf(out: Buffer): (GitObject | null)[] {
  const objects: (GitObject | null)[] = [];
  for (let at = 0; at < out.length; ) {
    const end = out.indexOf(10, at);
    if (end < 0) break;
    const [, id, type, size] = /^([0-9a-f]+) ([a-z]+) (\d+)$/.exec(out.toString('latin1', at, end)) ?? [];
    at = end + 1;
    if (id === undefined || type === undefined) {
      objects.push(null);
      continue;
    }
    if (at + Number(size) > out.length) break;
    objects.push({ id, type, bytes: out.subarray(at, at + Number(size)) });
    at += Number(size) + 1;
  }
  return objects;
}

function isInside(path: string): boolean {
  return path !== '' && !path.includes('\0') && path.split('/').every(part => part !== '' && part !== '.' && part !== '..');
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function includesOf(text: string): string[] {
  return [...text.matchAll(/^#\s*include\s*[<"]([\w./+-]+)[>"]/gm)].map(([, name = '']) => name).filter(isInside);
}

/** Where the kernel keeps what a file includes. A place that is missed costs one more command, no finding. */
function placesOf(name: string, from: string): string[] {
  const machine = /^arch\/[^/]+\//.exec(from)?.[0];
  const folder = folderOf(from);
  return [
    folder === '' ? name : `${folder}/${name}`,
    ...(machine ? [`${machine}include/${name}`] : []),
    `include/${name}`,
    ...(name.startsWith('asm/') ? [`include/asm-generic/${name.slice(4)}`] : []),
    `include/uapi/${name}`,
  ];
}
