/** The structures of a tree: by tag, and by what members they have. */
import type { MemberType, Structs } from '../model/contract.ts';
import type { FileRecord, StructRecord } from './record.ts';
import { blocksOf, type Table } from './table.ts';

/** What the two tables are called in their heads. */
export const STRUCTS = 'structs';
export const MEMBERS = 'members';

/** Members fall into so many buckets by their names. */
const BUCKETS = 8192;
/** Structures that are kept as they were read. */
const MOST_TAGS = 4000;
/** Blocks that one question may read. */
const MOST_BLOCKS = 24;

/** Names of members that structures out of the tables have, as so many bits, a line for so many of them. */
const BITS = 1 << 21;
const BITS_OF_LINE = 4096;

/**
 * The lines of both tables: a structure's members by its tag, and for each bucket of member names the blocks that have one. What CPUs hardly share, a
 * message of a device or a table of functions, has no line: only that some of them have a member of a name is kept.
 */
export function structLines(files: readonly { path: string; record: Pick<FileRecord, 'structs'> }[]): { structs: string[]; members: string[] } {
  const found = new Set<string>();
  const others = new Uint8Array(BITS / 8);
  for (const { record } of files) {
    for (const struct of record.structs) {
      if (isShared(struct)) found.add(lineOf(struct));
      else for (const [name] of struct.members) setBit(others, hashOf(name) & (BITS - 1));
    }
  }
  const structs = [...found].sort((a, b) => compared(tagIn(a), tagIn(b)) || compared(a, b));
  const buckets = new Map<number, Set<number>>();
  for (const [block, lines] of blocksOf(structs).entries()) {
    for (const line of lines) {
      for (const name of namesIn(line)) {
        const bucket = bucketOf(name);
        const known = buckets.get(bucket);
        if (known) known.add(block);
        else buckets.set(bucket, new Set([block]));
      }
    }
  }
  const members = [...buckets].map(([bucket, blocks]) => `${wordOf(bucket)}\t${deltas([...blocks].sort((a, b) => a - b))}`);
  for (let from = 0; from < BITS; from += BITS_OF_LINE)
    members.push(`${chunkWord(from)}\t${hex(others.subarray(from / 8, (from + BITS_OF_LINE) / 8))}`);
  return { structs, members: members.sort(compared) };
}

function setBit(bits: Uint8Array, at: number): void {
  bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
}

function chunkWord(bit: number): string {
  return `~${Math.floor(bit / BITS_OF_LINE)
    .toString(16)
    .padStart(3, '0')}`;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map(b => b.toString(16).padStart(2, '0')).join('');
}

/** What synchronises, links, counts or defers: an object that has one in it is known to several CPUs. */
const SHARED =
  /^(?:(?:raw_)?spinlock_t|rwlock_t|seqlock_t|seqcount\w*|atomic\w*_t|refcount_t|wait_queue_head_t|local_lock_t|struct (?:mutex|ww_mutex|rt_mutex|rw_semaphore|percpu_rw_semaphore|semaphore|kref|lockref|list_head|list_lru|hlist_\w+|llist_\w+|rb_\w+|xarray|idr|ida|maple_tree|radix_tree_root|rhashtable|rhash_head|\w*_work|work_struct|kthread_work\w*|timer_list|hrtimer|tasklet_struct|napi_struct|completion|swait_queue_head|rcu_head|callback_head|percpu_ref|percpu_counter|kobject|device|cdev|klist\w*|sk_buff_head|u64_stats_sync|srcu_struct|notifier_block|miscdevice|rcuwait))$/;
/** Objects that a driver's own object is of. */
const POINTED =
  /^struct (?:\w*device|\w*_dev|net|task_struct|file|inode|sock|sk_buff|page|folio|bio|request\w*|workqueue_struct|mm_struct|urb|regmap|\w*_client|\w*controller|\w*adapter)$/;

function isShared({ members }: StructRecord): boolean {
  return members.some(([, type, pointer]) => (pointer === 0 ? SHARED : POINTED).test(type));
}

/** A typedef of more than a number. */
function typed(type: string): string {
  return /^(?:__)?[usbl]e?\d+$|^(?:u?int|size|ssize|loff|off|pgoff|dma_addr|phys_addr|resource_size|dev|mode|pid|uid|gid|u_?char|u_?int|u_?long|\w*int\d+)_t$/.test(
    type,
  )
    ? ''
    : type;
}

function lineOf({ tag, members }: StructRecord): string {
  return [tag.replace(/^struct /, ''), ...members.map(([name, type, pointer, array]) => `${name}${typeText(type, pointer, array)}`)].join('\t');
}

function typeText(type: string, pointer: number, array: boolean): string {
  const tag = /^struct (\w+)$/.exec(type)?.[1];
  const union = /^union \w+$/.exec(type)?.[0];
  const named = tag ?? union ?? (/^\w+_t$/.test(typed(type)) ? `=${type}` : '');
  const text = `${named}${'*'.repeat(pointer)}${array ? '[' : ''}`;
  return text === '' ? '' : `:${text}`;
}

function typeOf(text: string): MemberType {
  const [, named = '', stars = '', array = ''] = /^([^*[]*)(\**)(\[?)$/.exec(text) ?? [];
  const type = named === '' ? '' : named.startsWith('=') ? named.slice(1) : named.startsWith('union ') ? named : `struct ${named}`;
  return { type, pointer: stars.length, array: array !== '' };
}

function compared(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function tagIn(line: string): string {
  return line.slice(0, line.indexOf('\t'));
}

function namesIn(line: string): string[] {
  return line
    .split('\t')
    .slice(1)
    .map(part => part.replace(/:.*/, ''));
}

/** FNV-1a, folded. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function bucketOf(name: string): number {
  return hashOf(name) & (BUCKETS - 1);
}

function wordOf(bucket: number): string {
  return bucket.toString(36).padStart(3, '0');
}

function deltas(list: readonly number[]): string {
  return list.map((n, i) => (n - (list[i - 1] ?? -1)).toString(36)).join(' ');
}

function undone(text: string): number[] {
  let at = -1;
  return text.split(' ').map(delta => {
    at += Number.parseInt(delta, 36);
    return at;
  });
}

/** The structures in both tables, each block read when something of it is asked for. */
export function structsIn(structs: Table, members: Table): Structs {
  const of = (tag: string) => structs.lines(tag.replace(/^struct /, ''));
  const known = new Map<string, ReadonlyMap<string, MemberType | null>>();
  /** Null where structures of that tag disagree. */
  const membersOf = (tag: string) => {
    let members = known.get(tag);
    if (!members) {
      const lines = of(tag).map(
        line =>
          new Map(
            line
              .split('\t')
              .slice(1)
              .map((part): [string, string] => [part.replace(/:.*/, ''), part]),
          ),
      );
      const names = new Set(lines.flatMap(line => [...line.keys()]));
      members = new Map(
        [...names].map((name): [string, MemberType | null] => {
          const [only = name, ...others] = new Set(lines.flatMap(line => line.get(name) ?? []));
          return [name, others.length === 0 ? typeOf(only.slice(name.length + 1)) : null];
        }),
      );
      if (known.size >= MOST_TAGS) known.clear();
      known.set(tag, members);
    }
    return members;
  };
  return {
    kernel: structs.head.kernel,
    has: tag => membersOf(tag).size > 0,
    member: (tag, name) => membersOf(tag).get(name) ?? undefined,
    structsWith: names => {
      const mayBeOther = (name: string) => {
        const bit = hashOf(name) & (BITS - 1);
        const [line = ''] = members.lines(chunkWord(bit));
        const at = bit & (BITS_OF_LINE - 1);
        return ((Number.parseInt(line.slice(5 + 2 * (at >> 3), 7 + 2 * (at >> 3)), 16) >> (at & 7)) & 1) === 1;
      };
      if (names.every(mayBeOther)) return [];
      let blocks: number[] | null = null;
      for (const name of new Set(names)) {
        const [line] = members.lines(wordOf(bucketOf(name)));
        if (line === undefined) return [];
        const own = new Set(undone(line.slice(line.indexOf('\t') + 1)));
        blocks = blocks === null ? [...own] : blocks.filter(b => own.has(b));
      }
      if (blocks === null || blocks.length > MOST_BLOCKS) return [];
      const found = new Set<string>();
      for (const block of blocks) {
        for (const line of structs.block(block)) {
          if (!names.every(name => line.includes(`\t${name}`))) continue;
          const own = new Map(
            line
              .split('\t')
              .slice(1)
              .map((part): [string, string] => [part.replace(/:.*/, ''), part]),
          );
          if (!names.every(name => own.has(name)) || !names.some(name => own.get(name)?.includes(':'))) continue;
          const tag = tagIn(line);
          found.add(tag.startsWith('union ') ? tag : `struct ${tag}`);
        }
      }
      return [...found];
    },
  };
}
