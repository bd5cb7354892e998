// The layer table of ARCHITECTURE.md: which folder may import which, and where effects may stand.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './prepare.mjs';

/** For each folder the folders and packages it may import beside itself. */
export const layers = {
  'src/model': [],
  'src/lkmm': [],
  'src/read': ['src/model', 'parse-diff'],
  'src/report': ['src/model'],
  'src/facts': ['src/model'],
  'src/c': ['src/model', 'web-tree-sitter'],
  'src/analysis': ['src/model', 'src/c'],
  'src/tree': ['src/model', 'src/c'],
  rules: ['src/model', 'src/analysis/query.ts'],
  'src/engine/knowledge.ts': ['src/model', 'src/facts', 'src/engine'],
  'src/engine': ['src/model', 'src/c', 'src/analysis', 'src/lkmm', 'rules/index.ts', 'rules/renamed.ts'],
  'src/index.ts': [
    'src/model',
    'src/read',
    'src/facts',
    'src/c',
    'src/analysis',
    'src/lkmm',
    'src/engine',
    'src/tree',
    'src/report',
    'rules/index.ts',
  ],
  'src/cli': ['src/index.ts', 'src/model', 'src/facts/describe.ts', 'node:', 'mailparser', 'yaml', 'zod'],
};

/** Folders in order: each may import those before it, and itself. */
const order = {
  'src/c': ['text', 'syntax', 'cfg', 'lower', 'calls', 'world'],
};

/** What only cli may touch: the machine, the clock, chance, code that comes from elsewhere. */
const effects = [
  /\bprocess\./,
  /\bDate\b/,
  /\bMath\.random\b/,
  /\bimport\s*\(/,
  /\brequire\s*\(/,
  /\beval\s*\(/,
  /\bnew Function\b/,
  /\bsetTimeout\b/,
  /\bperformance\./,
  /\bfetch\s*\(/,
];

export function sources(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sources(name);
    return name.endsWith('.ts') ? [name] : [];
  });
}

/** The place of a file's folder in its layer's order; null where there is none. */
function floorOf(name, layer) {
  const at = order[layer]?.indexOf(name.slice(layer.length + 1).split('/')[0] ?? '') ?? -1;
  return at < 0 || !name.startsWith(`${layer}/`) ? null : at;
}

const layerOf = name => Object.keys(layers).find(layer => name === layer || name.startsWith(`${layer}/`));

const IMPORT = /^(?:import\s+|(?:import|export)\s[^;'"`=(]*?\sfrom\s+)['"]([^'"]+)['"]/gm;

/** One line for each circle of imports among the files, types included. */
export function circles(read = name => readFileSync(join(root, name), 'utf8'), names = [...sources('src'), ...sources('rules')]) {
  const imports = new Map(
    names.map(name => [
      name,
      [...read(name).matchAll(IMPORT)].flatMap(([, to]) => (to.startsWith('.') ? [relative('/', join('/', name, '..', to))] : [])),
    ]),
  );
  const found = [];
  const state = new Map();
  const visit = (name, path) => {
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') {
      found.push(`${[...path.slice(path.indexOf(name)), name].join(' -> ')}: a circle of imports`);
      return;
    }
    state.set(name, 'open');
    for (const to of imports.get(name) ?? []) visit(to, [...path, name]);
    state.set(name, 'done');
  };
  for (const name of names) visit(name, []);
  return found;
}

const EXPORT = /^export (?:declare |abstract |async )*(?:interface|type|class|function|const|enum) (\w+)/gm;

/** One line for each name that two files of src export as two things: a name has one meaning. What is passed on by `export ... from` counts once. */
export function namesakes(read = name => readFileSync(join(root, name), 'utf8'), names = sources('src')) {
  const found = new Map();
  for (const name of names) for (const [, word] of read(name).matchAll(EXPORT)) found.set(word, new Set(found.get(word)).add(name));
  return [...found].flatMap(([word, files]) => (files.size > 1 ? [`${word}: exported by ${[...files].join(' and ')}`] : []));
}

/** One line for each import or effect that the table does not allow. */
export function breaches(read = name => readFileSync(join(root, name), 'utf8'), names = [...sources('src'), ...sources('rules')]) {
  const found = [];
  for (const name of names) {
    const layer = layerOf(name);
    if (!layer) {
      found.push(`${name}: stands in no folder of the layer table`);
      continue;
    }
    const text = read(name);
    for (const [, target] of text.matchAll(IMPORT)) {
      const to = target.startsWith('.') ? relative('/', join('/', name, '..', target)) : target;
      const allowed = [layer, ...layers[layer]].some(may => to === may || to.startsWith(may.endsWith(':') ? may : `${may}/`) || target === may);
      if (!allowed) found.push(`${name}: imports ${target}, which ${layer} may not`);
      const [mine, its] = [floorOf(name, layer), floorOf(to, layer)];
      if (mine !== null && its !== null && its > mine) found.push(`${name}: imports ${target}, which stands above it`);
    }
    if (layer === 'src/cli') continue;
    const code = text
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/\/\/.*/g, '')
      .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''");
    for (const effect of effects) if (effect.test(code)) found.push(`${name}: ${effect.source} has an effect, and only src/cli may have those`);
  }
  return found;
}
