/** Which bodies a name means, from where it is called. */
import type { FileRecord, FunctionRecord } from './record.ts';

/** A body, with the file that it stands in. */
export interface Definition {
  path: string;
  of: FunctionRecord;
}

export interface Links {
  definitions: readonly Definition[];
  /** Bodies by their number; those of the calling file before others, else what every file can call; none where nothing in the tree has one. */
  resolve(name: string, from: string): readonly number[];
  /** What every file can call, by name. */
  names: ReadonlyMap<string, readonly number[]>;
  /** Object-like macros of headers that are another name of a function. */
  aliases: ReadonlyMap<string, string>;
  /** Of functions that facts describe. */
  signatures: ReadonlyMap<string, { result: string; parameters: string[] }>;
}

/** Can only its own file call it? */
function isOwnDefinition(path: string, { kind }: Pick<FunctionRecord, 'kind'>): boolean {
  return path.endsWith('.c') && kind !== 'exported' && kind !== 'global';
}

/** Links the records of a tree, in the order of their paths. */
export function linked(files: readonly { path: string; record: FileRecord }[]): Links {
  const definitions: Definition[] = [];
  const names = new Map<string, number[]>();
  const own = new Map<string, Map<string, number[]>>();
  const aliases = new Map<string, string>();
  const signatures = new Map<string, { result: string; parameters: string[] }>();
  for (const { path, record } of files) {
    const mine = new Map<string, number[]>();
    for (const of of record.functions) {
      const at = definitions.push({ path, of }) - 1;
      put(mine, of.name, at);
      if (!isOwnDefinition(path, of)) put(names, of.name, at);
    }
    if (mine.size > 0) own.set(path, mine);
    for (const [name, result, parameters] of record.signatures) if (!signatures.has(name)) signatures.set(name, { result, parameters });
    if (path.endsWith('.h')) for (const [name, of] of record.aliases) if (!aliases.has(name)) aliases.set(name, of);
  }
  return {
    definitions,
    names,
    aliases,
    signatures,
    resolve: (name, from) => own.get(from)?.get(name) ?? names.get(name) ?? NOTHING,
  };
}

const NOTHING: readonly number[] = [];

function put(into: Map<string, number[]>, name: string, at: number): void {
  const known = into.get(name);
  if (known) known.push(at);
  else into.set(name, [at]);
}
