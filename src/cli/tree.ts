import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { safe, type Tree } from '../index.ts';
import { reasonOf } from './reason.ts';

/**
 * The tree of that name, or null where none is named. Where it cannot be opened undefined, and one line that says why; a folder that is no
 * kernel tree is said to be none, and used.
 */
export function treeOf(folder: string | null, err: (text: string) => void): Tree | null | undefined {
  if (folder === null) return null;
  try {
    const tree = openTree(folder);
    if (!MARKS.some(mark => existsSync(join(folder, mark))))
      err(`fencepost: ${safe(folder)}: not the top of a kernel tree (it has no Kconfig, MAINTAINERS or include/linux); used all the same\n`);
    return tree;
  } catch (error) {
    err(`fencepost: ${safe(`${folder}: ${reasonOf(error)}`)}\n`);
    return undefined;
  }
}

/** The path of a file by the names of the tree in that folder; null where there is no tree, or the file is not in it. */
export function within(folder: string | null, file: string): string | null {
  if (folder === null) return null;
  try {
    const path = relative(realpathSync(folder), realpathSync(file));
    return path.startsWith('..') || path === '' ? null : path.split(sep).join('/');
  } catch {
    return null;
  }
}

/** What stands at the top of a kernel tree, or of a part of one that says what it declares. */
const MARKS = ['Kconfig', 'MAINTAINERS', 'include/linux', '.fencepost.yaml'];

/** Files of more bytes are not read from a tree; the largest C source of the kernel that is written by hand has 1.3 million. */
const LARGEST = 16_000_000;

/**
 * A kernel tree for reading. What is absolute, holds `..`, or leads out of the folder by a link is not there: names come from mail.
 * Throws where the folder itself cannot be opened.
 */
export function openTree(folder: string): Tree {
  const root = realpathSync(folder);
  if (!statSync(root).isDirectory()) throw new Error('not a folder');
  /** Where the path leads; throws where there is nothing. */
  const inside = (path: string): string | null => {
    if (isAbsolute(path) || path.includes('\0') || path.split(/[\\/]/).includes('..')) return null;
    const real = realpathSync(join(root, path));
    return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep) ? real : null;
  };
  return {
    read(path) {
      try {
        const real = inside(path);
        if (real === null) return null;
        const about = statSync(real);
        return about.isFile() && about.size <= LARGEST ? readFileSync(real, 'utf8') : null;
      } catch {
        return null;
      }
    },
    list(folder) {
      try {
        const real = inside(folder);
        if (real === null) return [];
        const files = readdirSync(real, { withFileTypes: true }).filter(entry => entry.isFile());
        return files.map(entry => entry.name).sort();
      } catch {
        return [];
      }
    },
  };
}
