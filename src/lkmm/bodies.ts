import type { BinaryOp, Expression, LitmusValue, Statement } from './litmus.ts';
import { type Passing, PRIMITIVES, type Primitive } from './primitives.ts';
import { type Cursor, Fault } from './tokens.ts';

/** What stands between the braces of a thread. */
export interface ThreadBody {
  statements: Statement[];
  /** Names that are used, but neither parameters nor set or declared here; with the place of the first use. */
  unset: Map<string, number>;
}

/** Reads the body of a thread whose parameters, the addresses of locations, have these names. */
export function parseBody(cursor: Cursor, parameters: ReadonlySet<string>): ThreadBody {
  const reader = new BodyReader(cursor, parameters);
  const statements = reader.block();
  for (const name of reader.set) reader.used.delete(name);
  return { statements, unset: reader.used };
}

/** Words of a type that do not change what it is here. */
export const TYPE_QUALIFIER = /^(?:const|volatile|register|static|__rcu)$/;

const TYPE = /^(?:void|char|short|int|long|unsigned|signed|bool|_Bool|[us](?:8|16|32|64)|\w+_t)$/;
const NOT_SUPPORTED = /^(?:while|do|for|switch|case|default|goto|return|break|continue|asm|typedef|sizeof)$/;

/** Longer chains of operators are refused: each makes the expression one level deeper. */
const MOST_OPERATORS = 200;

const BINDS: Readonly<Record<BinaryOp, number>> = {
  '||': 1,
  '&&': 2,
  '|': 3,
  '^': 4,
  '&': 5,
  '==': 6,
  '!=': 6,
  '<': 7,
  '<=': 7,
  '>': 7,
  '>=': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '%': 10,
};

const isBinary = (text: string): text is BinaryOp => Object.hasOwn(BINDS, text);
const value = (v: LitmusValue): Expression => ({ kind: 'value', value: v });

/** The statements and expressions of one thread. */
class BodyReader {
  readonly used = new Map<string, number>();
  readonly set = new Set<string>();
  private readonly cursor: Cursor;
  private readonly parameters: ReadonlySet<string>;

  constructor(cursor: Cursor, parameters: ReadonlySet<string>) {
    this.cursor = cursor;
    this.parameters = parameters;
  }

  block(): Statement[] {
    const { cursor } = this;
    cursor.expect('{');
    const statements: Statement[] = [];
    while (!cursor.is('}')) {
      if (cursor.peek().kind === 'end') throw cursor.expected('`}`');
      statements.push(...this.statement());
    }
    cursor.expect('}');
    return statements;
  }

  private statement(): Statement[] {
    const { cursor } = this;
    const token = cursor.peek();
    if (cursor.accept(';')) return [];
    if (cursor.is('{')) return cursor.nested(() => this.block());
    if (token.kind === 'name') {
      if (NOT_SUPPORTED.test(token.text)) throw new Fault(token.at, `\`${token.text}\` is not supported`);
      if (token.text === 'if') return cursor.nested(() => this.branch());
      if (cursor.peek(1).kind === 'name' || cursor.is('*', 1)) return this.declaration();
      const primitive = PRIMITIVES.get(token.text);
      if (primitive?.does && cursor.is('(', 1)) {
        cursor.next();
        const done = primitive.does(...this.arguments(token.text, primitive));
        cursor.expect(';');
        return done;
      }
    }
    const left = this.expression();
    const { at } = cursor.peek();
    if (!cursor.accept('=')) {
      cursor.expect(';');
      return left.kind === 'value' || left.kind === 'register' ? [] : [{ kind: 'evaluate', value: left }];
    }
    const right = this.expression();
    cursor.expect(';');
    if (left.kind === 'load' && left.tag === 'plain') return [{ kind: 'store', tag: 'plain', at: left.at, value: right }];
    if (left.kind === 'register') {
      this.set.add(left.name);
      return [{ kind: 'assign', register: left.name, value: right }];
    }
    if (left.kind === 'value' && typeof left.value === 'string')
      cursor.complain(token.at, `${left.value} is a parameter and cannot be assigned; memory is written as *${left.value}`);
    else cursor.complain(at, 'only a register or memory can be assigned');
    return [];
  }

  private branch(): Statement[] {
    const { cursor } = this;
    cursor.expect('if');
    cursor.expect('(');
    const condition = this.expression();
    cursor.expect(')');
    const then = this.statement();
    return [{ kind: 'if', condition, then, else: cursor.accept('else') ? this.statement() : [] }];
  }

  private declaration(): Statement[] {
    const { cursor } = this;
    const statements: Statement[] = [];
    while (cursor.peek().kind === 'name' && (cursor.peek(1).kind === 'name' || cursor.is('*', 1))) cursor.next();
    do {
      while (cursor.is('*') || TYPE_QUALIFIER.test(cursor.peek().text)) cursor.next();
      const { text: register, at } = cursor.name('a name');
      if (this.parameters.has(register)) cursor.complain(at, `${register} is a parameter already`);
      if (cursor.is('[')) throw new Fault(cursor.peek().at, 'arrays are not supported');
      this.set.add(register);
      if (cursor.accept('=')) statements.push({ kind: 'assign', register, value: this.expression() });
    } while (cursor.accept(','));
    cursor.expect(';');
    return statements;
  }

  /** Operators that bind at least as close as `least`, from left to right. */
  private expression(least = 1): Expression {
    const { cursor } = this;
    let left = this.operand();
    for (let n = 0; ; n++) {
      const { text: op, at } = cursor.peek();
      if (!isBinary(op) || BINDS[op] < least) return left;
      if (n >= MOST_OPERATORS) throw new Fault(at, `an expression has at most ${MOST_OPERATORS} operators in a row`);
      cursor.next();
      left = { kind: 'binary', op, left, right: cursor.nested(() => this.expression(BINDS[op] + 1)) };
    }
  }

  private operand(): Expression {
    return this.cursor.nested(() => this.prefixed());
  }

  private prefixed(): Expression {
    const { cursor } = this;
    const token = cursor.peek();
    if (cursor.accept('*')) return { kind: 'load', tag: 'plain', at: this.operand() };
    if (cursor.accept('-')) {
      const of = this.operand();
      return of.kind === 'value' && typeof of.value === 'number' ? value(of.value === 0 ? 0 : -of.value) : { kind: 'unary', op: '-', of };
    }
    if (cursor.accept('+')) return this.operand();
    if (cursor.accept('!')) return { kind: 'unary', op: '!', of: this.operand() };
    if (cursor.accept('~')) return { kind: 'unary', op: '~', of: this.operand() };
    if (cursor.is('(')) {
      if (this.cast()) return this.operand();
      cursor.next();
      const inner = this.expression();
      cursor.expect(')');
      return inner;
    }
    if (token.kind === 'number') return value(cursor.integer('a number'));
    if (token.kind !== 'name') throw cursor.expected('an expression');
    if (NOT_SUPPORTED.test(token.text)) throw new Fault(token.at, `\`${token.text}\` is not supported`);
    cursor.next();
    if (cursor.is('(')) return this.call(token.text, token.at);
    if (this.parameters.has(token.text)) return value(token.text);
    if (token.text === 'NULL') return value(0);
    if (!this.used.has(token.text)) this.used.set(token.text, token.at);
    return { kind: 'register', name: token.text };
  }

  /** Skips a type in parentheses; types mean nothing here. */
  private cast(): boolean {
    const { cursor } = this;
    let n = 1;
    while (cursor.peek(n).kind === 'name') n++;
    const names = n - 1;
    while (cursor.is('*', n) || TYPE_QUALIFIER.test(cursor.peek(n).text)) n++;
    const typed = names > 1 || n - 1 > names || TYPE.test(cursor.peek(1).text);
    if (names === 0 || !cursor.is(')', n) || !typed) return false;
    for (let i = 0; i <= n; i++) cursor.next();
    return true;
  }

  private call(name: string, at: number): Expression {
    const primitive = PRIMITIVES.get(name);
    if (primitive) {
      const args = this.arguments(name, primitive);
      if (primitive.gives) return primitive.gives(...args);
      this.cursor.complain(at, `${name}() gives no value`);
      return value(0);
    }
    this.cursor.complain(at, `unknown function ${name}()`);
    this.listed();
    return value(0);
  }

  /** The arguments of a call, as many as the primitive takes. */
  private arguments(name: string, { parameters }: Primitive): Expression[] {
    const { at } = this.cursor.peek();
    const given = this.listed();
    if (given.length !== parameters.length)
      throw new Fault(at, `${name}() takes ${parameters.length} argument${parameters.length === 1 ? '' : 's'}, not ${given.length}`);
    return given.map((argument, n) => this.handed(name, argument, parameters[n] ?? 'value'));
  }

  private listed(): { value: Expression; at: number }[] {
    const { cursor } = this;
    const given: { value: Expression; at: number }[] = [];
    cursor.expect('(');
    while (!cursor.is(')')) {
      if (given.length > 0) cursor.expect(',');
      const { at } = cursor.peek();
      given.push({ value: this.expression(), at });
    }
    cursor.expect(')');
    return given;
  }

  private handed(name: string, argument: { value: Expression; at: number }, parameter: Passing): Expression {
    const { value: given, at } = argument;
    if (parameter !== 'memory') return given;
    if (given.kind === 'load' && given.tag === 'plain') return given.at;
    if (given.kind !== 'value' || typeof given.value !== 'string') this.cursor.complain(at, `${name}() takes memory, as in \`*x\``);
    return given;
  }
}
