/** Calls of the file's own functions through a table of pointers to them. */
import { type Edit, edited } from './edit.ts';
import { added, type Example, type Kind } from './kind.ts';
import { callOf, child, type Definition, freshName, type Node, type Source, textOf, within } from './source.ts';

/** Calls by name of static functions that the file defines, of another than itself, with where the name stands. */
function callsOf(source: Source): { callee: Definition; name: Node }[] {
  return source.functions.flatMap(fn =>
    within(fn.body).flatMap(node => {
      const call = callOf(source, node);
      const callee = call && source.functions.find(f => f.name === call.api && f !== fn && f.isStatic && parametersOf(f));
      const name = child(node, 'function');
      return callee && name ? [{ callee, name }] : [];
    }),
  );
}

function parametersOf(fn: Definition): Node | undefined {
  return within(fn.node).find(n => n.type === 'parameter_list' && n.end <= fn.body.start);
}

function plain(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** What stands before the first function: the functions announced, the type of the table, and the table. */
function tableOf(source: Source, table: string, callees: readonly Definition[]): string {
  const heads = callees.map(fn => `${plain(source.text.slice(fn.node.start, fn.body.start))};\n`);
  const members = callees.map(fn => {
    const list = parametersOf(fn);
    const type = fn.returns.endsWith('*') ? fn.returns : `${fn.returns} `;
    return `\t${type}(*${fn.name})${list ? plain(textOf(source, list)) : '(void)'};\n`;
  });
  const values = callees.map(fn => `\t.${fn.name} = ${fn.name},\n`);
  return `${heads.join('')}struct ${table} {\n${members.join('')}};\nstatic const struct ${table} ${table} = {\n${values.join('')}};\n\n`;
}

const concerns = ({ source, path }: Example) => source !== null && !path.endsWith('.h') && callsOf(source).length > 0;

export const opsTable: Kind = {
  name: 'ops table',
  title: 'functions called through a table of pointers',
  reason: {
    silent: 'a function that a table of pointers names is not known by its calls',
    alarm: 'a false alarm: a function that a table of pointers names is not known by its calls',
  },
  floor: { transformed: 95, agree: 98 },
  concerns,
  transform(example) {
    const { source } = example;
    const first = source?.functions[0];
    if (!source || !first) return null;
    const calls = callsOf(source);
    const table = freshName(source.text, 'calls');
    const callees = source.functions.filter(fn => calls.some(c => c.callee === fn));
    const edits = calls.map(({ name }): Edit => ({ start: name.start, end: name.start, text: `${table}.` }));
    return added(example, {
      [example.path]: edited(source.text, [{ start: first.start, end: first.start, text: tableOf(source, table, callees) }, ...edits]),
    });
  },
};
