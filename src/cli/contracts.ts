import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { CONTRACTS, type Contracts, contractsIn, openTable } from '../index.ts';
import { reasonOf } from './reason.ts';

/** The file beside the command that holds what the kernel's functions do. */
const FILE = 'contracts.bin';

let opened: Contracts | null = null;
let said = false;

/**
 * The contracts of the kernel's functions, read from the file beside the command when the first is asked for. Where that is missing, cut or newer than
 * the command, `err` gets one line in a run, and nothing is known.
 */
export function contracts(err: ((text: string) => void) | null): Contracts {
  const table = (): Contracts => {
    if (opened) return opened;
    const read = readTable();
    opened = 'contracts' in read ? read.contracts : NONE;
    if ('problem' in read && err && !said) {
      said = true;
      err(`fencepost: ${FILE}: ${read.problem}; calls of functions out of view are unknown\n`);
    }
    return opened;
  };
  return {
    get kernel() {
      return table().kernel;
    },
    of: name => table().of(name),
  };
}

const NONE: Contracts = { kernel: '', of: () => undefined };

function readTable(): { contracts: Contracts } | { problem: string } {
  try {
    const read = openTable(readFileSync(new URL(`./${FILE}`, import.meta.url)), { unpack: bytes => brotliDecompressSync(bytes) });
    if ('problem' in read) return read;
    return read.table.head.what === CONTRACTS ? { contracts: contractsIn(read.table) } : { problem: 'holds something else' };
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}
