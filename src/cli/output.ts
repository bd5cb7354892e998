import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { reasonOf } from './reason.ts';

type Out = (text: string) => void;

/** Where findings are written. */
export interface Output {
  write: Out;
  /** Ends the file; gives what went wrong with it, or null. */
  close(): string | null;
}

/**
 * What `-o FILE` names, or `out` where it is null or `-`. A FILE that can't be written is told at once, as one line in place of the output;
 * what stands in it is kept until there is something to write.
 */
export function openOutput(file: string | null, out: Out): Output | string {
  if (file === null || file === '-') return { write: out, close: () => null };
  const refused = (error: unknown) => `${file}: cannot write: ${isMissing(error) ? 'no file can be created there' : reasonOf(error)}`;
  try {
    const there = existsSync(file);
    if (there && statSync(file).isDirectory()) return `${file}: cannot write: is a folder`;
    if (!there && !existsSync(dirname(resolve(file)))) return `${file}: cannot write: no such folder`;
    accessSync(there ? file : dirname(resolve(file)), constants.W_OK);
  } catch (error) {
    return refused(error);
  }
  let opened: number | null = null;
  let fault: string | null = null;
  const write = (text: string) => {
    if (fault !== null) return;
    try {
      opened ??= openSync(file, 'w');
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += writeSync(opened, bytes, at);
    } catch (error) {
      fault = refused(error);
    }
  };
  return {
    write,
    close() {
      // No finding leaves an empty file, not the last one's findings.
      write('');
      try {
        if (opened !== null) closeSync(opened);
      } catch (error) {
        fault ??= refused(error);
      }
      return fault;
    },
  };
}

/**
 * Makes a folder and those above it that are missing; gives one line where it can't be made or not be written to, else null. Each is tried
 * once: the runtime's own recursive form never ends below /proc.
 */
export function makeFolder(folder: string): string | null {
  const missing: string[] = [];
  for (let at = resolve(folder); !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.push(at);
  try {
    for (const path of missing.reverse()) mkdirSync(path);
    if (!statSync(folder).isDirectory()) return `${folder}: is a file, and a folder is wanted`;
    accessSync(join(folder, '.'), constants.W_OK);
    return null;
  } catch (error) {
    return `${folder}: cannot create the folder: ${isMissing(error) ? 'no folder can be created there' : reasonOf(error)}`;
  }
}

/** Of something that is to be made, the system says so where the place holds no files: /proc, or below a file. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
