/** Locks that only one source file can name, so that what it shows of them is all there is. */
import type { CFunction } from '../model/code.ts';
import type { Mention, World } from '../model/rule.ts';
import { isMadeHere, isTest, runsAlone } from './alone.ts';
import { heldAt, lockPath } from './locking.ts';
import { sameLock } from './locknames.ts';

/**
 * Can nobody but functions of the file take the lock: it is a variable that the file defines, or a member of a type that the file itself
 * declares, and no function of the file takes it for its caller?
 */
export function isFilesOwn(lock: string, path: string, world: World): boolean {
  const name = lock.slice(lock.indexOf(':') + 1).replace(/ \(shared\)$/, '');
  const member = /^((?:struct|union) \w+)\.[\w.]+$/.exec(name);
  const own = member ? world.declared(member[1] ?? '')?.path === path : /^\w+$/.test(name) && world.defines(path, name);
  return own && !path.endsWith('.h') && !isTakenForCallers(lock, path, world);
}

/** A function takes the lock and never gives it back: one that is there to lock. */
function isTakenForCallers(lock: string, path: string, world: World): boolean {
  const end = lockPath(lock).replace(/^.*\./, '');
  const names = (fn: CFunction, kind: 'lock' | 'unlock') =>
    fn.events.some(e => e.kind === kind && ((e.cell?.path ?? e.args[0] ?? '') === end || (e.cell?.path ?? e.args[0] ?? '').endsWith(`.${end}`)));
  return world.functions.some(
    fn => fn.path === path && names(fn, 'lock') && !names(fn, 'unlock') && !/^(?:guard|scoped_guard|CLASS)\(/.test(lockApi(fn)),
  );
}

function lockApi(fn: CFunction): string {
  return fn.events.find(e => e.kind === 'lock')?.api ?? '';
}

/** How many calls a way in may be long. */
const DEEPEST = 3;

/**
 * A way by which the function comes to run without a lock that is the file's own, from the outermost function in: one that others call, or
 * that is handed out to be called, and that has no object to itself. Null where every way in view holds the lock, or nothing tells.
 */
export function wayInWithout(fn: CFunction, lock: string, world: World, depth = 0): CFunction[] | null {
  if (!fn.whole || fn.isMacro || runsAlone(fn) || isTest(fn, world)) return null;
  if (fn.entryLocks.some(held => held.startsWith('named:') || sameLock(held, lock))) return null;
  const mentions = world.mentions(fn);
  if (mentions.length > 0) return mentions.some(m => isCalledFromOutside(m, fn, lock, world)) ? [fn] : null;
  if (!fn.isStatic) return [fn];
  if (depth >= DEEPEST) return null;
  for (const site of world.callers(fn.name)) {
    if (site.fn === fn || site.fn.path !== fn.path || site.event.maybeLocks.length > 0) continue;
    if (heldAt(site.fn, site.event, world).length > 0 || isMadeHere(site.fn, site.event) || madeFor(site.fn, site.event.args)) continue;
    const above = wayInWithout(site.fn, lock, world, depth + 1);
    if (above) return [...above, fn];
  }
  return null;
}

/** Is one of the arguments an object that the caller has made? */
function madeFor(fn: CFunction, args: readonly string[]): boolean {
  return args.some(arg => {
    const root = /^&?(\w+)/.exec(arg)?.[1];
    return fn.events.some(e => e.into === root && /(?:^|_)(?:create|[kvm]*[cz]?alloc|new|clone|dup|memdup)(?:_|$)/.test(e.api));
  });
}

/** Members whose functions have the object to themselves: it is being made, or nobody can come any more. */
const ALONE =
  /^(?:probe|init|ndo_init|open|create|fill_super|mount|get_tree|init_fs_context|remove|disconnect|release|exit|destroy|destructor|priv_destructor|ndo_uninit|put_super|kill_sb|evict_inode|free\w*|shutdown|unbind|bind|setup)$/;

/** Those who were given the function call it without the file's locks, unless the file itself calls it through the member. */
function isCalledFromOutside({ member, call }: Mention, fn: CFunction, lock: string, world: World): boolean {
  if (member === null) return call !== null;
  if (ALONE.test(member)) return false;
  const through = new RegExp(`(?:->|\\.)${member}$`);
  return !world.functions.some(
    f => f.path === fn.path && f.events.some(e => e.kind === 'call' && through.test(e.api) && heldAt(f, e, world).some(held => sameLock(held, lock))),
  );
}
