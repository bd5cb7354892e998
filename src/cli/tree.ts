import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, sep } from 'node:path';
import type { Tree } from '../index.ts';

/** Files of more bytes are not read from a tree; the largest C source of the kernel that is written by hand has 1.3 million. */
const LARGEST = 16_000_000;

/**
 * A kernel tree for reading. What is absolute, holds `..`, or leads out of the folder by a link is not there: names come from mail.
 * Throws where the folder itself cannot be opened.
 */
export function openTree(folder: string): Tree {
  const root = realpathSync(folder);
  if (!statSync(root).isDirectory()) throw new Error('is no folder');
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
