/** C text as a series of patches, for tests of everything behind the mail. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseCache, worldOf } from '../src/analysis/world.ts';
import { type Grammar, loadGrammar } from '../src/c/syntax/tree.ts';
import { imagesOf } from '../src/c/text/images.ts';
import { builtIn } from '../src/facts/lookup.ts';
import type { World } from '../src/model/rule.ts';
import type { FileDiff, HunkLine, Message, Patch, Thread } from '../src/model/series.ts';
import { readDiff } from '../src/read/diff.ts';
import { readHunks } from '../src/read/hunks.ts';

const wasm = (path: string) => readFileSync(fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url)));
let loaded: Promise<Grammar> | null = null;

export function grammar(): Promise<Grammar> {
  loaded ??= loadGrammar(wasm('web-tree-sitter/web-tree-sitter.wasm'), wasm('tree-sitter-c/tree-sitter-c.wasm'));
  return loaded;
}

/** A patch that adds the files. */
export function patchOf(files: Record<string, string>, log = '', index = 1, total = 1): Patch {
  const diffs = Object.entries(files).map(([path, text]): FileDiff => {
    const lines = text
      .replace(/\n$/, '')
      .split('\n')
      .map((line, i): HunkLine => ({ kind: 'add', text: line, oldLine: null, newLine: i + 1 }));
    return {
      path,
      change: 'add',
      added: lines.length,
      removed: 0,
      binary: false,
      hunks: [{ oldStart: 0, oldCount: 0, newStart: 1, newCount: lines.length, section: '', lines }],
    };
  });
  return {
    title: 'a patch',
    author: { name: 'Patch Author', address: 'author@example.org' },
    index,
    total,
    version: 1,
    prefixes: ['PATCH'],
    recovered: false,
    log,
    trailers: [],
    files: diffs,
    problems: [],
  };
}

/** A patch of one file by a hunk: lines begin with a space, a plus or a minus. */
export function hunkPatch(path: string, section: string, start: number, body: string): Patch {
  let [oldLine, newLine] = [start, start];
  const lines = body
    .replace(/^\n/, '')
    .replace(/\n$/, '')
    .split('\n')
    .map((line): HunkLine => {
      const text = line.slice(1);
      if (line[0] === '+') return { kind: 'add', text, oldLine: null, newLine: newLine++ };
      if (line[0] === '-') return { kind: 'remove', text, oldLine: oldLine++, newLine: null };
      return { kind: 'context', text, oldLine: oldLine++, newLine: newLine++ };
    });
  const hunk = { oldStart: start, oldCount: oldLine - start, newStart: start, newCount: newLine - start, section, lines };
  const added = lines.filter(l => l.kind === 'add').length;
  return {
    ...patchOf({}),
    files: [{ path, change: 'modify', added, removed: lines.filter(l => l.kind === 'remove').length, binary: false, hunks: [hunk] }],
  };
}

/** A patch as its unified diff says it; what git would refuse is an error here too. */
export function diffPatch(text: string): Patch {
  const diff = readDiff(text);
  if (diff.fault) throw new Error(`line ${diff.fault.line}: ${diff.fault.message}`);
  return { ...patchOf({}), files: diff.pieces.map(({ start, end, ...piece }) => ({ ...piece, hunks: readHunks(text.slice(start, end)) })) };
}

export function threadOf(patches: Patch[]): Thread {
  const messages = patches.map(
    (patch, i): Message => ({
      n: i + 1,
      messageId: `${i + 1}@example.org`,
      kind: 'patch',
      subject: `[PATCH ${i + 1}/${patches.length}] ${patch.title}`,
      title: patch.title,
      from: patch.author,
      date: null,
      inReplyTo: null,
      references: [],
      numbering: { prefixes: ['PATCH'], version: 1, index: i + 1, total: patches.length },
      body: '',
      problems: [],
      patch,
    }),
  );
  const series = {
    id: 'series@example.org',
    version: 1,
    title: 'a series',
    expected: patches.length,
    complete: true,
    cover: null,
    patches: messages.map(m => m.messageId),
    followUps: [],
  };
  return { input: 'test', messages, series: [series], comments: [], problems: [] };
}

/** The code as rules see it. */
export async function worldIn(patches: Patch[]): Promise<World> {
  const images = [...imagesOf(patches).history.values()].flatMap(states => states.at(-1) ?? []);
  return worldOf(images, patches, parseCache(await grammar(), builtIn)).world;
}

/** The one file's world. */
export function worldOfText(text: string, path = 'drivers/example/example.c'): Promise<World> {
  return worldIn([patchOf({ [path]: text })]);
}
