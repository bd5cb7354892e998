import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ReadTools } from '../index.ts';

/** What the reading stage is lent: mailparser, loaded at the first mail that needs it, and zlib. */
export const tools: ReadTools = {
  async parseMime(raw) {
    const { parseMime } = await import('./mime.js');
    return parseMime(raw);
  },
  async *gunzip(bytes) {
    const packed = Readable.from(bytes);
    const plain = createGunzip();
    packed.on('error', error => plain.destroy(error));
    try {
      yield* packed.pipe(plain);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!code.startsWith('Z_')) throw error;
      throw new Error(code === 'Z_BUF_ERROR' ? 'it ends too soon' : 'it is damaged');
    }
  },
};
