// Makes src/facts/tables.ts of rules/facts/*.yaml. rules/facts/README.md tells how the YAML is written.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { isMap, isScalar, isSeq, LineCounter, parse, parseDocument } from 'yaml';
import { root } from './prepare.mjs';

const folder = 'rules/facts';
const target = 'src/facts/tables.ts';
/** The file whose rows are patterns of names. */
const CONVENTIONS = 'conventions.yaml';
/** The files of operations tables and of types. */
const TABLES = /\/tables(?:-\w+)?\.yaml$/;
const TYPES = 'types.yaml';
const NAME = /^(\w+|guard\(\w+\))$/;
const PATTERN = /^(?:(?:\w+\*|\*\w+|\*\w+\*|_\w+\*?_)(?:\+(?!$)|$))+$/;

/** The text of src/facts/tables.ts. Throws an error with one `file:line: message` a line when the YAML is wrong. */
export function factsTable() {
  const files = readdirSync(join(root, folder))
    .filter(name => name.endsWith('.yaml'))
    .sort()
    .map(name => ({ name: `${folder}/${name}`, text: readFileSync(join(root, folder, name), 'utf8') }));
  const of = name => files.filter(file => (name instanceof RegExp ? name.test(file.name) : file.name.endsWith(`/${name}`)));
  const apart = [CONVENTIONS, TABLES, TYPES];
  const functions = files.filter(file => !apart.some(name => of(name).includes(file)));
  const members = readObjects(of(TABLES), 'tables', MEMBER_FIELDS);
  const types = readObjects(of(TYPES), 'types', TYPE_FIELDS);
  return printTable(readRows(functions), readConventions(of(CONVENTIONS)), members, types);
}

/** Reads `{ name, text }[]` and gives the facts, ordered by name. Throws as factsTable() does. */
export function readFacts(files) {
  return readRows(files).map(row => row.fact);
}

/** The rows of operations tables or of types: `{ name, of, said, source }`. */
function readObjects(files, key, fieldsOf) {
  const problems = [];
  const known = { ...Object.fromEntries(Object.entries(fieldsOf).map(([name, field]) => [name, check(field)])), source: fields.source };
  const rows = files.flatMap(({ name: file, text }) => {
    const groups = parse(text)[key];
    return groups.flatMap(group =>
      Object.entries(group.members ?? group.types).flatMap(([template, said]) => {
        const wrong = message => problems.push(`${file}: ${template}: ${message}`);
        for (const [name, value] of Object.entries(said)) {
          if (!Object.hasOwn(known, name)) wrong(`unknown key ${name}`);
          else if (!known[name].accepts(value)) wrong(`${name} is not ${known[name].wants}`);
        }
        const { source = group.source, ...rest } = said;
        if (!isText(source)) wrong('source is missing');
        for (const other of [...(said.never_with ?? []), ...(said.ended ?? []), ...(said.pair ?? [])])
          if (!named(group).has(other)) wrong(`${other} is no member that the table has a row for`);
        return wordsOf(template).map(name => ({ name, of: wordsOf(group.struct ?? '').join(','), said: rest, source }));
      }),
    );
  });
  if (problems.length) throw new Error(problems.join('\n'));
  return rows;
}

/** The members that a table has rows for. */
function named(group) {
  return new Set(Object.keys(group.members ?? {}).flatMap(wordsOf));
}

/** All names of a template: `{a|b}` are words. */
function wordsOf(template) {
  const hole = /\{([^{}]*)\}/.exec(template);
  if (!hole) return [template];
  const rest = wordsOf(template.slice(hole.index + hole[0].length));
  return hole[1].split('|').flatMap(word => rest.map(more => template.slice(0, hole.index) + word + more));
}

/** The rows of conventions, in the order of the file. */
function readConventions(files) {
  const problems = [];
  const rows = files.flatMap(file => readFile(file, problems));
  for (const row of rows) row.fact = fact(row, new Map(), problems);
  if (problems.length) throw new Error(problems.join('\n'));
  return rows;
}

/** The rows, ordered by name, each with its fact and its shape for the table. */
function readRows(files) {
  const problems = [];
  const rows = files.flatMap(file => readFile(file, problems));
  const byName = new Map();
  for (const row of rows) {
    const first = byName.get(row.api);
    if (first) problems.push(`${row.at}: ${row.api} is said twice, first at ${first.at}`);
    else byName.set(row.api, row);
  }
  for (const row of rows) row.fact = fact(row, byName, problems);
  if (problems.length) throw new Error(problems.join('\n'));
  return rows.sort((a, b) => (a.api < b.api ? -1 : 1));
}

/** src/facts/describe.ts, whose types the compiler has checked: what may be said, and the fact that comes of it. */
const { FIELDS, MEMBER_FIELDS, ORDERED, TYPE_FIELDS, factFrom } = await (async () => {
  const { outputFiles } = buildSync({ entryPoints: [join(root, 'src/facts/describe.ts')], bundle: true, format: 'esm', write: false });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
})();

const isPosition = value => Number.isInteger(value) && value >= 0 && value <= 12;
const isText = value => typeof value === 'string' && value.trim() !== '';

/** What each kind of field accepts, in words and as a test. */
const accepted = {
  words: ({ words, nullable }) => ({
    wants: `one of ${Object.keys(words).join(', ')}`,
    accepts: v => Object.hasOwn(words, v) || (nullable && v === null),
  }),
  argument: () => ({ wants: 'an argument position from 0 to 12, or null', accepts: v => v === null || isPosition(v) }),
  arguments: () => ({ wants: 'a list of argument positions', accepts: v => Array.isArray(v) && v.every(isPosition) }),
  flag: () => ({ wants: 'true or false', accepts: v => v === true || v === false }),
  text: () => ({ wants: 'a text', accepts: isText }),
  texts: () => ({ wants: 'a list of texts', accepts: v => Array.isArray(v) && v.every(isText) }),
  family: () => ({ wants: 'the name of a lock family or section', accepts: v => typeof v === 'string' && /^[a-z][a-z-]*$/.test(v) }),
  context: () => ({
    wants: 'words such as +irqs-off',
    accepts: v => typeof v === 'string' && v.split(' ').every(w => /^[+-][a-z]+(-[a-z]+)*$/.test(w)),
  }),
  effect: field => ({ wants: `${nounOf(field).wants}, or a map of ${Object.keys(field.parts).join(', ')}`, accepts: v => isEffect(field, v) }),
};
const check = field => accepted[field.is](field);

function nounOf(field) {
  return check(Object.values(field.parts)[0]);
}

function isEffect(field, value) {
  if (Array.isArray(value)) return value.every(one => !Array.isArray(one) && isEffect(field, one));
  if (typeof value !== 'object' || value === null) return nounOf(field).accepts(value);
  return Object.entries(value).every(([name, part]) => Object.hasOwn(field.parts, name) && check(field.parts[name]).accepts(part));
}

/** What may be said of a function in rules/facts. `note` stays in the YAML. */
const fields = {
  ...Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, check(field)])),
  source: { wants: 'a text', accepts: value => isText(value) && !/[`\\$\n]/.test(value) },
  note: accepted.text(),
};

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
      const given = isScalar(value) ? value.value : value === null ? null : value.toJSON();
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

  const isPattern = file.endsWith(CONVENTIONS);
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
        if (!isPattern && except.delete(api)) continue;
        if (!(isPattern ? PATTERN : NAME).test(api)) wrong(key, `${api} is not a ${isPattern ? 'pattern' : 'name'}`);
        rows.push({ api, at: at(key), like: extra.like, own: row, said: { ...common, ...named, ...ofParts, ...row }, except: [...except] });
      }
      if (!isPattern) for (const left of except) wrong(key, `${left} is excepted and not among the names`);
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
  if (ORDERED.includes(said.kind) && said.ordering === undefined) wrong('ordering is missing');
  const locks = said.kind === 'lock' || said.kind === 'unlock';
  if (locks && said.lock === undefined) wrong('lock is missing: which family?');
  if (!locks && row.own.lock !== undefined) wrong(`lock is said of a ${said.kind}`); // That of its group is for the locks of the group.
  row.shape = JSON.stringify(Object.fromEntries(Object.keys(FIELDS).flatMap(name => (isSaid(name, said, locks) ? [[name, said[name]]] : []))));
  return factFrom(row.api, said, said.source ?? '');
}

/** Does the key say more than goes without saying? */
function isSaid(name, said, locks) {
  if (said[name] === undefined || said[name] === false) return name === 'atomic' && said[name] === false;
  if (said[name] === null && name !== 'onFailure') return false;
  return locks || !['lock', 'shared', 'conditional', 'global'].includes(name);
}

/** Lines of rows below a line for each group. */
function grouped(rows, groupOf, lineOf) {
  let last;
  return rows.flatMap(row => {
    const head = groupOf(row) === last ? [] : [groupOf(row)];
    last = groupOf(row);
    return [...head, lineOf(row)];
  });
}

/** Names stand apart from what is said of them: most functions share it with others, and only what a review asks for is decoded. */
function printTable(rows, conventions, members, types) {
  const pool = new Map();
  const sources = new Map();
  const index = (all, value) => all.get(value) ?? all.set(value, all.size).get(value);
  const names = rows.map(({ fact, shape }) => `${fact.api} ${index(pool, shape)} ${index(sources, fact.source)}`);
  const patterns = conventions.map(({ fact, shape, except }) => [fact.api, index(pool, shape), index(sources, fact.source), ...except].join(' '));
  const object = ({ name, said, source }) => [name, index(pool, JSON.stringify(said)), index(sources, source)].join('\\t');
  return `// Generated by \`node scripts/facts.mjs\` from ${folder}/*.yaml: do not edit.

/** A line per function, in the order of UTF-16 units: its name, the line of \`shapes\` that tells what it does, the line of \`sources\` that says so. */
export const names = \`${names.map(line => `${line}\n`).join('')}\`;

/** A line per convention: its pattern, shape and source as above, and patterns of names that it does not speak of. */
export const conventions = \`${patterns.join('\n')}\`;

/** A line per type of an operations table, or several by commas, and below it a line per member, by tabs: the member, its shape and source as above. */
export const members = \`${grouped(members, row => row.of, object).join('\n')}\`;

/** A line per type, by tabs: its name, its shape and source as above. */
export const types = \`${types.map(object).join('\n')}\`;

/** A row a line, as JSON, in the words of describe.ts. */
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
