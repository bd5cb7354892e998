import { test } from 'vitest';
import { kinds } from './kinds.ts';
import { allExamples, measured } from './measure.ts';
import { review } from '../../src/engine/review.ts';
import { grammar, threadOf } from '../code.ts';
test('x', async () => {
  const all = await allExamples();
  for (const name of (process.env.KIND ?? '').split(',')) {
    const kind = kinds.find(k => k.name === name);
    const pick = process.env.ID ? all.filter(e => e.id === process.env.ID) : all;
    if (!kind) throw new Error('no');
    if (process.env.ID) {
      for (const e of pick) {
        const made = kind.transform(e, all);
        if (!made) continue;
        console.log(
          made.patches
            .flatMap(p =>
              p.files.map(
                f =>
                  '== ' +
                  f.path +
                  '\n' +
                  f.hunks
                    .flatMap(h =>
                      h.lines.map(l => `${l.newLine}${l.kind === 'remove' ? '-' : l.kind === 'add' && made.before ? '+' : ' '} ${l.text}\n`),
                    )
                    .join(''),
              ),
            )
            .join(''),
        );
        console.log('places', JSON.stringify(made.places));
        const r = review(threadOf(made.patches), {
          grammar: await grammar(),
          rules: [e.rule],
          ...(made.before ? { tree: { read: (path: string) => made.before?.get(path) ?? null, list: () => [] } } : {}),
          ...(made.facts ? { facts: made.facts } : {}),
        });
        for (const x of r.reviews) {
          for (const f of x.findings) console.log(f.rule, f.severity, f.path, f.line, f.side, f.message);
          for (const h of x.held) console.log('held', h.reason, h.detail, h.finding.line, h.finding.message);
        }
      }
    } else {
      const m = await measured(kind, all);
      const bad = m.verdicts.filter(v => v.verdict !== 'same');
      console.log(name, m.verdicts.length, 'of', m.examples, '\n' + bad.map(v => `${v.id}: ${v.verdict}`).join('\n'));
    }
  }
}, 300000);
