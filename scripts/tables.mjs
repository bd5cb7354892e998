// The tables of what a kernel's functions do and its structures hold: where they stand, and how they are packed.
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { root } from './prepare.mjs';

/** Each table's file with what its head calls it; `src/cli/tables.ts` reads them by the same names. */
export const TABLES = [
  ['contracts.bin', 'contracts'],
  ['structs.bin', 'structs'],
  ['members.bin', 'members'],
];
export const folder = join(root, 'rules/contracts');
export const fileOf = what => join(folder, TABLES.find(([, holds]) => holds === what)[0]);

const PARAMS = {
  [constants.BROTLI_PARAM_QUALITY]: 11,
  [constants.BROTLI_PARAM_LGWIN]: 18,
  [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
};
export const packing = { pack: bytes => brotliCompressSync(bytes, { params: PARAMS }), unpack: bytes => brotliDecompressSync(bytes) };
