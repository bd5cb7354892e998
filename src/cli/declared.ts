import { readFileSync } from 'node:fs';
import { contradictions, factOf, type Problem, safe, type Tree, type UserFacts } from '../index.ts';
import { reasonOf } from './reason.ts';

type Out = (text: string) => void;

/** The tree's own facts: read as it stands, before any patch of the series. */
const TREE_FACTS = '.fencepost.yaml';

/** Faults of one file that are told; the first are as a rule the cause of the rest. */
const MOST_TOLD = 10;

/** A line for each fault of a file, the first few of them; true where there is none. */
export function sayProblems(file: string, problems: Problem[], err: Out): boolean {
  for (const p of problems.slice(0, MOST_TOLD)) err(`fencepost: ${safe(`${p.where}: ${p.message}`)}\n`);
  if (problems.length > MOST_TOLD) err(`fencepost: ${safe(file)}: ${problems.length - MOST_TOLD} more faults\n`);
  return problems.length === 0;
}

/** The facts of all files together, by name or read already; null where one cannot be opened or is wrong, with a line for each fault. */
export async function declaredFacts(files: (string | { file: string; text: string })[], tree: Tree | null, err: Out): Promise<UserFacts | null> {
  const all: UserFacts = { functions: [], members: [], types: [], invariants: [] };
  const own = tree?.read(TREE_FACTS) ?? null;
  if (files.length === 0 && own === null) return all;
  const { readFacts } = await import('./userfiles.js');
  let sound = true;
  const take = (file: string, text: string) => {
    const { value, problems: wrong } = readFacts(file, text);
    const problems = [...wrong, ...value.functions.flatMap(unknownModel)];
    all.functions.push(...value.functions);
    all.members.push(...value.members);
    all.types.push(...value.types);
    all.invariants.push(...value.invariants);
    sound = sayProblems(file, problems, err) && sound;
  };
  if (own !== null) take(TREE_FACTS, own);
  for (const file of files) {
    if (typeof file !== 'string') {
      take(file.file, file.text);
      continue;
    }
    try {
      take(file, readFileSync(file, 'utf8'));
    } catch (error) {
      err(`fencepost: ${safe(`${file}: ${reasonOf(error)}`)}\n`);
      sound = false;
    }
  }
  if (sound) for (const p of contradictions(all)) err(`fencepost: ${safe(`${p.where}: ${p.message}`)}\n`);
  return sound ? all : null;
}

/** A wrapper of a function of which nothing is known declares nothing. */
function unknownModel(f: UserFacts['functions'][number]): Problem[] {
  if (!('like' in f) || factOf(f.like)) return [];
  const message = `functions.${f.name}.like: nothing is known of ${f.like}(); expected a kernel function that fencepost knows`;
  return [{ severity: 'odd', where: `${f.file}, line ${f.line}`, message }];
}
