/** Functions under review by other names. */
import { factOf } from '../../src/facts/lookup.ts';
import { isDiff, patchOfExample } from '../rules/examples.ts';
import { type Kind, wantedIn } from './kind.ts';

/** What functions under review are renamed to, each by its place among them. */
const NAMINGS: Record<string, (n: number) => string> = {
  'neutral words': n => ['plum', 'quince', 'fig', 'medlar', 'sloe', 'damson', 'rowan', 'elder'][n] ?? `berry_${n}`,
  x_create: n => `x${n}_create`,
  x_init: n => `x${n}_init`,
  x_reset: n => `x${n}_reset`,
  x_access: n => `x${n}_access`,
  x_lock: n => `x${n}_lock`,
};

/** A definition's head in the first column: a type, then the name. Removed and added lines count, forward declarations don't. */
const HEAD = /^(?!return\b|else\b|typedef\b|#)[A-Za-z_][\w \t*]*?[ \t*]([A-Za-z_]\w*)\((?!.*;)/;

/** Functions that the example defines, the kernel's own left out: a fact knows those, and their names are what makes them known. */
function definedIn(text: string): string[] {
  const lines = text.split('\n').map(line => (isDiff(text) ? line.replace(/^(?:@@[^@]*@@ ?|[-+ ])/, '') : line));
  const names = lines.flatMap(line => HEAD.exec(line)?.[1] ?? []);
  return [...new Set(names)].filter(name => !factOf(name) && !/^[A-Z_]+$/.test(name));
}

/** The example with its functions under other names. Members that are called the same keep theirs. */
export function renamed(example: string, name: (n: number) => string): string {
  const names = new Map(definedIn(example.replace(/^\n/, '')).map((old, n) => [old, name(n)]));
  return example.replace(/(\.|->)?\b([A-Za-z_]\w*)\b/g, (all, member, word) => (member ? all : (names.get(word) ?? all)));
}

export const namings: Kind[] = Object.entries(NAMINGS).map(([name, naming]) => ({
  name: `renamed to ${name}`,
  title: `functions renamed to ${name}`,
  reason: { silent: 'the verdict rests on a name', alarm: 'the verdict rests on a name' },
  floor: { transformed: 95, agree: 98 },
  concerns: ({ text }) => definedIn(text).length > 0,
  transform({ text, rule }) {
    const patch = patchOfExample(renamed(text, naming));
    return { patches: [patch], places: wantedIn(patch, rule).map(place => [place]) };
  },
}));
