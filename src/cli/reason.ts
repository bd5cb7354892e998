/** What the operating system refuses, in words that do not depend on the runtime. */
const KNOWN: Record<string, string> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'is a folder',
  ENOTDIR: 'no such file or folder',
  EEXIST: 'is there already',
  ELOOP: 'too many links',
  ENAMETOOLONG: 'name too long',
  EROFS: 'read-only file system',
  ENOSPC: 'no space left',
  EDQUOT: 'no space left',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  EIO: 'input or output error',
  ENXIO: 'no such device',
  ENODEV: 'no such device',
  EINVAL: 'not supported there',
  ERR_WORKER_OUT_OF_MEMORY: 'takes more memory than one thread may have',
  ERR_STRING_TOO_LONG: 'too large',
  ERR_FS_FILE_TOO_LARGE: 'too large',
};

/** One line for a fault, without the path, which the caller names. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  if (Object.hasOwn(KNOWN, code)) return KNOWN[code] ?? '';
  if (/^E[A-Z0-9]+$/.test(code)) return `refused by the system (${code})`;
  const line = error.message.split('\n')[0] ?? '';
  // What no line of this program says on purpose is a fault of its own.
  return code === '' && error.name === 'Error' ? line : `a fault of fencepost itself, please report it (${error.name}: ${line})`;
}
