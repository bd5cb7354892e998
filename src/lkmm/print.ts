/** A program in herd7's litmus language, for tools/memory-model. */
import type { Instruction, Program, Value } from './program.ts';

/** The text of a litmus test; `condition` stands in its `exists` clause. Symbols are numbered, since the language knows only integers. */
export function litmus(program: Program, condition: string): string {
  const symbols = new Map<string, number>();
  const number = (value: Value): number => {
    if (typeof value === 'number') return value;
    const known = symbols.get(value);
    if (known !== undefined) return known;
    symbols.set(value, 100 + symbols.size);
    return 100 + symbols.size - 1;
  };
  const name = (cell: number) => program.cells[cell]?.name ?? `x${cell}`;
  const line = (i: Instruction): string[] => {
    const { when, ...plain } = i;
    if (when) return [`if (${when.register} ${when.zero ? '==' : '!='} 0) {`, ...line(plain).map(l => `\t${l}`), '}'];
    switch (i.op) {
      case 'load':
        return [
          `${i.into} = ${i.order === 'acquire' ? `smp_load_acquire(${name(i.cell)})` : i.order === 'plain' ? `*${name(i.cell)}` : `READ_ONCE(*${name(i.cell)})`};`,
        ];
      case 'store':
        if (i.order === 'release') return [`smp_store_release(${name(i.cell)}, ${number(i.value)});`];
        return [i.order === 'plain' ? `*${name(i.cell)} = ${number(i.value)};` : `WRITE_ONCE(*${name(i.cell)}, ${number(i.value)});`];
      case 'rmw': {
        const suffix = i.order === 'full' ? '' : i.order === 'plain' ? '_relaxed' : `_${i.order}`;
        if (i.update.kind === 'put') return [`${i.into} = xchg${suffix}(${name(i.cell)}, ${number(i.update.value)});`];
        if (i.update.kind === 'add') return [`${i.into} = atomic_fetch_add${suffix}(${i.update.value}, ${name(i.cell)});`];
        return [`${i.into} = atomic_fetch_xor${suffix}(1, ${name(i.cell)});`];
      }
      case 'fence':
        return [`${i.order === 'full' ? 'smp_mb' : `smp_${i.order}`}();`];
      case 'lock':
        return [`spin_lock(${program.locks[i.lock] ?? 'lock'});`];
      case 'unlock':
        return [`spin_unlock(${program.locks[i.lock] ?? 'lock'});`];
      case 'together':
        return ['/* one access to one word: */', ...i.parts.flatMap(line)];
    }
  };
  const initial = program.cells.map(c => `${c.name}=${number(c.initial)};`).join(' ');
  const threads = program.threads.map((thread, p) => {
    const parameters = [...program.cells.map(c => `int *${c.name}`), ...program.locks.map(l => `spinlock_t *${l}`)];
    const registers = [...new Set(thread.body.flatMap(registersOf))];
    const body = [...registers.map(r => `int ${r};`), ...(registers.length > 0 ? [''] : []), ...thread.body.flatMap(line)];
    return `P${p}(${parameters.join(', ')}) /* ${thread.name} */\n{\n${body.map(l => (l === '' ? '' : `\t${l}`)).join('\n')}\n}\n`;
  });
  return `C ${program.name}\n\n{ ${initial} }\n\n${threads.join('\n')}\nexists (${condition})\n`;
}

function registersOf(i: Instruction): string[] {
  if (i.op === 'together') return i.parts.flatMap(registersOf);
  return i.op === 'load' || i.op === 'rmw' ? [i.into] : [];
}
