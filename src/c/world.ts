/** All the code in view of a series, as rules see it. */
import type { CFunction, Event } from '../model/code.ts';
import type { Fact } from '../model/fact.ts';
import type { CodeFile, World } from '../model/rule.ts';
import type { Patch, Problem } from '../model/series.ts';
import type { Types } from './cells.ts';
import { type Draft, draft, fileOf } from './functions.ts';
import type { Image } from './images.ts';
import { saidOf } from './said.ts';
import { type Statement, tiesOf } from './ties.ts';
import type { Grammar } from './tree.ts';

/** Parsed images are kept, so that the same state of a file is never parsed twice. */
export interface Reader {
  grammar: Grammar;
  factOf(api: string): Fact | undefined;
  drafts: Map<Image, Draft>;
  /** Of each image what it declares. */
  types: Map<Image, Types>;
}

export function readerOf(grammar: Grammar, factOf: (api: string) => Fact | undefined): Reader {
  return { grammar, factOf, drafts: new Map(), types: new Map() };
}

/** The world made of one state of each file. */
export function worldOf(images: Image[], patches: (Patch | null)[], reader: Reader): { world: World; problems: Problem[] } {
  const types: Types = { structs: new Map(), globals: new Map(), constants: new Map() };
  const drafts = images.map(image => {
    const own = reader.types.get(image) ?? { structs: new Map(), globals: new Map(), constants: new Map() };
    const known = reader.drafts.get(image) ?? draft(image, reader.grammar, own);
    reader.drafts.set(image, known);
    reader.types.set(image, own);
    for (const [k, v] of own.structs) types.structs.set(k, v);
    for (const [k, v] of own.constants) types.constants.set(k, v);
    return known;
  });
  const names = new Set(drafts.flatMap(d => d.heads.filter(h => !h.opened).map(h => h.head.name)));
  const files = drafts.map(d => {
    // A header's globals are seen by all, a source file's by itself.
    const globals = new Map<string, { type: string; pointer: number; array: boolean }>();
    for (const [image, own] of reader.types) {
      if (!images.includes(image) || (image !== d.image && !image.path.endsWith('.h'))) continue;
      for (const [k, v] of own.globals) globals.set(k, v);
    }
    return fileOf(d, { ...types, globals }, name => names.has(name), reader.factOf);
  });
  const functions = files.flatMap(f => f.functions);
  const logs = patches.map(p => p?.log ?? '');
  const statements: Statement[] = [
    ...files.flatMap(f => f.comments.map(c => ({ text: c.text, path: f.path, line: c.line }))),
    ...logs.map(text => ({ text, path: '', line: 0 })),
  ];
  const world: World = {
    files,
    functions,
    ties: tiesOf(files, statements),
    includers: path => files.filter(f => f.path !== path && f.includes.some(i => path === i || path.endsWith(`/${i}`))).map(f => f.path),
    callers: name => functions.flatMap(fn => fn.events.filter((e: Event) => e.kind === 'call' && e.api === name).map(event => ({ fn, event }))),
    said: (fn, stems) => saidOf(fn, openingComment(files, fn), logOf(fn, logs), stems),
  };
  return { world, problems: drafts.flatMap(d => d.problems) };
}

/** The comment at the head of the function's file, where it says what the file is for. */
function openingComment(files: CodeFile[], fn: CFunction): string {
  return files.find(f => f.path === fn.path && f.whole)?.comments.find(c => !/SPDX-License/.test(c.text))?.text ?? '';
}

/** The log of the patch that brought the function, or that touches it first. */
function logOf(fn: CFunction, logs: string[]): string {
  const by = fn.addedBy ?? fn.events.find(e => e.addedBy !== null)?.addedBy ?? null;
  return by === null ? '' : (logs[by] ?? '');
}
