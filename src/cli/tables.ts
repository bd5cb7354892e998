import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import {
  CONTRACTS,
  type Contracts,
  contractsIn,
  type KernelTables,
  MEMBERS,
  openTable,
  STRUCTS,
  type Structs,
  structsIn,
  type Table,
} from '../index.ts';
import { reasonOf } from './reason.ts';

type Err = ((text: string) => void) | null;

/** Beside the command lie what the kernel's functions do, and what its structures hold; scripts/tables.mjs has the same names. */
export const TABLE_FILES = { contracts: 'contracts.bin', structs: 'structs.bin', members: 'members.bin' };

let contracts: Contracts | null = null;
let structs: Structs | null = null;
let said = false;

/**
 * What was read of a kernel, from the files beside the command, each opened when something of it is first asked for. Where one is missing, cut or
 * newer than the command, `err` gets one line in a run, and nothing is known of it.
 */
export function tables(err: Err): KernelTables {
  return {
    contracts: {
      get kernel() {
        return functions(err).kernel;
      },
      of: name => functions(err).of(name),
      signature: name => functions(err).signature(name),
    },
    structs: {
      get kernel() {
        return objects(err).kernel;
      },
      member: (tag, name) => objects(err).member(tag, name),
      has: tag => objects(err).has(tag),
      structsWith: members => objects(err).structsWith(members),
    },
  };
}

/** Opens all tables, so that what is wrong with one is said: for commands whose threads read them, and say nothing of it. */
export function checkTables(err: Err): void {
  functions(err);
  objects(err);
}

function functions(err: Err): Contracts {
  contracts ??=
    open([[TABLE_FILES.contracts, CONTRACTS]], 'calls of functions out of view are unknown', err, ([table]) => table && contractsIn(table)) ??
    NO_CONTRACTS;
  return contracts;
}

function objects(err: Err): Structs {
  structs ??=
    open(
      [
        [TABLE_FILES.structs, STRUCTS],
        [TABLE_FILES.members, MEMBERS],
      ],
      'types out of view are unknown',
      err,
      ([own, members]) => own && members && structsIn(own, members),
    ) ?? NO_STRUCTS;
  return structs;
}

const NO_CONTRACTS: Contracts = { kernel: '', of: () => undefined, signature: () => undefined };
const NO_STRUCTS: Structs = { kernel: '', member: () => undefined, has: () => false, structsWith: () => [] };

function open<T>(files: [name: string, what: string][], without: string, err: Err, made: (read: Table[]) => T | undefined): T | undefined {
  const read: Table[] = [];
  for (const [name, what] of files) {
    const table = readTable(name, what);
    if (typeof table === 'string') {
      if (err && !said) err(`fencepost: ${name}: ${table}; ${without}\n`);
      said ||= err !== null;
      return undefined;
    }
    read.push(table);
  }
  return made(read);
}

/** The table of that name, or in a few words why there is none. */
function readTable(name: string, what: string): Table | string {
  try {
    const read = openTable(readFileSync(new URL(`./${name}`, import.meta.url)), { unpack: bytes => brotliDecompressSync(bytes) });
    if ('problem' in read) return read.problem;
    return read.table.head.what === what ? read.table : 'holds something else';
  } catch (error) {
    return reasonOf(error);
  }
}
