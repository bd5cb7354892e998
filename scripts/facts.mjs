// Makes src/facts/tables.ts of rules/facts/*.yaml. rules/facts/README.md tells how the YAML is written.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { root } from './prepare.mjs';

const folder = 'rules/facts';
const target = 'src/facts/tables.ts';

/** The text of src/facts/tables.ts. Throws an error with one `file:line: message` a line when the YAML is wrong. */
export function factsTable() {
  const files = readdirSync(join(root, folder))
    .filter(name => name.endsWith('.yaml'))
    .sort()
    .map(name => ({ name: `${folder}/${name}`, text: readFileSync(join(root, folder, name), 'utf8') }));
  return printTable(readFacts(files));
}

/** Reads `{ name, text }[]` and gives the facts, ordered by name. Throws as factsTable() does. */
export function readFacts(files) {
  const problems = [];
  const rows = files.flatMap(file => readFile(file, problems));
  const byName = new Map();
  for (const row of rows) {
    const first = byName.get(row.api);
    if (first) problems.push(`${row.at}: ${row.api} is said twice, first at ${first.at}`);
    else byName.set(row.api, row);
  }
  const facts = rows.map(row => fact(row, byName, problems));
  if (problems.length) throw new Error(problems.join('\n'));
  return facts.sort((a, b) => (a.api < b.api ? -1 : 1));
}

/** The literals of a union type in src/model/fact.ts, so that the type stays the only list. */
const literals = (() => {
  const text = readFileSync(join(root, 'src/model/fact.ts'), 'utf8');
  const types = new Map([...text.matchAll(/export type (\w+) =([^;]+);/g)].map(([, name, body]) => [name, body]));
  return name => [...types.get(name).matchAll(/'([^']+)'/g)].map(([, word]) => word);
})();

const oneOf = (words, nullable = false) => ({
  wants: `one of ${words.join(', ')}`,
  accepts: value => words.includes(value) || (nullable && value === null),
});
const argument = {
  wants: 'an argument position from 0 to 9, or null',
  accepts: value => value === null || (Number.isInteger(value) && value >= 0 && value <= 9),
};
const flag = { wants: 'true or false', accepts: value => value === true || value === false };
const text = { wants: 'a text', accepts: value => typeof value === 'string' && value.trim() !== '' && !/[`\\$\n]/.test(value) };

/** What may be said of a function. `note` stays in the YAML. */
const fields = {
  kind: oneOf(literals('EventKind')),
  cell: argument,
  by: oneOf(['pointer', 'lvalue']),
  bit: argument,
  operation: oneOf(literals('Operation'), true),
  operand: argument,
  result: oneOf(literals('Result')),
  atomic: flag,
  ordering: oneOf(literals('Ordering')),
  onFailure: oneOf(literals('Ordering'), true),
  lock: { wants: 'the name of a lock family', accepts: value => typeof value === 'string' && /^[a-z][a-z-]*$/.test(value) },
  shared: flag,
  conditional: flag,
  global: flag,
  context: {
    wants: 'words such as +irqs-off',
    accepts: value => typeof value === 'string' && value.split(' ').every(word => /^[+-][a-z]+(-[a-z]+)*$/.test(word)),
  },
  sleeps: oneOf(['no', 'yes', 'maybe']),
  ownLock: flag,
  source: text,
  note: { wants: 'a text', accepts: value => typeof value === 'string' && value.trim() !== '' },
};

/** What goes without saying. An access or a fence must say its ordering. */
const unsaid = {
  cell: null,
  by: 'pointer',
  bit: null,
  operation: null,
  operand: null,
  result: 'none',
  atomic: true,
  ordering: 'none',
  onFailure: null,
  sleeps: 'no',
};
const unsaidOfKind = {
  read: { operation: 'load', result: 'value' },
  write: { operation: 'store' },
  publish: { operation: 'store', ordering: 'release' },
  lock: { ordering: 'acquire' },
  unlock: { ordering: 'release' },
};
const ordered = ['read', 'write', 'rmw', 'fence'];

/** The rows of one file: `{ api, at, like, said }`, names expanded, defaults, shapes and parts merged in. */
function readFile({ name: file, text: source }, problems) {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: false });
  const at = node => `${file}:${node?.range ? lines.linePos(node.range[0]).line : 1}`;
  const wrong = (node, message) => problems.push(`${at(node)}: ${message}`);
  const [broken] = document.errors; // What follows the first error of the syntax is mostly its echo.
  if (broken) {
    problems.push(`${file}:${lines.linePos(broken.pos[0]).line}: ${broken.message.split(/ at line|\n/)[0]}`);
    return [];
  }

  /** The pairs of a map, each key among `allowed` when that is given. */
  const pairs = (node, allowed) => {
    if (node === null || (isScalar(node) && node.value === null)) return [];
    if (!isMap(node)) {
      wrong(node, 'a map is wanted here');
      return [];
    }
    const seen = new Set();
    return node.items.flatMap(({ key, value }) => {
      if (seen.has(key.value)) wrong(key, `${key.value} is said twice here`);
      seen.add(key.value);
      if (!allowed || allowed.includes(key.value)) return [{ name: String(key.value), key, value }];
      wrong(key, `unknown key ${key.value}, known are ${allowed.join(', ')}`);
      return [];
    });
  };
  const attributes = (found, also = []) => {
    const said = {};
    for (const { name, key, value } of found) {
      if (also.includes(name)) continue;
      const given = isScalar(value) ? value.value : value;
      if (fields[name].accepts(given)) said[name] = given;
      else wrong(key, `${name}: ${isScalar(value) ? JSON.stringify(given) : 'this'} is not ${fields[name].wants}`);
    }
    return said;
  };
  const known = Object.keys(fields);
  const top = Object.fromEntries(pairs(document.contents, ['defaults', 'shapes', 'parts', 'groups']).map(pair => [pair.name, pair.value]));
  const defaults = attributes(pairs(top.defaults ?? null, known));
  const shapes = new Map(pairs(top.shapes ?? null).map(({ name, value }) => [name, attributes(pairs(value, known))]));
  const parts = new Map(pairs(top.parts ?? null).map(({ name, value }) => [name, part(value)]));

  /** A part of names: a list of words, or words with what each says. */
  function part(node) {
    if (isSeq(node)) return node.items.map(item => ({ word: String(item.value), said: {} }));
    return pairs(node).map(({ name, value }) => ({ word: name, said: attributes(pairs(value, known)) }));
  }
  /** All names of a template: `{a|b}` are words, `{part}` is a part of the file. */
  const expand = (template, node) => {
    const hole = /\{([^{}]*)\}/.exec(template);
    if (!hole) return [{ api: template, said: {} }];
    const choices = hole[1].includes('|') ? hole[1].split('|').map(word => ({ word, said: {} })) : parts.get(hole[1]);
    if (!choices) {
      wrong(node, `no part is named ${hole[1]}`);
      return [];
    }
    const rest = expand(template.slice(hole.index + hole[0].length), node);
    return choices.flatMap(({ word, said }) =>
      rest.map(more => ({ api: template.slice(0, hole.index) + word + more.api, said: { ...said, ...more.said } })),
    );
  };
  const shape = (name, node) => {
    if (name === undefined) return {};
    if (!shapes.has(name)) wrong(node, `no shape is named ${name}`);
    return shapes.get(name) ?? {};
  };

  const rows = [];
  for (const group of isSeq(top.groups) ? top.groups.items : []) {
    const said = pairs(group, [...known, 'rows']);
    const common = { ...defaults, ...attributes(said, ['rows']) };
    for (const { name, key, value } of pairs(said.find(pair => pair.name === 'rows')?.value ?? null)) {
      const short = isScalar(value) && typeof value.value === 'string';
      const own = short ? [] : pairs(value, [...known, 'as', 'like', 'except']);
      const extra = Object.fromEntries(
        own.filter(pair => ['as', 'like', 'except'].includes(pair.name)).map(pair => [pair.name, pair.value.toJSON()]),
      );
      const named = shape(short ? value.value : extra.as, key);
      const row = attributes(own, ['as', 'like', 'except']);
      const except = new Set(extra.except ?? []);
      for (const { api, said: ofParts } of expand(name, key)) {
        if (except.delete(api)) continue;
        if (!/^(\w+|guard\(\w+\))$/.test(api)) wrong(key, `${api} is not a name`);
        rows.push({ api, at: at(key), like: extra.like, own: row, said: { ...common, ...named, ...ofParts, ...row } });
      }
      for (const left of except) wrong(key, `${left} is excepted and not among the names`);
    }
  }
  return rows;
}

/** A row as a Fact. `like` takes what the row does not say itself from another function, but for its source. */
function fact(row, byName, problems) {
  const wrong = message => problems.push(`${row.at}: ${row.api}: ${message}`);
  const model = row.like === undefined ? undefined : byName.get(row.like);
  if (row.like !== undefined && (!model || model.like !== undefined)) wrong(`is like ${row.like}, which is not a fact of its own`);
  const said = { ...model?.said, ...row.said };
  if (said.kind === undefined) wrong('kind is missing');
  if (said.source === undefined) wrong('source is missing');
  if (ordered.includes(said.kind) && said.ordering === undefined) wrong('ordering is missing');
  const locks = said.kind === 'lock' || said.kind === 'unlock';
  if (locks && said.lock === undefined) wrong('lock is missing: which family?');
  if (!locks && row.own.lock !== undefined) wrong(`lock is said of a ${said.kind}`); // That of its group is for the locks of the group.
  const conditional = said.conditional ?? false;
  const full = { ...unsaid, ...unsaidOfKind[said.kind], ...(conditional ? { result: 'success', onFailure: 'none' } : {}), ...said };
  return {
    api: row.api,
    kind: full.kind,
    cell: full.cell,
    by: full.by,
    bit: full.bit,
    operation: full.operation,
    operand: full.operand,
    result: full.result,
    atomic: full.atomic,
    ordering: full.ordering,
    orderingOnFailure: full.onFailure,
    lock: locks ? { family: full.lock, shared: full.shared ?? false, conditional, global: full.global ?? false } : null,
    context: full.context ? full.context.split(' ') : [],
    sleeps: full.sleeps,
    ...(full.ownLock ? { ownLock: true } : {}),
    source: full.source,
  };
}

/** Names stand apart from what is said of them: most functions share it with others, and only what a review asks for is decoded. */
function printTable(facts) {
  const pool = new Map();
  const sources = new Map();
  const index = (all, value) => all.get(value) ?? all.set(value, all.size).get(value);
  const names = facts.map(fact => {
    const { kind, cell, by, bit, operation, operand, result, atomic, ordering, orderingOnFailure, lock, context, sleeps, ownLock } = fact;
    const locked = lock && [lock.family, lock.shared, lock.conditional, lock.global];
    const shape = [
      kind,
      cell,
      by,
      bit,
      operation,
      operand,
      result,
      atomic,
      ordering,
      orderingOnFailure,
      locked,
      context,
      sleeps,
      ...(ownLock ? [true] : []),
    ];
    return `${fact.api} ${index(pool, JSON.stringify(shape))} ${index(sources, fact.source)}`;
  });
  return `// Generated by \`node scripts/facts.mjs\` from ${folder}/*.yaml: do not edit.

/** A line per function, in the order of UTF-16 units: its name, the line of \`shapes\` that tells what it does, the line of \`sources\` that says so. */
export const names = \`${names.map(line => `${line}\n`).join('')}\`;

/** A JSON array a line, in the order of \`Shape\` in lookup.ts. */
export const shapes = \`${[...pool.keys()].join('\n')}\`;

export const sources = \`${[...sources.keys()].join('\n')}\`;
`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    writeFileSync(join(root, target), factsTable());
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
