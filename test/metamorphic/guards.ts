/** Pairs of lock and unlock as guards of their scope, and guards as such pairs. */
import { type Edit, edited, MARK } from './edit.ts';
import { added, type Example, type Kind, wantsOn } from './kind.ts';
import { callOf, type Definition, indentAt, isBare, type Node, replaced, type Source, textOf, within } from './source.ts';

/** Of each lock function what releases it, and its guard of include/linux/cleanup.h; `bare` ones name no lock. */
const CLASSES: Record<string, { unlock: string; guard: string; bare?: true }> = {
  spin_lock: { unlock: 'spin_unlock', guard: 'spinlock' },
  spin_lock_irq: { unlock: 'spin_unlock_irq', guard: 'spinlock_irq' },
  spin_lock_bh: { unlock: 'spin_unlock_bh', guard: 'spinlock_bh' },
  spin_lock_irqsave: { unlock: 'spin_unlock_irqrestore', guard: 'spinlock_irqsave' },
  raw_spin_lock: { unlock: 'raw_spin_unlock', guard: 'raw_spinlock' },
  raw_spin_lock_irq: { unlock: 'raw_spin_unlock_irq', guard: 'raw_spinlock_irq' },
  raw_spin_lock_irqsave: { unlock: 'raw_spin_unlock_irqrestore', guard: 'raw_spinlock_irqsave' },
  read_lock: { unlock: 'read_unlock', guard: 'read_lock' },
  write_lock: { unlock: 'write_unlock', guard: 'write_lock' },
  read_lock_irq: { unlock: 'read_unlock_irq', guard: 'read_lock_irq' },
  write_lock_irq: { unlock: 'write_unlock_irq', guard: 'write_lock_irq' },
  mutex_lock: { unlock: 'mutex_unlock', guard: 'mutex' },
  down_read: { unlock: 'up_read', guard: 'rwsem_read' },
  down_write: { unlock: 'up_write', guard: 'rwsem_write' },
  mmap_read_lock: { unlock: 'mmap_read_unlock', guard: 'mmap_read_lock' },
  mmap_write_lock: { unlock: 'mmap_write_unlock', guard: 'mmap_write_lock' },
  rcu_read_lock: { unlock: 'rcu_read_unlock', guard: 'rcu', bare: true },
  preempt_disable: { unlock: 'preempt_enable', guard: 'preempt', bare: true },
  local_irq_disable: { unlock: 'local_irq_enable', guard: 'irq', bare: true },
  cpus_read_lock: { unlock: 'cpus_read_unlock', guard: 'cpus_read_lock', bare: true },
};
const LOCKS = new Map(Object.entries(CLASSES));

interface Call {
  api: string;
  /** The first argument as written. */
  object: string;
}

/** A statement that is nothing but a call. */
function callIn(source: Source, statement: Node): Call | null {
  const [of, ...more] = statement.children;
  const call = statement.type === 'expression_statement' && of && more.length === 0 ? callOf(source, of) : null;
  return call && { api: call.api, object: call.args[0] ? textOf(source, call.args[0]) : '' };
}

const isExit = (n: Node) => /^(?:return|goto|labeled|case)_statement$/.test(n.type);

/** A break or continue that leaves the node. */
function breaksOut(node: Node): boolean {
  if (/^(?:for|while|do)_statement$/.test(node.type)) return false;
  if (/^(?:break|continue)_statement$/.test(node.type)) return true;
  return node.children.some(breaksOut);
}

interface Pair {
  block: Node;
  from: number;
  to: number;
  lock: Call;
  unlock: string;
  guard: string;
}

/** Each lock with the unlock of the same object that follows in its block. */
function pairsOf(source: Source, fn: Definition): Pair[] {
  return within(fn.body)
    .filter(n => n.type === 'compound_statement')
    .flatMap(block =>
      block.children.flatMap((statement, from): Pair[] => {
        const lock = callIn(source, statement);
        const known = lock && LOCKS.get(lock.api);
        if (!lock || !known) return [];
        const to = block.children.findIndex((n, i) => {
          const call = i > from ? callIn(source, n) : null;
          return call?.api === known.unlock && call.object === lock.object;
        });
        if (to < 0) return [];
        const guard = known.bare ? `${known.guard})(` : `${known.guard})(${lock.object}`;
        return [{ block, from, to, lock, unlock: known.unlock, guard }];
      }),
    );
}

/** The statements that the pair is about, those with the same lock among them left out. */
function between({ block, from, to }: Pair): Node[] {
  return block.children.slice(from + 1, to);
}

/** Unlocks right before a return of a bare value: the guard does the same. Null where control leaves otherwise, or the lock is dropped in between. */
function exitsOf(source: Source, pair: Pair): Node[] | null {
  const found: Node[] = [];
  for (const node of between(pair).flatMap(within)) {
    if (isExit(node) && node.type !== 'return_statement') return null;
    if (node.type === 'return_statement') {
      const siblings = node.parent?.children ?? [];
      const before = siblings[siblings.indexOf(node) - 1];
      const call = before && callIn(source, before);
      if (!before || call?.api !== pair.unlock || call.object !== pair.lock.object || node.children.some(n => !isBare(n))) return null;
      found.push(before);
    }
  }
  if (between(pair).some(breaksOut)) return null;
  const dropped = between(pair)
    .flatMap(within)
    .filter(n => n.type === 'expression_statement' && !found.includes(n))
    .map(n => callIn(source, n));
  return dropped.some(c => c && c.object === pair.lock.object && (c.api === pair.unlock || c.api === pair.lock.api)) ? null : found;
}

/** Other locks that the statements release without having acquired them, or acquire and do not release: the pair does not nest. */
function nests(source: Source, pair: Pair): boolean {
  const open: string[] = [];
  for (const statement of between(pair)) {
    const call = callIn(source, statement);
    if (!call) continue;
    const known = LOCKS.get(call.api);
    if (known) open.push(`${known.unlock} ${call.object}`);
    else if ([...LOCKS.values()].some(l => l.unlock === call.api) && open.pop() !== `${call.api} ${call.object}`) return false;
  }
  return open.length === 0;
}

/** The whole line of a statement without what is on it besides; the statement alone where other code is. */
function lineOf(source: Source, node: Node): { start: number; end: number } {
  const { text } = source;
  const start = text.lastIndexOf('\n', node.start) + 1;
  const end = text.indexOf('\n', node.end) + 1;
  const rest = text.slice(start, node.start) + text.slice(node.end, end);
  return rest.trim() === '' ? { start, end } : { start: node.start, end: node.end };
}

function toGuards(example: Example, source: Source): Edit[] {
  const edits: Edit[] = [];
  for (const fn of source.functions) {
    const removed: Node[] = [];
    for (const pair of pairsOf(source, fn)) {
      const { block, from, to } = pair;
      const [lock, unlock] = [block.children[from], block.children[to]];
      const exits = exitsOf(source, pair);
      if (!lock || !unlock || !exits || !nests(source, pair) || removed.includes(lock)) continue;
      const mark = [lock, unlock, ...exits].some(n => wantsOn(example, n)) ? MARK : '';
      // After the unlock nothing but unlocks of guards around it, and a return of a value that is known by then.
      const after = block.children.slice(to + 1).filter(n => !removed.includes(n));
      const last = after.length === 0 || (after.length === 1 && after[0]?.type === 'return_statement' && after[0].children.every(isBare));
      if (last) {
        for (const node of [unlock, ...exits]) edits.push({ ...lineOf(source, node), text: '' });
        edits.push({ start: lock.start, end: lock.end, text: `guard(${pair.guard});${mark}` });
        const close = block.end - 1;
        edits.push({ start: close, end: close, text: mark });
        removed.push(unlock, ...exits);
      } else if (exits.length === 0 && !between(pair).some(n => n.type === 'declaration')) {
        const [head, inner] = pair.guard.split(')(');
        edits.push({ start: lock.start, end: lock.end, text: `scoped_guard(${head}${inner ? `, ${inner}` : ''}) {${mark}` });
        edits.push({ start: unlock.start, end: unlock.end, text: `}${mark}` });
        for (const node of between(pair)) edits.push(...indent(source, node));
      }
    }
  }
  return unique(edits);
}

/** A tab more before each line of the statement. */
function indent(source: Source, node: Node): Edit[] {
  const found: Edit[] = [];
  let at = source.text.lastIndexOf('\n', node.start) + 1;
  while (at < node.end) {
    if (source.text[at] !== '\n') found.push({ start: at, end: at, text: '\t' });
    at = source.text.indexOf('\n', at) + 1;
    if (at === 0) break;
  }
  return found;
}

/** Each edit of marks and removals once: guards of one block share its end. */
function unique(edits: readonly Edit[]): Edit[] {
  const seen = new Set<string>();
  return edits.filter(e => {
    const key = `${e.start} ${e.end} ${e.text}`;
    if (e.text === '\t' || !seen.has(key)) {
      seen.add(key);
      return true;
    }
    return false;
  });
}

const hasPair = ({ source }: Example) => source?.functions.some(fn => pairsOf(source, fn).some(p => exitsOf(source, p) && nests(source, p))) ?? false;

export const guarded: Kind = {
  name: 'guards',
  title: 'lock and unlock of one block as guard() or scoped_guard()',
  reason: {
    silent: 'a section that a guard ends is not read as one that an unlock ends',
    alarm: 'a false alarm: a section that a guard ends is not read as one that an unlock ends',
  },
  floor: { transformed: 95, agree: 98 },
  concerns: hasPair,
  transform(example) {
    const { source } = example;
    const edits = source ? toGuards(example, source) : [];
    return source && edits.length > 0 ? added(example, { [example.path]: edited(source.text, edits) }) : null;
  },
};

/** A guard of a class that the table has, as statement or as the head of its block. */
function guardsOf(source: Source): { api: string; unlock: string; args: string; scope: Node; statement: Node; scoped: boolean }[] {
  const classes = new Map(Object.entries(CLASSES).map(([api, c]) => [c.guard, { api, unlock: c.unlock }]));
  return source.functions.flatMap(fn =>
    within(fn.body).flatMap(node => {
      const m = /^(?:guard\((\w+)\)\(([^()]*)\);|scoped_guard\((\w+)(?:, ([^()]*))?\))/.exec(source.text.slice(node.start));
      const known = m && classes.get(m[1] ?? m[3] ?? '');
      const scoped = m?.[3] !== undefined;
      const scope = scoped ? node.children.find(n => n.type === 'compound_statement') : node.parent;
      if (!m || !known || !scope || !/_statement$/.test(node.type) || /irqsave/.test(known.api)) return [];
      return [{ ...known, args: m[2] ?? m[4] ?? '', scope, statement: node, scoped }];
    }),
  );
}

export const unguarded: Kind = {
  name: 'no guards',
  title: 'guard() and scoped_guard() as lock and unlock',
  reason: guarded.reason,
  floor: { transformed: 95, agree: 98 },
  concerns: ({ source }) => source !== null && guardsOf(source).length > 0,
  transform(example) {
    const { source } = example;
    if (!source) return null;
    const edits: Edit[] = [];
    for (const { api, unlock, args, scope, statement, scoped } of guardsOf(source)) {
      const { text } = source;
      const inside = scope.children.filter(n => n.start > statement.start);
      const returns = inside.flatMap(within).filter(n => n.type === 'return_statement');
      const others = inside.some(n => breaksOut(n) || within(n).some(c => isExit(c) && c.type !== 'return_statement'));
      if (others || returns.some(n => n.children.some(c => !isBare(c)))) return null;
      const release = `${unlock}(${args});${wantsOn(example, statement) ? MARK : ''}`;
      for (const n of returns) {
        const both = replaced(text, n, [release, textOf(source, n)]);
        if (!both) return null;
        edits.push(...both);
      }
      const acquire = `${api}(${args});`;
      const head = scoped ? scope.start : statement.end;
      edits.push({ start: statement.start, end: head, text: scoped ? `${acquire}\n${indentAt(text, statement.start)}` : acquire });
      if (scope.children.at(-1)?.type !== 'return_statement') {
        const close = text.lastIndexOf('\n', scope.end - 1) + 1;
        if (scoped) edits.push({ start: scope.end, end: scope.end, text: `\n${indentAt(text, statement.start)}${release}` });
        else edits.push({ start: close, end: close, text: `${indentAt(text, statement.start)}${release}\n` });
      }
    }
    return edits.length > 0 ? added(example, { [example.path]: edited(source.text, edits) }) : null;
  },
};
