/** All the code in view of a series, as rules see it. */

import { called } from '../c/calls/callees.ts';
import { expandAll } from '../c/calls/expand.ts';
import { fileOf, type ParsedFile, parseFile } from '../c/lower/functions.ts';
import { knownTypes } from '../c/lower/knowntypes.ts';
import { ownName } from '../c/syntax/calls.ts';
import { effectsOfKind } from '../c/syntax/effects.ts';
import { type Callees, designatedIn, mentionsIn, type Paste } from '../c/syntax/mentions.ts';
import type { Grammar } from '../c/syntax/tree.ts';
import type { FieldType, Types } from '../c/syntax/types.ts';
import type { Image } from '../c/text/images.ts';
import { sentencesOn } from '../c/world/sentences.ts';
import type { CFunction, Event } from '../model/code.ts';
import type { EffectOf } from '../model/effect.ts';
import type { Knowledge } from '../model/fact.ts';
import type { CodeFile, DeclaredGuard, Mention, Tie, World } from '../model/rule.ts';
import type { Patch, Problem } from '../model/series.ts';
import { type AuthorText, tiesOf } from './atomicity/ties.ts';
import { completed } from './complete.ts';
import { sharedIn } from './markings/shared.ts';

/** Parsed images are kept, so that the same state of a file is never parsed twice. */
export interface ParseCache {
  grammar: Grammar;
  known: Knowledge;
  parsed: Map<Image, ParsedFile>;
  /** Of each image what it declares. */
  types: Map<Image, Types>;
}

export function parseCache(grammar: Grammar, known: Knowledge): ParseCache {
  return { grammar, known, parsed: new Map(), types: new Map() };
}

/** The world made of one state of each file; `old` where that is the state before the series. */
export function worldOf(
  images: Image[],
  patches: (Patch | null)[],
  cache: ParseCache,
  side: CFunction['side'] = 'new',
): { world: World; problems: Problem[] } {
  const accessors = new Map<string, FieldType>();
  const types: Types = { ...noTypes(), accessors };
  const parsed = images.map(image => {
    const own = cache.types.get(image) ?? noTypes();
    const known = cache.parsed.get(image) ?? parseFile(image, cache.grammar, own);
    cache.parsed.set(image, known);
    cache.types.set(image, own);
    for (const [k, v] of own.structs) types.structs.set(k, v);
    for (const [k, v] of own.constants) types.constants.set(k, v);
    for (const [k, v] of own.accessors ?? []) accessors.set(k, v);
    // A header's globals are seen by all, a source file's by itself.
    if (image.path.endsWith('.h')) for (const [k, v] of own.globals) types.globals.set(k, v);
    return known;
  });
  // A static function of a source file is its own; any other of a known name is most likely the very function that the fact is about.
  const names = new Set(
    parsed.flatMap(d =>
      d.heads
        .filter(h => !h.opened && (!isWhollyKnown(ownName(h.name), cache.known) || (/\bstatic\b/.test(h.head) && !d.image.path.endsWith('.h'))))
        .map(h => h.name),
    ),
  );
  const signatures = new Map(parsed.flatMap(d => d.heads.filter(h => !h.opened && !h.isMacro)).map(h => [h.name, h]));
  const known = knownTypes(types, signatures, cache.known.tables);
  const lowered = parsed.map(d => {
    const own = cache.types.get(d.image)?.globals;
    const global = (name: string) => own?.get(name) ?? types.globals.get(name);
    const declares = (type: string) => cache.types.get(d.image)?.structs.has(type) ?? false;
    const { fact, contract, convention } = cache.known;
    return fileOf(d, { side, types, global, declares, defined: name => names.has(name), fact, contract, convention, known });
  });
  /** What is known of a call by its name, where nothing in view has its body. */
  const factOf = (api: string) => cache.known.fact(api) ?? (names.has(api) ? undefined : cache.known.contract(api)?.fact);
  const functions = completed(expandAll(lowered.flatMap(f => f.functions)), factOf);
  let next = 0;
  const files = lowered.map((f): CodeFile => {
    const own = functions.slice(next, next + f.functions.length);
    next += own.length;
    return { ...f, functions: own };
  });
  const logs = patches.map(p => p?.log ?? '');
  const statements: AuthorText[] = [
    ...files.flatMap(f => f.comments.map(c => ({ text: c.text, path: f.path, line: c.line }))),
    ...logs.map(text => ({ text, path: '', line: 0 })),
  ];
  let calls: ReturnType<typeof callsIn> | null = null;
  let ties: Tie[] | null = null;
  let shared: ReturnType<typeof sharedIn> | null = null;
  let guards: ReturnType<typeof guardsIn> | null = null;
  const imageOf = new Map(images.map(i => [i.path, i]));
  const mentions = new Map<string, Map<string, Mention[]>>();
  const designated = new Map<string, Set<string>>();
  const callees: Callees = {
    nameOf: call => cache.known.fact(call)?.api ?? call,
    isTransparent: call => cache.known.fact(call)?.form === 'transparent',
    pastes: call => effectsOfKind({ fact: cache.known.fact(call) }, 'register').flatMap(pasteOf),
  };
  // Functions that several files may name.
  const common = functions.filter(f => !f.isStatic).map(f => f.name);
  const mentionedIn = (path: string) => {
    const found = mentions.get(path) ?? mentionsIn(imageOf.get(path) ?? NOTHING, namesIn(files, path, common), callees);
    mentions.set(path, found);
    return found;
  };
  const world: World = {
    files,
    functions,
    fact: factOf,
    convention: cache.known.convention,
    member: cache.known.member,
    type: cache.known.type,
    // Found when first asked for: who only wants to see events need not wait for them.
    get ties() {
      ties ??= tiesOf(files, statements);
      return ties;
    },
    includers: path => files.filter(f => f.path !== path && f.includes.some(i => path === i || path.endsWith(`/${i}`))).map(f => f.path),
    callers: name => {
      calls ??= callsIn(functions);
      return calls.get(name) ?? [];
    },
    addedBy: (path, line) => {
      for (const piece of imageOf.get(path)?.pieces ?? []) {
        const by = piece.origin[line - piece.firstLine];
        if (by !== undefined) return by;
      }
      return null;
    },
    declared: tag => {
      for (const image of images) {
        const members = cache.types.get(image)?.structs.get(tag);
        if (members) return { path: image.path, members };
      }
      return null;
    },
    designated: path => {
      const known = designated.get(path) ?? designatedIn(imageOf.get(path) ?? NOTHING);
      designated.set(path, known);
      return known;
    },
    guard: key => {
      guards ??= guardsIn(images, cache);
      return guards.get(key) ?? null;
    },
    licensed: path => (imageOf.get(path)?.pieces ?? []).some(p => p.lines.some(line => /^\s*MODULE_LICENSE\s*\(/.test(line))),
    mentions: fn => {
      const own = mentionedIn(fn.path).get(fn.name) ?? [];
      if (fn.isStatic || files.length === 1) return own;
      // A file with a function of that name means its own.
      const mayName = (f: CodeFile) => f.path !== fn.path && !f.functions.some(own => own.name === fn.name);
      const others = files.flatMap(f => (mayName(f) ? (mentionedIn(f.path).get(fn.name) ?? []) : []));
      return others.length > 0 ? [...own, ...others] : own;
    },
    shared: key => {
      shared ??= sharedIn(functions);
      return shared.get(key) ?? [];
    },
    said: (fn, stems) => sentencesOn(fn, openingComment(files, fn), logOf(fn, logs), stems),
  };
  return { world, problems: parsed.flatMap(d => d.problems) };
}

function pasteOf({ handler, prefix, suffixes }: EffectOf<'register'>): Paste[] {
  return handler === null || suffixes.length === 0 ? [] : [{ prefix, argument: handler, suffixes }];
}

/** Does a fact say all that the function does? */
function isWhollyKnown(name: string, known: Knowledge): boolean {
  const fact = known.fact(name);
  return fact !== undefined && fact.part !== true;
}

/** The guards that declarations name, by the keys of their cells. `&lock` is a member of the same type where that has one of the name. */
function guardsIn(images: readonly Image[], cache: ParseCache): Map<string, DeclaredGuard> {
  const found = new Map<string, DeclaredGuard>();
  for (const image of images) {
    const types = cache.types.get(image);
    const note = (type: string, name: string, field: FieldType, members: ReadonlyMap<string, FieldType>) => {
      if (!field.guard) return;
      const path = field.guard.lock.replace(/^&\s*/, '');
      const isMember = type !== '' && members.has(/^\w*/.exec(path)?.[0] ?? '');
      found.set(`${type}|${name}`, {
        lock: isMember ? `${type}.${path}` : path,
        written: field.guard.lock,
        pointee: field.guard.pointee,
        path: image.path,
      });
    };
    for (const [tag, members] of types?.structs ?? []) for (const [name, field] of members) note(tag, name, field, members);
    for (const [name, field] of types?.globals ?? []) note('', name, field, new Map());
  }
  return found;
}

function noTypes(): Types {
  return { structs: new Map(), globals: new Map(), constants: new Map() };
}

const NOTHING: Image = { path: '', whole: false, pieces: [], addedBy: null, after: 0 };

function namesIn(files: CodeFile[], path: string, common: readonly string[]): Set<string> {
  return new Set([...common, ...(files.find(f => f.path === path)?.functions.map(f => f.name) ?? [])]);
}

/** Every call, by the name of what is called; one through a pointer by all that it may run. */
function callsIn(functions: CFunction[]): Map<string, { fn: CFunction; event: Event }[]> {
  const found = new Map<string, { fn: CFunction; event: Event }[]>();
  for (const fn of functions) {
    for (const event of fn.events) {
      if ((event.kind !== 'call' && event.kind !== 'expanded') || event.via) continue;
      for (const name of event.targets ?? [called(event)]) {
        const known = found.get(name);
        if (known) known.push({ fn, event });
        else found.set(name, [{ fn, event }]);
      }
    }
  }
  return found;
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
