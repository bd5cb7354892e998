import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { tools } from '../../src/cli/tools.ts';
import { notes, type Review, readThread, review } from '../../src/index.ts';
import { grammar } from '../code.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const posted = join(root, '../shared/corpus/posted/mails');
/** Of the series beside the project one in so many; `EVERY=1` reads them all. */
const STRIDE = Number(process.env.EVERY ?? 12);

async function* bytes(path: string) {
  yield new Uint8Array(readFileSync(path));
}

const reviewed = async (path: string) => review(await readThread(path, bytes(path), tools), { grammar: await grammar() });

/** Each note of the review must quote something, and all that it quotes must be lines of its patch; gives what is not so. */
function strangers(result: Review): string[] {
  return result.reviews.flatMap(series =>
    series.findings.flatMap(finding => {
      const alone = { ...result, reviews: [{ ...series, findings: [finding], resolved: [] }] };
      const patch = result.thread.messages.find(m => m.messageId === finding.patch.messageId)?.patch;
      const marks = { add: '+', remove: '-', context: ' ' } as const;
      const shown = new Set(patch?.files.flatMap(f => f.hunks.flatMap(h => h.lines.map(l => `${marks[l.kind]}${l.text}`))));
      const quoted = notes(alone)
        .split('\n')
        .filter(l => l.startsWith('> ') && l !== '> [...]')
        .map(l => l.slice(2));
      const at = `${result.input}: ${finding.rule} ${finding.path}:${finding.line}`;
      return quoted.length === 0 ? [`${at} quotes nothing`] : quoted.filter(l => !shown.has(l)).map(l => `${at} quotes ${l}`);
    }),
  );
}

describe('what a note quotes stands in its patch', () => {
  test.each(['samples/paired-bitmaps/series.mbox', 'samples/clean/series.mbox'])('in %s', async name => {
    expect(strangers(await reviewed(join(root, name)))).toEqual([]);
  });

  test.skipIf(!existsSync(posted))('in series as they were posted, where the corpus lies beside the project', { timeout: 600_000 }, async () => {
    const names = readdirSync(posted).sort();
    for (const name of names.filter((_, i) => i % STRIDE === 0)) expect(strangers(await reviewed(join(posted, name)))).toEqual([]);
  });
});
