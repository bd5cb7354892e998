import { isCutShort } from './mail.ts';
import { git, line } from './run.ts';
import { objectsOf } from './tree.ts';

/** The commits that a word names: a line of history without merges. */
export interface Range {
  /** Object names. The base is the commit that the first one is made on, null of a root commit. */
  base: string | null;
  tip: string;
  /** All of them, the first one first. */
  ids: string[];
  /** Are there commits that change no file? */
  hasEmpty: boolean;
  /** By commit the messages, as bytes in Latin-1, that their mails would be cut at. */
  odd: Map<string, string>;
}

/** `none`: it names no commits, and the word may be something else; `fault`: it names some, and one sentence says why they are no series. */
export type Named = Range | { none: true } | { fault: string };

/** More commits than that are no series. */
const MOST_COMMITS = 10_000;

/**
 * What a word on the command line means as commits. `A..B`, `A..`, `REV^!` and whatever else git reads as a range is that range; a branch is what it
 * holds that HEAD does not, or, for the branch that one is on, that its upstream does not; any other single revision is that one commit.
 */
export function rangeOf(word: string): Named {
  if (word.startsWith('-')) return { none: true };
  const first = revisions(word);
  if (first === null) return { none: true };
  const [single] = first.tips;
  if (first.tips.length !== 1 || single === undefined) {
    return {
      fault:
        first.tips.length === 0
          ? `${word}: names no commits, only where they would begin`
          : `${word}: has ${first.tips.length} ends; one series is A..B`,
    };
  }
  const spelt = first.bases.length > 0 || word.endsWith('^!') ? word : spellOut(word, single);
  if (typeof spelt !== 'string') return spelt;
  const found = spelt === word ? first : revisions(spelt);
  const tip = found?.tips[0] === undefined ? null : commitOf(found.tips[0]);
  // A blob or a tree is no commit.
  if (found === null || tip === null) return { none: true };
  const bases = new Set<string>();
  for (const begin of found.bases) {
    const commit = commitOf(begin);
    const base = commit === null ? null : line(['merge-base', commit, tip]);
    if (base !== null && base !== '') bases.add(base);
  }
  if (found.bases.length > 0 && bases.size === 0) return { fault: isShallow() ? past(word) : `${word}: its two ends share no history` };
  return walk(word, tip, bases);
}

/** A branch, or one commit, as a range that git reads. */
function spellOut(word: string, id: string): string | { fault: string } {
  const name = word === 'HEAD' || word === '@' ? '' : (line(['rev-parse', '--symbolic-full-name', word, '--'])?.split('\n')[0] ?? '');
  if (!/^refs\/(?:heads|remotes)\//.test(name)) return `${id}^!`;
  if (line(['rev-parse', '--symbolic-full-name', 'HEAD']) !== name) return `HEAD..${id}`;
  const upstream = line(['rev-parse', '--verify', '--quiet', `${name.slice('refs/heads/'.length)}@{upstream}`]);
  return upstream === null
    ? { fault: `${word}: the branch that you are on, and it has no upstream; say where it begins, as in HEAD~3..` }
    : `${upstream}..${id}`;
}

/** What git reads a word as: the commits that end a range, and those that it begins after; null where git knows none. */
function revisions(word: string): { tips: string[]; bases: string[] } | null {
  const text = line(['rev-parse', '--revs-only', word, '--']);
  const ids = text === null || text === '' ? [] : text.split('\n');
  if (ids.length === 0 || !ids.every(id => /^\^?[0-9a-f]{40,64}$/.test(id))) return null;
  return { tips: ids.filter(id => !id.startsWith('^')), bases: ids.filter(id => id.startsWith('^')).map(id => id.slice(1)) };
}

function commitOf(id: string): string | null {
  return line(['rev-parse', '--verify', '--quiet', `${id}^{commit}`]);
}

/** Does the clone hold a part of the history only? */
export function isShallow(): boolean {
  return line(['rev-parse', '--is-shallow-repository']) === 'true';
}

function past(word: string): string {
  return `${word}: reaches past what this shallow clone holds; \`git fetch --deepen=100\` gets more`;
}

interface Commit {
  id: string;
  tree: string;
  parents: string[];
  title: string;
  /** As bytes in Latin-1. */
  message: string;
}

/** From the last commit back to where the range begins. git format-patch leaves merges out without a word, and a series with a hole is none. */
function walk(word: string, tip: string, bases: ReadonlySet<string>): Named {
  let [count, changes, hasEmpty, later]: [number, boolean, boolean, Commit | null] = [0, false, false, null];
  const ids: string[] = [];
  const odd = new Map<string, string>();
  const from = (base: string | null): Range => ({ base, tip, ids: ids.reverse(), hasEmpty, odd });
  for (let size = 8; count < MOST_COMMITS; size *= 2) {
    const commits = history(tip, count, size);
    if (commits.length === 0) return { fault: `${word}: git does not show its commits` };
    for (const commit of commits) {
      if (commit === null) return { fault: past(word) };
      changes ||= later !== null && later.tree !== commit.tree;
      hasEmpty ||= later !== null && later.tree === commit.tree;
      if (bases.has(commit.id)) return count === 0 ? empty(word) : changes ? from(commit.id) : unchanged(word);
      if (commit.parents.length > 1)
        return { fault: `${word}: holds a merge (${commit.id.slice(0, 12)} ${commit.title}); a series is a line of commits, name one side of it` };
      count++;
      later = commit;
      ids.push(commit.id);
      if (isCutShort(commit.message)) odd.set(commit.id, commit.message);
      // The first commit of all. That of a shallow clone has a parent by its own word.
      if (commit.parents.length === 0) return from(null);
    }
  }
  return { fault: `${word}: more than ${MOST_COMMITS} commits` };
}

function empty(word: string): Named {
  return { fault: word === '@{upstream}..HEAD' ? `${word}: nothing to check, the upstream has all commits of this branch` : `${word}: no commits` };
}

function unchanged(word: string): Named {
  return { fault: `${word}: its commits change no file` };
}

/** Commits along the first parents, from so many before the tip on; null where the repository ends. */
function history(tip: string, from: number, count: number): (Commit | null)[] {
  const names = Array.from({ length: count }, (_, i) => `${tip}~${from + i}\n`);
  return objectsOf(git(['cat-file', '--batch'], { input: names.join('') }).out).map(object => {
    if (object?.type !== 'commit') return null;
    const text = object.bytes.toString('latin1');
    const end = text.indexOf('\n\n');
    const head = end < 0 ? text : text.slice(0, end);
    const message = end < 0 ? '' : text.slice(end + 2);
    const values = (key: string) => [...head.matchAll(new RegExp(`^${key} ([0-9a-f]+)$`, 'gm'))].map(([, value = '']) => value);
    return {
      id: object.id,
      tree: values('tree')[0] ?? '',
      parents: values('parent'),
      title: Buffer.from(message.split('\n')[0] ?? '', 'latin1').toString('utf8'),
      message,
    };
  });
}
