/** The code that an input shows: of a thread its series, of a C file the file as it stands. */

import type { Grammar } from '../c/syntax/tree.ts';
import { type Image, imagesOf, type Tree } from '../c/text/images.ts';
import { joined, outsideOf } from '../c/world/outside.ts';
import type { Knowledge } from '../model/fact.ts';
import type { World } from '../model/rule.ts';
import type { Message, Patch, Problem, Series, Thread } from '../model/series.ts';
import { parseCache, worldOf } from './world.ts';

/** A series of a thread with its messages, null where one is missing. */
export interface PatchSet {
  series: Series;
  messages: (Message | undefined)[];
}

/** Every series of the thread that has a patch; each patch by itself where the thread has no series. */
export function patchSetsOf(thread: Thread): PatchSet[] {
  const byId = new Map(thread.messages.filter(m => m.patch).map(m => [m.messageId, m]));
  const sets: PatchSet[] = thread.series.map(series => ({ series, messages: series.patches.map(id => (id === null ? undefined : byId.get(id))) }));
  if (sets.length === 0) for (const message of byId.values()) sets.push({ series: alone(message), messages: [message] });
  return sets.filter(s => s.messages.some(m => m?.patch));
}

function alone(message: Message): Series {
  const { messageId, title, numbering } = message;
  return { id: messageId, version: numbering.version, title, expected: 1, complete: true, cover: null, patches: [messageId], followUps: [] };
}

/** The patch with its C files alone. */
export function onlyC(patch: Patch | null): Patch | null {
  return patch && { ...patch, files: patch.files.filter(file => isC(file.path) && !file.binary) };
}

/** Is the file C, by its name? */
export function isC(path: string): boolean {
  return /\.[ch]$/.test(path);
}

/** A file as it stands, which no patch brought. */
export function imageOfText(path: string, text: string): Image {
  const lines = text.replace(/\r?\n$/, '').split(text.includes('\r') ? /\r?\n/ : '\n');
  const origin: null[] = new Array(lines.length).fill(null);
  return { path, whole: true, pieces: [{ firstLine: 1, lines, origin, section: '' }], addedBy: null, after: 0 };
}

/** The code as each series of the thread leaves it; with a tree its files whole, and what stands around them known. */
export function viewOfThread(thread: Thread, grammar: Grammar, known: Knowledge, tree: Tree | null = null): { worlds: World[]; problems: Problem[] } {
  const views = patchSetsOf(thread).map(({ messages }) => {
    const patches = messages.map(m => onlyC(m?.patch ?? null));
    const { history, problems } = imagesOf(patches, tree);
    const own = [...history.values()].flatMap(states => states.at(-1) ?? []);
    const view = worldOf(tree ? [...own, ...outsideOf(own, known, tree)] : own, patches, parseCache(grammar, known));
    return { ...view, problems: [...problems, ...view.problems] };
  });
  return { worlds: views.map(v => v.world), problems: views.flatMap(v => v.problems) };
}

/** The code of one file as it stands; with a tree, in which the path is, with the headers that a scan reads. */
export function viewOfText(
  path: string,
  text: string,
  grammar: Grammar,
  known: Knowledge,
  tree: Tree | null = null,
): { world: World; problems: Problem[] } {
  const headers = tree ? headersOf(path, text, tree).map((image): Image => ({ ...image, outside: true })) : [];
  return worldOf([imageOfText(path, text), ...headers], [], parseCache(grammar, known));
}

/** Headers in view of one file; a driver that has more keeps the rest out of sight. */
const MOST_HEADERS = 32;
/** Headers of more characters hold registers, not types. */
const LONGEST_HEADER = 200_000;

/**
 * What the file includes by quotes, and what that includes, as far as the tree has it. The functions around it, which a review of a patch draws
 * from the folder and from all headers, would more than double the time of a scan and hardly change what it finds.
 */
export function headersOf(path: string, text: string, tree: Tree): Image[] {
  const found = new Map<string, Image>();
  const work = [{ path, text }];
  for (const { path: from, text: source } of work) {
    for (const [, name = ''] of source.matchAll(/^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"/gm)) {
      if (found.size >= MOST_HEADERS) return [...found.values()];
      const at = joined(from.slice(0, from.lastIndexOf('/') + 1), name);
      if (at === null || at === path || found.has(at) || !at.endsWith('.h')) continue;
      const read = tree.read(at);
      if (read === null || read.length > LONGEST_HEADER) continue;
      found.set(at, imageOfText(at, read));
      work.push({ path: at, text: read });
    }
  }
  return [...found.values()];
}
