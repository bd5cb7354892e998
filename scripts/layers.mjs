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
  'src/c': ['src/model', 'src/facts', 'web-tree-sitter'],
  rules: ['src/model', 'src/c/query.ts'],
  'src/engine': ['src/model', 'src/c', 'src/facts', 'src/lkmm', 'rules/index.ts', 'rules/renamed.ts'],
  'src/index.ts': ['src/model', 'src/read', 'src/facts', 'src/c', 'src/lkmm', 'src/engine', 'src/report', 'rules/index.ts'],
  'src/cli': ['src/index.ts', 'src/model', 'node:', 'mailparser', 'yaml', 'zod'],
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

const layerOf = name => Object.keys(layers).find(layer => name === layer || name.startsWith(`${layer}/`));

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
    for (const [, target] of text.matchAll(/^(?:import\s+|(?:import|export)\s[^;'"`=(]*?\sfrom\s+)['"]([^'"]+)['"]/gm)) {
      const to = target.startsWith('.') ? relative('/', join('/', name, '..', target)) : target;
      const allowed = [layer, ...layers[layer]].some(may => to === may || to.startsWith(may.endsWith(':') ? may : `${may}/`) || target === may);
      if (!allowed) found.push(`${name}: imports ${target}, which ${layer} may not`);
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
