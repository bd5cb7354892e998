/** Examples of rules transformed and reviewed: how many could be, and of which the verdict stayed. */
import { rules } from '../../rules/index.ts';
import { type ReviewOptions, review } from '../../src/engine/review.ts';
import { scan } from '../../src/engine/scan.ts';
import { grammar, threadOf } from '../code.ts';
import { type Example, examplesOf, type Kind, type Transformed } from './kind.ts';
import { sourceOf } from './source.ts';

/** What a review says of a transformed example: the same, or nothing, or something at another place besides or instead, or of a good one anything. */
export type Verdict = 'same' | 'silent' | 'elsewhere' | 'alarm';

export interface Measured {
  kind: Kind;
  /** Examples that have what is transformed, and of those that are, each with its verdict. */
  examples: number;
  verdicts: { id: string; verdict: Verdict }[];
}

/** All examples of all rules, parsed once. */
export async function allExamples(): Promise<Example[]> {
  const parser = await grammar();
  return rules.flatMap(rule => examplesOf(rule, text => sourceOf(text, parser)));
}

export async function measured(kind: Kind, examples: readonly Example[]): Promise<Measured> {
  const concerned = examples.filter(e => kind.concerns(e));
  const verdicts: Measured['verdicts'] = [];
  for (const example of concerned) {
    const made = kind.transform(example, examples);
    if (made) verdicts.push({ id: example.id, verdict: await verdictOn(example, made) });
  }
  return { kind, examples: concerned.length, verdicts };
}

async function verdictOn(example: Example, made: Transformed): Promise<Verdict> {
  const { before, scanned } = made;
  const options: ReviewOptions = {
    grammar: await grammar(),
    rules: [example.rule],
    ...(made.facts ? { facts: made.facts } : {}),
    ...(before ? { tree: { read: path => before.get(path) ?? null, list: () => [] } } : {}),
  };
  const result = scanned ? scan(example.path, example.text, options) : review(threadOf(made.patches), options);
  const own = result.reviews.flatMap(r => r.findings).filter(f => !made.loud || f.severity !== 'note');
  const places = own
    .flatMap(f => [f, ...f.related.filter(p => p.note.startsWith('the same'))])
    .map(p => `${p.path}:${p.side === 'old' ? '-' : ''}${p.line}`);
  if (made.places.length === 0) return places.length === 0 ? 'same' : 'alarm';
  if (places.length === 0) return 'silent';
  const found = made.places.every(where => where.some(place => places.includes(place)));
  return found && places.every(place => made.places.some(where => where.includes(place))) ? 'same' : 'elsewhere';
}

/** Of the examples that have what is transformed those that were, in percent. */
export function transformedShare({ examples, verdicts }: Measured): number {
  return examples === 0 ? 100 : (100 * verdicts.length) / examples;
}

/** Of the transformed examples those that keep their verdict, in percent. */
export function agreement({ verdicts }: Measured): number {
  return verdicts.length === 0 ? 100 : (100 * verdicts.filter(v => v.verdict === 'same').length) / verdicts.length;
}

/** The table: of each kind the examples that have what it transforms, the share transformed, and how many of those keep their verdict. */
export function tableOf(all: readonly Measured[]): string {
  const rows = all.map(({ kind, examples, verdicts }) => {
    const agree = (verdict: string) => {
      const those = verdicts.filter(v => v.id.split(' ')[1] === verdict);
      const same = those.filter(v => v.verdict === 'same').length;
      return those.length === 0 ? '-' : `${same}/${those.length} ${percent(same, those.length)}`;
    };
    const share = `${verdicts.length} ${percent(verdicts.length, examples)}`;
    return [kind.title, String(examples), share, agree('bad'), agree('good')];
  });
  const lines = [['kind', 'examples', 'transformed', 'agree, bad', 'agree, good'], ...rows];
  const widths = [0, 1, 2, 3, 4].map(i => Math.max(...lines.map(row => (row[i] ?? '').length)));
  return lines.map(row => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')).join('\n');
}

/** A share in whole percent, rounded down: 100 % is all of them. */
function percent(part: number, all: number): string {
  return `${all === 0 ? 100 : Math.floor((100 * part) / all)} %`;
}
