/**
 * What a tree holds around a series: the functions that its functions call, those that call them, where those are registered, who else touches the same
 * memory, and the types that all of these name.
 */
import type { Knowledge } from '../../model/fact.ts';
import { callKind } from '../syntax/calls.ts';
import type { Image, Piece, Tree } from '../text/images.ts';
import { around, type FileLayout, layoutOf, standingAround, type TextDefinition } from '../text/layout.ts';
import { rowsNaming, rowsTouching, touchedIn } from './users.ts';

/** Files that are read for one series, and their characters: the search is bounded by what it reads, never by time. */
const MOST_FILES = 200;
const MOST_CHARACTERS = 4_000_000;
/** Of these those of headers that headers include, so that the folder's own files are reached. */
const MOST_OF_HEADERS = 2_000_000;
/** A file of more characters is left closed. */
const LONGEST_FILE = 600_000;
/** Lines that are taken over for one series. */
const MOST_LINES = 8_000;
/** Of these those of functions that only touch the same memory. */
const MOST_OF_USERS = 3_000;
/** A function of more lines is no helper. */
const LONGEST = 400;
/** How many calls away from the series a callee may stand, and how many a caller. */
const CALLEES = 3;
const CALLERS = 2;

/**
 * Pieces of files that the series does not touch. Callees and types are looked for in the headers that a touched file includes, in what those
 * include, and in the source files of its folder; callers, what registers them and who touches the memory of added lines in the source files of the
 * folder. What facts know is not looked for.
 */
export function outsideOf(images: readonly Image[], knowledge: Knowledge, tree: Tree): Image[] {
  const search = new Search(images, knowledge, tree);
  search.callees();
  search.callers();
  search.registrations();
  search.users();
  return search.images();
}

/** A file of the tree, its layout read when something in it is wanted. */
interface Opened {
  text: string;
  layout: FileLayout | null;
}

/** Words that stand before parentheses and call nothing. */
const WORDS = /^(?:if|for|while|switch|return|sizeof|typeof|do|else|defined|_Alignof|asm|case|goto)$/;

class Search {
  private readonly series: readonly Image[];
  private readonly knowledge: Knowledge;
  private readonly tree: Tree;
  /** Files of the series: they are in view as the series leaves them. */
  private readonly own = new Map<string, { layout: FileLayout; touched: TextDefinition[] }>();
  private readonly opened = new Map<string, Opened | null>();
  private readonly taken = new Map<string, Set<TextDefinition>>();
  /** Functions and types that are in view, or have been taken. */
  private readonly known = new Set<string>();
  private readonly wanted = new Map<string, { path: string; level: number }>();
  private readonly wantedTypes = new Set<string>();
  /** Functions that the series touches, and their callers: by name the only file that may name it, null where every one may. */
  private readonly reached = new Map<string, string | null>();
  /** Initialisers that have been taken, by path and first row. */
  private readonly tables = new Set<string>();
  private files = 0;
  private characters = 0;
  private lines = 0;

  constructor(images: readonly Image[], knowledge: Knowledge, tree: Tree) {
    this.series = images;
    this.knowledge = knowledge;
    this.tree = tree;
    for (const image of images) {
      // The pieces of a file that is not whole keep their places, so that what was added stays known by its line.
      const lines: string[] = [];
      const added = new Set<number>();
      for (const piece of image.pieces) {
        for (const [i, line] of piece.lines.entries()) {
          if (piece.origin[i] !== null) added.add(lines.length);
          lines.push(line);
        }
        if (!image.whole) lines.push('');
      }
      const layout = layoutOf(lines.join('\n'));
      const touched = [...layout.functions.values()].filter(d => {
        for (let row = d.from; row <= d.to; row++) if (added.has(row)) return true;
        return false;
      });
      this.own.set(image.path, { layout, touched });
      for (const name of [...layout.functions.keys(), ...layout.types.keys()]) this.known.add(name);
    }
    for (const [path, { layout, touched }] of this.own) for (const definition of touched) this.want(layout, definition, path, 0);
  }

  callees(): void {
    const direct = [...this.own].flatMap(([path, { layout }]) => layout.includes.map(name => this.included(name, path)));
    for (const places of direct) this.lookIn(places);
    for (const places of this.further(direct)) if (this.characters < MOST_OF_HEADERS) this.lookIn(places);
    for (const path of this.folders()) this.lookIn([path]);
    // What a later file made wanted may stand in an earlier one.
    for (const [path, file] of this.opened) if (file) this.takeFrom(path, file);
  }

  callers(): void {
    let names = new Map<string, string | null>();
    for (const [path, { touched }] of this.own) for (const d of touched) names.set(d.name, d.isStatic && !path.endsWith('.h') ? path : null);
    const paths = this.folders();
    for (let level = 0; level < CALLERS && names.size > 0; level++) {
      for (const [name, only] of names) this.reached.set(name, only);
      const next = new Map<string, string | null>();
      for (const path of paths) {
        const seen = [...names].filter(([, only]) => only === null || only === path).map(([name]) => name);
        const file = seen.length > 0 ? this.open(path) : null;
        if (!file || !seen.some(name => file.text.includes(name))) continue;
        const layout = readLayout(file);
        const calls = new RegExp(`\\b(?:${seen.join('|')})\\s*\\(`);
        for (const [row, line] of layout.lines.entries()) {
          if (!calls.test(line)) continue;
          const caller = around(layout, row);
          if (!caller || names.has(caller.name) || this.isTaken(path, caller) || !this.take(path, caller)) continue;
          this.want(layout, caller, path, CALLEES);
          next.set(caller.name, caller.isStatic ? path : null);
        }
      }
      names = next;
    }
    for (const [name, only] of names) this.reached.set(name, only);
  }

  /** Takes what names the functions of the series, or their callers, as values: tables of operations, and functions that hand them on. */
  registrations(): void {
    for (const path of this.folders()) {
      const names = [...this.reached].filter(([, only]) => only === null || only === path).map(([name]) => name);
      const file = names.length > 0 ? this.open(path) : null;
      if (!file || !names.some(name => file.text.includes(name))) continue;
      const layout = readLayout(file);
      // Of a name that is the file's own there is another function.
      const meant = names.filter(name => this.reached.get(name) === path || layout.functions.get(name)?.isStatic !== true);
      for (const row of rowsNaming(layout.lines, meant)) {
        const fn = around(layout, row);
        const place = fn ?? standingAround(layout, row);
        const key = `${path} ${place?.from}`;
        if (!place || this.isTaken(path, place) || this.tables.has(key)) continue;
        if (!fn) this.tables.add(key);
        if (this.take(path, place)) this.want(layout, place, path, CALLEES);
      }
    }
  }

  /** Takes the functions of the folder that touch what added lines touch, and of which the folder's own files declare the type or the variable. */
  users(): void {
    const folders = this.folders();
    const isBeside = (path: string) =>
      path.endsWith('.h') && folders.some(one => one.slice(0, one.lastIndexOf('/')) === path.slice(0, path.lastIndexOf('/')));
    const headers = [...this.opened].flatMap(([path, file]) => (file && isBeside(path) ? [readLayout(file)] : []));
    const touched = touchedIn(this.series, [...[...this.own.values()].map(o => o.layout), ...headers]);
    const most = this.lines + MOST_OF_USERS;
    for (const path of folders) {
      const file = this.open(path);
      if (!file || ![...touched.members, ...touched.globals].some(name => file.text.includes(name))) continue;
      const layout = readLayout(file);
      for (const row of rowsTouching(layout.lines, touched)) {
        const fn = around(layout, row);
        if (!fn || this.isTaken(path, fn) || this.lines + fn.to - fn.from >= most || !this.take(path, fn)) continue;
        this.want(layout, fn, path, CALLEES);
      }
    }
    // Their types stand in files that are open already.
    for (const [path, file] of this.opened) if (file) this.takeFrom(path, file);
  }

  /** The pieces of each file, in the order of paths and lines. */
  images(): Image[] {
    return [...this.taken]
      .filter(([, definitions]) => definitions.size > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, definitions]) => {
        const lines = this.opened.get(path)?.layout?.lines ?? [];
        const pieces = [...definitions]
          .sort((a, b) => a.from - b.from)
          .map(({ from, to }): Piece => {
            const own = lines.slice(from, to + 1);
            return { firstLine: from + 1, lines: own, origin: own.map(() => null), section: '' };
          });
        return { path, whole: false, pieces, addedBy: null, after: -1, outside: true as const };
      });
  }

  /** Notes what a definition calls and which types it names. */
  private want(layout: FileLayout, { from, to }: TextDefinition, path: string, level: number): void {
    const text = layout.lines.slice(from, to + 1).join('\n');
    for (const [, word, tag] of text.matchAll(/\b(struct|union)\s+(\w+)/g))
      if (!this.known.has(`${word} ${tag}`)) this.wantedTypes.add(`${word} ${tag}`);
    if (level >= CALLEES) return;
    for (const [, name = ''] of text.matchAll(/\b([A-Za-z_]\w*)\s*\(/g)) {
      if (this.known.has(name) || this.wanted.has(name) || WORDS.test(name)) continue;
      if (this.isUnknown(name)) this.wanted.set(name, { path, level });
    }
  }

  /** Does only the body say what the function does? */
  private isUnknown(name: string): boolean {
    const fact = this.knowledge.fact(name) ?? this.knowledge.convention(name);
    return !fact || (fact.part === true && callKind(fact) === 'plain');
  }

  private isTaken(path: string, definition: TextDefinition): boolean {
    return this.taken.get(path)?.has(definition) === true;
  }

  private take(path: string, definition: TextDefinition): boolean {
    const length = definition.to - definition.from + 1;
    if (length > LONGEST || this.lines + length > MOST_LINES) return false;
    this.lines += length;
    const known = this.taken.get(path);
    if (known) known.add(definition);
    else this.taken.set(path, new Set([definition]));
    return true;
  }

  /** Takes what is wanted from the first of the files that there is. */
  private lookIn(paths: string[]): void {
    for (const path of paths) {
      const file = this.open(path);
      if (!file) continue;
      this.takeFrom(path, file);
      return;
    }
  }

  /** Takes the functions that are wanted, what they call in the same file, and the types that are named. */
  private takeFrom(path: string, file: Opened): void {
    if (!this.mayHold(file)) return;
    const layout = readLayout(file);
    // Names that a function taken here makes wanted are met later in the same round.
    for (const [name, { path: from, level }] of this.wanted) {
      const definition = layout.functions.get(name);
      if (!definition || (definition.isStatic && from !== path && !path.endsWith('.h'))) continue;
      this.wanted.delete(name);
      this.known.add(name);
      if (this.take(path, definition)) this.want(layout, definition, path, level + 1);
    }
    for (const tag of this.wantedTypes) {
      const definition = layout.types.get(tag);
      if (!definition) continue;
      this.wantedTypes.delete(tag);
      this.known.add(tag);
      this.take(path, definition);
    }
  }

  private mayHold(file: Opened): boolean {
    for (const name of this.wanted.keys()) if (file.text.includes(name)) return true;
    for (const tag of this.wantedTypes) if (file.text.includes(`${tag} {`)) return true;
    return false;
  }

  private open(path: string): Opened | null {
    const known = this.opened.get(path);
    if (known !== undefined) return known;
    if (this.own.has(path) || this.files >= MOST_FILES || this.characters >= MOST_CHARACTERS) return null;
    const text = this.tree.read(path);
    if (text !== null) this.files++;
    this.characters += text?.length ?? 0;
    const file = text === null || text.length > LONGEST_FILE ? null : { text, layout: null };
    this.opened.set(path, file);
    return file;
  }

  /** Where a file may stand that another includes, the likeliest first. */
  private included(name: string, from: string): string[] {
    const machine = /^arch\/[^/]+\//.exec(from)?.[0];
    const beside = joined(from.slice(0, from.lastIndexOf('/') + 1), name);
    const places = [
      beside,
      ...(machine ? [`${machine}include/${name}`] : []),
      `include/${name}`,
      ...(name.startsWith('asm/') ? [`include/asm-generic/${name.slice(4)}`] : []),
      `include/uapi/${name}`,
    ];
    return places.filter(path => path !== null);
  }

  /** The source files that stand beside those of the series. */
  private folders(): string[] {
    const folders = new Set([...this.own.keys()].map(path => path.slice(0, Math.max(0, path.lastIndexOf('/')))));
    return [...folders].flatMap(folder =>
      this.tree
        .list(folder)
        .filter(name => name.endsWith('.c'))
        .map(name => (folder === '' ? name : `${folder}/${name}`))
        .filter(name => !this.own.has(name)),
    );
  }

  /** What the headers include that are open already. */
  private further(headers: string[][]): string[][] {
    return headers.flatMap(places => {
      const path = places.find(place => this.opened.get(place));
      const text = path === undefined ? '' : (this.opened.get(path)?.text ?? '');
      return [...text.matchAll(INCLUDE)].map(([, name = '']) => this.included(name, path ?? ''));
    });
  }
}

const INCLUDE = /^#\s*include\s*[<"]([^>"\n]+)[>"]/gm;

function readLayout(file: Opened): FileLayout {
  file.layout ??= layoutOf(file.text);
  return file.layout;
}

/** The path of a file named from a folder, `..` followed; null where it leads out of the tree. */
export function joined(folder: string, name: string): string | null {
  const parts = folder.split('/').filter(part => part !== '');
  for (const part of name.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return null;
    } else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}
