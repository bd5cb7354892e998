import type { BinaryOp, Condition, Expression, LitmusTest, LitmusThread, LitmusValue, Location, Observed, Statement } from './litmus.ts';
import { FENCES, OPERATION, PRIMITIVES, SUFFIX } from './primitives.ts';
import { addresses, dereferenced, registersOf } from './walk.ts';

/**
 * The test as text that herd7 reads with the Linux kernel's model. Names and types that herd7's C does not know are written another way;
 * what its expressions lack (`&&`, `||`, `!`, `~`) by what they have.
 */
export function printLitmus(test: LitmusTest): string {
  const names = new Names(test);
  const condition = (c: Condition) => conditionText(c, { observed: o => observed(o, names), value: v => names.value(v), not: '~' });
  const titles = test.threads.flatMap((t, n) => (t.title === undefined ? [] : [` * P${n}: ${plain(t.title)}\n`]));
  const init = [
    ...test.locations.map(l => initial(l, names)),
    ...test.registers.map(r => `${r.thread}:${names.register(r.thread, r.name)} = ${names.value(r.value)};`),
  ];
  return [
    `C ${plain(test.name) || 'test'}\n\n`,
    titles.length > 0 ? `(*\n${titles.join('')} *)\n\n` : '',
    init.length > 0 ? `{\n${init.map(line => `\t${line}\n`).join('')}}\n` : '{}\n',
    ...test.threads.map((thread, n) => `\n${new Writer(test, thread, n, names).text()}`),
    '\n',
    test.shown.length > 0 ? `locations [${test.shown.map(o => `${observed(o, names)};`).join(' ')}]\n` : '',
    test.filter ? `filter (${condition(test.filter)})\n` : '',
    `${test.quantifier === 'not-exists' ? '~exists' : test.quantifier} (${condition(test.condition)})\n`,
  ].join('');
}

/** herd7's own words, beside those of C: none may be a name. */
const RESERVED = new Set(
  `and asm atomic attrs auto bool break case char const continue default do else enum exists extern false fault Fault fence filter final for forall goto
  if inline instr int lock locations long mutex NOP not NULL oa observed PA PTE register restrict return short signed sizeof static struct switch TAG
  true typedef union unlock unsigned void volatile while with`.split(/\s+/),
);

/** What each name is written as: itself, where herd7 reads it so. */
class Names {
  private readonly locations = new Map<string, string>();
  private readonly registers: Map<string, string>[];
  /** What is written already: for the locations, and in each thread. */
  private readonly taken = new Set<string>();
  private readonly takenIn: Set<string>[];

  constructor(test: LitmusTest) {
    for (const { name } of test.locations) this.location(name);
    this.takenIn = test.threads.map(t => new Set([...addresses(t)].map(a => this.location(a))));
    this.registers = test.threads.map(() => new Map());
  }

  location(name: string): string {
    const known = this.locations.get(name) ?? fresh(name, this.taken);
    this.locations.set(name, known);
    return known;
  }

  /** Never a parameter of the thread. */
  register(thread: number, name: string): string {
    const known = this.registers[thread]?.get(name) ?? fresh(name, this.takenIn[thread] ?? new Set());
    this.registers[thread]?.set(name, known);
    return known;
  }

  value(value: LitmusValue): string {
    return typeof value === 'number' ? String(value) : this.location(value);
  }
}

/** A name that herd7 takes and nothing else has; it is taken from then on. */
function fresh(name: string, taken: Set<string>): string {
  const word = name.replace(/\W+/g, '_').replace(/^(?=\d|$)|^_+/, 'v');
  let written = RESERVED.has(word) || PRIMITIVES.has(word) || /^P\d+$/.test(word) ? `${word}_` : word;
  for (let n = 2; taken.has(written); n++) written = `${word}_${n}`;
  taken.add(written);
  return written;
}

/** On one line, and no end of a comment. */
function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/\(\*|\*\)|"/g, "'")
    .trim();
}

/** Types that herd7's init section and parameters take; the bits of a value do not matter to the model. */
function typeOf({ type, initial }: Location): string {
  if (/^(?:struct \w+|int|char|\w+_t)(?: \*+)?$/.test(type)) return type;
  return typeof initial === 'string' ? 'intptr_t' : `int${/ ?\*+$/.exec(type)?.[0] ?? ''}`;
}

function initial(location: Location, names: Names): string {
  const name = names.location(location.name);
  const type = typeOf(location);
  const value = names.value(location.initial);
  if (type === 'atomic_t') return `atomic_t ${name} = ATOMIC_INIT(${value});`;
  if (type === 'spinlock_t' && location.initial === 0) return `spinlock_t ${name};`;
  // Words and stars beyond the first come with the parameter alone.
  if (/ \w|\*\*/.test(type)) return `${name} = ${value};`;
  if (type.endsWith('*')) return `${type}${name}${location.initial === 0 ? '' : ` = ${typeof location.initial === 'string' ? '&' : ''}${value}`};`;
  return `${type} ${name} = ${value};`;
}

function observed(o: Observed, names: Names): string {
  return o.kind === 'register' ? `${o.thread}:${names.register(o.thread, o.name)}` : names.location(o.name);
}

/** A condition in herd7's notation; how its parts are written is the caller's. */
export function conditionText(c: Condition, write: { observed(o: Observed): string; value(v: LitmusValue): string; not: string }): string {
  switch (c.kind) {
    case 'true':
      return 'true';
    case 'not':
      return c.of.kind === 'true' ? 'false' : `${write.not}(${conditionText(c.of, write)})`;
    case 'and':
    case 'or': {
      if (c.of.length === 0) return c.kind === 'and' ? 'true' : 'false';
      const inner = (part: Condition) => {
        const text = conditionText(part, write);
        return (part.kind === 'and' || part.kind === 'or') && part.of.length > 0 ? `(${text})` : text;
      };
      return c.of.map(inner).join(c.kind === 'and' ? ' /\\ ' : ' \\/ ');
    }
    case 'equals': {
      if (typeof c.right !== 'object') return `${write.observed(c.left)}=${write.value(c.right)}`;
      const right = write.observed(c.right);
      return `${write.observed(c.left)}=${c.right.kind === 'location' && !right.startsWith('[') ? `[${right}]` : right}`;
    }
  }
}

/** Writes one thread. */
class Writer {
  private readonly test: LitmusTest;
  private readonly thread: LitmusThread;
  private readonly number: number;
  private readonly names: Names;

  constructor(test: LitmusTest, thread: LitmusThread, number: number, names: Names) {
    this.test = test;
    this.thread = thread;
    this.number = number;
    this.names = names;
  }

  text(): string {
    const used = addresses(this.thread);
    // What no thread names has its type from somewhere, too.
    if (this.number === 0) {
      const named = new Set(this.test.threads.flatMap(t => [...addresses(t)]));
      for (const { name } of this.test.locations) if (!named.has(name)) used.add(name);
    }
    const missing = [...used].filter(a => !this.test.locations.some(l => l.name === a)).map(name => ({ name, type: 'int', initial: 0 }));
    const parameters = [...this.test.locations, ...missing]
      .filter(l => used.has(l.name))
      .map(l => `${typeOf(l)}${typeOf(l).endsWith('*') ? '' : ' '}*${this.names.location(l.name)}`);
    const pointers = dereferenced(this.thread);
    // herd7 wants declarations before statements.
    const declared = [...registersOf(this.thread)].map(r => `\tint ${pointers.has(r) ? '*' : ''}${this.register(r)};\n`);
    const body = this.thread.body.map(s => this.statement(s, 1)).join('');
    return `P${this.number}(${parameters.join(', ')})\n{\n${declared.join('')}${declared.length > 0 && body !== '' ? '\n' : ''}${body}}\n`;
  }

  private register(name: string): string {
    return this.names.register(this.number, name);
  }

  private statement(s: Statement, depth: number): string {
    const tabs = '\t'.repeat(depth);
    const line = (text: string) => `${tabs}${text};\n`;
    switch (s.kind) {
      case 'assign':
        return line(`${this.register(s.register)} = ${this.expression(s.value)}`);
      case 'store':
        if (s.tag === 'release') return line(`smp_store_release(${this.expression(s.at)}, ${this.expression(s.value)})`);
        if (s.tag === 'plain') return line(`${this.memory(s.at)} = ${this.expression(s.value)}`);
        return line(`WRITE_ONCE(${this.memory(s.at)}, ${this.expression(s.value)})`);
      case 'evaluate':
        if (s.value.kind === 'rmw' && s.value.gives === 'none' && s.value.tag === 'noreturn' && s.value.op !== '=')
          return line(`atomic_${OPERATION[s.value.op]}(${this.expression(s.value.operand)}, ${this.expression(s.value.at)})`);
        return line(`(void)${this.part(s.value)}`);
      case 'fence':
        return line(`${Object.entries(FENCES).find(([, kind]) => kind === s.fence)?.[0]}()`);
      case 'lock':
      case 'unlock':
        return line(`spin_${s.kind}(${this.expression(s.at)})`);
      case 'srcu-unlock':
        return line(`srcu_read_unlock(${this.expression(s.at)}, ${this.expression(s.value)})`);
      case 'sync-srcu':
        return line(`synchronize_srcu(${this.expression(s.at)})`);
      case 'if': {
        const block = (body: Statement[]) => `{\n${body.map(inner => this.statement(inner, depth + 1)).join('') || `${tabs}\t;\n`}${tabs}}`;
        return `${tabs}if (${this.expression(s.condition)}) ${block(s.then)}${s.else.length > 0 ? ` else ${block(s.else)}` : ''}\n`;
      }
    }
  }

  /** The memory at an address. */
  private memory(at: Expression): string {
    return at.kind === 'register' || (at.kind === 'value' && typeof at.value === 'string') ? `*${this.expression(at)}` : `*(${this.expression(at)})`;
  }

  /** An operand of something else. */
  private part(e: Expression): string {
    const text = this.expression(e);
    return e.kind === 'binary' || e.kind === 'unary' || (e.kind === 'value' && typeof e.value === 'number' && e.value < 0) ? `(${text})` : text;
  }

  private expression(e: Expression): string {
    switch (e.kind) {
      case 'value':
        return this.names.value(e.value);
      case 'register':
        return this.register(e.name);
      case 'unary':
        if (e.op === '!') return `${this.part(e.of)} == 0`;
        if (e.op === '~') return `${this.part(e.of)} ^ (-1)`;
        return `0 - ${this.part(e.of)}`;
      case 'binary':
        if (e.op === '&&' || e.op === '||') return `${this.truth(e.left)} ${e.op === '&&' ? '&' : '|'} ${this.truth(e.right)}`;
        return `${this.part(e.left)} ${e.op} ${this.part(e.right)}`;
      case 'load':
        if (e.tag === 'acquire') return `smp_load_acquire(${this.expression(e.at)})`;
        return e.tag === 'plain' ? this.memory(e.at) : `READ_ONCE(${this.memory(e.at)})`;
      case 'rmw': {
        const at = this.expression(e.at);
        const operand = this.expression(e.operand);
        const suffix = e.tag === 'noreturn' ? '_relaxed' : SUFFIX[e.tag];
        if (e.op === '=') return `xchg${suffix}(${at}, ${operand})`;
        if (e.gives === 'new' && (e.op === '+' || e.op === '-')) return `atomic_${OPERATION[e.op]}_return${suffix}(${operand}, ${at})`;
        const fetch = `atomic_fetch_${OPERATION[e.op]}${suffix}(${operand}, ${at})`;
        if (e.gives !== 'new') return fetch;
        // The kernel has no form that gives the new value.
        return e.op === '&~' ? `(${fetch} & (${this.part(e.operand)} ^ (-1)))` : `(${fetch} ${e.op} ${this.part(e.operand)})`;
      }
      case 'cmpxchg':
        return `cmpxchg${SUFFIX[e.tag]}(${this.expression(e.at)}, ${this.expression(e.expected)}, ${this.expression(e.desired)})`;
      case 'add-unless':
        return `atomic_add_unless${SUFFIX[e.tag]}(${this.expression(e.at)}, ${this.expression(e.operand)}, ${this.expression(e.unless)})`;
      case 'trylock':
        return `spin_trylock(${this.expression(e.at)})`;
      case 'is-locked':
        return `spin_is_locked(${this.expression(e.at)})`;
      case 'srcu-lock':
        return `srcu_read_lock(${this.expression(e.at)})`;
    }
  }

  /** 1 or 0. */
  private truth(e: Expression): string {
    const isTruth = (e.kind === 'binary' && TRUTHS.has(e.op)) || (e.kind === 'unary' && e.op === '!');
    return isTruth ? this.part(e) : `(${this.part(e)} != 0)`;
  }
}

const TRUTHS: ReadonlySet<BinaryOp> = new Set(['==', '!=', '<', '<=', '>', '>=', '&&', '||']);
