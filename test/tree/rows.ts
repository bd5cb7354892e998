/** Files as a kernel tree, and what the functions in them do. */
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { NO_FACTS } from '../../src/engine/declared.ts';
import { knowledgeOf } from '../../src/engine/knowledge.ts';
import { factOf } from '../../src/facts/lookup.ts';
import type { Contract, Contracts, KernelTables } from '../../src/model/contract.ts';
import type { Knowledge } from '../../src/model/fact.ts';
import { CONTRACTS, contractLines, contractsIn, contractsOf } from '../../src/tree/contracts.ts';
import { linked } from '../../src/tree/links.ts';
import { recordOf } from '../../src/tree/records.ts';
import { rowText } from '../../src/tree/rowtext.ts';
import { openTable, type Packing, writeTable } from '../../src/tree/table.ts';
import { grammar } from '../code.ts';

export const packing: Packing = { pack: bytes => brotliCompressSync(bytes), unpack: bytes => brotliDecompressSync(bytes) };

/** The contracts of all that the files offer to others. */
export async function contractsOfFiles(files: Record<string, string>): Promise<Contract[]> {
  const loaded = await grammar();
  const read = Object.entries(files).map(([path, text]) => ({ path, record: recordOf(path, path, text, loaded, factOf) }));
  return contractsOf(linked(read), new Set(read.flatMap(f => f.record.statics)), factOf);
}

/** The row of one function, without its name; undefined where it was not read. */
export async function rowOf(name: string, files: string | Record<string, string>): Promise<string | undefined> {
  const found = await contractsOfFiles(typeof files === 'string' ? { 'drivers/example/example.c': files } : files);
  const contract = found.find(c => c.name === name);
  return contract && rowText(contract).slice(name.length + 1);
}

/** What one function does, each act as a row spells it. */
export async function actsOf(name: string, files: string | Record<string, string>): Promise<string[] | undefined> {
  return (await rowOf(name, files))?.split('\t').slice(3);
}

export function bytesOf(contracts: readonly Contract[]): Uint8Array {
  return writeTable({ what: CONTRACTS, kernel: '6.12.0', from: '' }, contractLines(contracts), packing);
}

/** Tables of these contracts alone. */
export function tablesWith(contracts: Contracts): KernelTables {
  return { contracts, structs: { kernel: '6.12.0', member: () => undefined, has: () => false, structsWith: () => [] } };
}

/** What is known where a table of these files is at hand. */
export async function knowledgeWith(files: Record<string, string>): Promise<Knowledge> {
  const opened = openTable(bytesOf(await contractsOfFiles(files)), packing);
  if ('problem' in opened) throw new Error(opened.problem);
  const contracts: Contracts = contractsIn(opened.table);
  return knowledgeOf(NO_FACTS, tablesWith(contracts)).known;
}
