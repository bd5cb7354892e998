import { parseBody, type ThreadBody, TYPE_QUALIFIER } from './bodies.ts';
import type { Condition, LitmusTest, LitmusValue, Location, Observed, SyntaxProblem } from './litmus.ts';
import { afterComments, Cursor, Fault } from './tokens.ts';

/**
 * A litmus test from herd7's text of it, in its C for the Linux kernel (`C name`; primitives as in tools/memory-model/linux-kernel.def).
 * Problems name the first place that does not fit, and every unknown function before it; the value is null then. Never throws.
 */
export function parseLitmus(text: string): { value: LitmusTest | null; problems: SyntaxProblem[] } {
  const cursor = new Cursor(text);
  let value: LitmusTest | null = null;
  try {
    value = new Test(cursor).parse();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    cursor.complain(error.at, error.message);
  }
  return { value: cursor.problems.length === 0 ? value : null, problems: cursor.problems };
}

/** `0:` or `P0:` before a register. */
const THREAD = /^P?(\d{1,4})$/;

/** What is known of a location so far; the type may come with a parameter. */
interface Known {
  type: string | null;
  initial: LitmusValue;
  /** By an entry of its own in the init section. */
  set: boolean;
}

/** The parts of one text as they are read. */
class Test {
  private readonly cursor: Cursor;
  private readonly locations = new Map<string, Known>();
  private readonly registers: LitmusTest['registers'] = [];
  private readonly bodies: ThreadBody[] = [];
  /** Threads that something names, to be there in the end. */
  private readonly named: { thread: number; at: number }[] = [];

  constructor(cursor: Cursor) {
    this.cursor = cursor;
  }

  parse(): LitmusTest {
    const { cursor } = this;
    const name = this.head();
    this.information();
    this.init();
    while (/^P\d+$/.test(cursor.peek().text)) this.thread();
    if (this.bodies.length === 0) throw cursor.expected('`P0(`');
    const shown: Observed[] = [];
    let filter: Condition | null = null;
    let final: Pick<LitmusTest, 'quantifier' | 'condition'> | null = null;
    while (final === null) {
      if (cursor.accept('locations')) shown.push(...this.shown());
      else if (cursor.accept('filter')) filter = this.either();
      else final = this.final();
    }
    cursor.accept(';');
    if (cursor.peek().kind !== 'end') throw cursor.expected('the end of the test');
    for (const { thread, at } of this.named) if (thread >= this.bodies.length) cursor.complain(at, `there is no thread P${thread}`);
    for (const [n, body] of this.bodies.entries())
      for (const [register, at] of body.unset)
        if (this.locations.has(register) && !this.registers.some(r => r.thread === n && r.name === register))
          cursor.complain(at, `${register} is no parameter of P${n}`);
    return {
      name,
      locations: [...this.locations].map(([at, known]): Location => ({ name: at, type: known.type ?? 'int', initial: known.initial })),
      registers: this.registers,
      threads: this.bodies.map(b => ({ body: b.statements })),
      shown,
      filter,
      ...final,
    };
  }

  /** `C name`, to the end of the line. */
  private head(): string {
    const { text } = this.cursor;
    const from = afterComments(text);
    const head = /C[ \t]+([^\n]*)/y;
    head.lastIndex = from;
    const name = head.exec(text)?.[1]?.trim();
    if (!name) throw new Fault(from, 'expected `C` and the name of the test');
    this.cursor.start(head.lastIndex);
    return name;
  }

  /** Lines of `key=value` and other words before the init section mean nothing here, as to herd7. */
  private information(): void {
    const { cursor } = this;
    while (!cursor.is('{')) {
      if (cursor.peek().kind === 'end' || (/^P\d+$/.test(cursor.peek().text) && cursor.is('(', 1))) throw cursor.expected('`{` of the init section');
      cursor.next();
    }
  }

  private init(): void {
    const { cursor } = this;
    cursor.expect('{');
    while (!cursor.is('}')) {
      if (cursor.accept(';')) continue;
      this.initial();
      if (!cursor.is('}')) cursor.expect(';');
    }
    cursor.expect('}');
  }

  /** One entry of the init section: a type or none, a location or register, a value or none. */
  private initial(): void {
    const { cursor } = this;
    const words: string[] = [];
    while (cursor.peek().kind === 'name' && !cursor.is(':', 1) && this.goesOn()) words.push(cursor.next().text);
    let stars = 0;
    while (cursor.accept('*')) stars++;
    const { at } = cursor.peek();
    const observed = this.observed('a location');
    if (cursor.is('[')) throw new Fault(cursor.peek().at, 'arrays are not supported');
    if (observed.kind === 'location') this.location(observed.name, typeName(words, stars));
    const value = cursor.accept('=') ? this.initialValue() : 0;
    if (observed.kind === 'register') {
      this.registers.push({ thread: observed.thread, name: observed.name, value });
      return;
    }
    const known = this.locations.get(observed.name);
    if (known?.set) cursor.complain(at, `${observed.name} is set twice`);
    this.locations.set(observed.name, { type: known?.type ?? null, initial: value, set: true });
  }

  /** Is the next name one of a type, as another name, a star or a location in brackets follows? */
  private goesOn(): boolean {
    const after = this.cursor.peek(1);
    return after.kind === 'name' || after.text === '*' || after.kind === 'number' || (after.text === '[' && this.cursor.peek(2).kind === 'name');
  }

  private initialValue(): LitmusValue {
    const { cursor } = this;
    if (cursor.is('{') && cursor.is('}', 1)) {
      cursor.next();
      cursor.next();
      return 0;
    }
    if (cursor.is('{')) throw new Fault(cursor.peek().at, 'arrays are not supported');
    const wrapped = (/^ATOMIC\w*_INIT$/.test(cursor.peek().text) && cursor.next()) || cursor.is('(');
    if (!wrapped) return this.value();
    cursor.expect('(');
    const value = this.value();
    cursor.expect(')');
    return value;
  }

  /** An integer or an address; the latter is a location from then on. */
  private value(): LitmusValue {
    const { cursor } = this;
    const address = cursor.accept('&');
    if (cursor.peek().kind !== 'name') {
      if (address) throw cursor.expected('a location');
      return cursor.integer('a value');
    }
    const { text } = cursor.next();
    if (text === 'NULL') return 0;
    this.location(text);
    return text;
  }

  private location(name: string, type: string | null = null): void {
    const known = this.locations.get(name);
    if (known) known.type ??= type;
    else this.locations.set(name, { type, initial: 0, set: false });
  }

  private thread(): void {
    const { cursor } = this;
    const number = this.bodies.length;
    cursor.expect(`P${number}`);
    cursor.expect('(');
    const parameters = new Set<string>();
    if (cursor.is('void') && cursor.is(')', 1)) cursor.next();
    while (!cursor.is(')')) {
      const words: string[] = [];
      let stars = 0;
      let { at } = cursor.peek();
      while (cursor.peek().kind === 'name' || cursor.is('*')) {
        if (cursor.accept('*')) stars++;
        else {
          at = cursor.peek().at;
          words.push(cursor.next().text);
        }
      }
      const name = words.pop();
      if (name === undefined || words.length === 0) throw cursor.expected('a parameter, as in `int *x`');
      if (stars === 0) cursor.complain(at, `the parameter ${name} is no pointer`);
      if (parameters.has(name)) cursor.complain(at, `P${number} has two parameters called ${name}`);
      // One that the init section sets is a register of the thread, as tests made by diy have them.
      if (!this.registers.some(r => r.thread === number && r.name === name)) {
        parameters.add(name);
        this.location(name, typeName(words, stars - 1));
      }
      if (!cursor.accept(',') && !cursor.is(')')) throw cursor.expected('`,` or `)`');
    }
    cursor.expect(')');
    this.bodies.push(parseBody(cursor, parameters));
  }

  /** A register with its thread, or a location. */
  private observed(what: string): Observed {
    const { cursor } = this;
    const { text, at } = cursor.peek();
    const thread = THREAD.exec(text)?.[1];
    if (thread !== undefined && cursor.is(':', 1)) {
      cursor.next();
      cursor.next();
      this.named.push({ thread: Number(thread), at });
      return { kind: 'register', thread: Number(thread), name: cursor.name('a register').text };
    }
    const bracket = cursor.accept('[');
    const { text: name } = cursor.name(bracket ? 'a location' : what);
    if (bracket) cursor.expect(']');
    return { kind: 'location', name };
  }

  /** An observed thing of a condition; a location that nothing named before is one from now on. */
  private observedAtEnd(): Observed {
    const observed = this.observed('a register, as in `0:r1`, or a location');
    if (observed.kind === 'location') this.location(observed.name);
    return observed;
  }

  private shown(): Observed[] {
    const { cursor } = this;
    const shown: Observed[] = [];
    cursor.expect('[');
    while (!cursor.accept(']')) {
      cursor.accept('*');
      shown.push(this.observedAtEnd());
      // herd7 lets a type stand here.
      while (cursor.peek().kind === 'name' || cursor.is('*')) cursor.next();
      if (!cursor.accept(';') && !cursor.is(']')) throw cursor.expected('`;` or `]`');
    }
    return shown;
  }

  private final(): Pick<LitmusTest, 'quantifier' | 'condition'> {
    const { cursor } = this;
    if (cursor.accept('exists') || cursor.accept('final')) return { quantifier: 'exists', condition: this.either() };
    if (cursor.accept('forall')) return { quantifier: 'forall', condition: this.either() };
    if ((cursor.is('~') || cursor.is('not')) && cursor.is('exists', 1)) {
      cursor.next();
      cursor.next();
      return { quantifier: 'not-exists', condition: this.either() };
    }
    if (cursor.is('(')) return { quantifier: 'exists', condition: this.either() };
    if (cursor.peek().kind !== 'end') throw cursor.expected('`exists`, `~exists`, `forall`, `locations` or `filter`');
    return { quantifier: 'forall', condition: { kind: 'true' } };
  }

  private either(): Condition {
    return this.list('or', '\\/', () => this.list('and', '/\\', () => this.implied()));
  }

  private list(kind: 'and' | 'or', sign: string, part: () => Condition): Condition {
    const first = part();
    const of = [first];
    while (this.cursor.accept(sign)) of.push(part());
    return of.length === 1 ? first : { kind, of };
  }

  /** `a => b`, which binds closest. */
  private implied(): Condition {
    const left = this.prefixed();
    if (!this.cursor.accept('=>')) return left;
    return { kind: 'or', of: [{ kind: 'not', of: left }, this.cursor.nested(() => this.implied())] };
  }

  private prefixed(): Condition {
    const { cursor } = this;
    if (cursor.accept('~') || cursor.accept('not')) return { kind: 'not', of: cursor.nested(() => this.prefixed()) };
    if (cursor.accept('true')) return { kind: 'true' };
    if (cursor.accept('false')) return { kind: 'not', of: { kind: 'true' } };
    if (cursor.accept('(')) {
      const inner = cursor.nested(() => this.either());
      cursor.expect(')');
      return inner;
    }
    return this.equation();
  }

  private equation(): Condition {
    const { cursor } = this;
    const left = this.observedAtEnd();
    const differs = cursor.accept('!=');
    if (!differs && !cursor.accept('=') && !cursor.accept('==')) throw cursor.expected('`=`');
    const register = THREAD.test(cursor.peek().text) && cursor.is(':', 1);
    const right = register || cursor.is('[') ? this.observedAtEnd() : this.value();
    const equals: Condition = { kind: 'equals', left, right };
    return differs ? { kind: 'not', of: equals } : equals;
  }
}

/** As C writes it, without qualifiers; null where there is none. */
function typeName(words: string[], stars: number): string | null {
  const kept = words.filter(word => !TYPE_QUALIFIER.test(word));
  if (kept.length === 0) return stars > 0 ? `int ${'*'.repeat(stars)}` : null;
  return stars > 0 ? `${kept.join(' ')} ${'*'.repeat(stars)}` : kept.join(' ');
}
