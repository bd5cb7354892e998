import { readFileSync } from 'node:fs';
import { parseLitmus } from './syntax.ts';
import { decideTest } from './verdict.ts';
const [, , mode, ...args] = process.argv;
const dir = '/work/shared/corpus/litmus/';
if (mode === 'file') {
  for (const f of args) {
    const { value, problems } = parseLitmus(readFileSync(f, 'utf8'));
    if (!value) { console.log(f, JSON.stringify(problems)); continue; }
    const t = performance.now();
    const o = decideTest(value);
    console.log(f, o.verdict, o.reason ?? '', o.flags.join(), o.positive, o.negative, o.states.length, (performance.now() - t).toFixed(1));
    if (process.env.STATES) for (const s of o.states) console.log('  ', s.join('; '));
  }
} else {
  const [head, ...lines] = readFileSync(dir + 'verdicts.csv', 'utf8').trim().split(/\r?\n/);
  const keys = head.split(',');
  const cells = (line: string) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(m => m[1].replace(/^"|"$/g, ''));
  const rows = lines.map(l => Object.fromEntries(cells(l).slice(0, keys.length).map((v, i) => [keys[i], v])));
  const times: [number, string][] = [];
  const c = { agree: 0, states: 0, differ: 0, unsupported: 0, parse: 0 };
  const only = args[0];
  const t0 = performance.now();
  for (const r of rows) {
    if ((r.verdict === 'TIMEOUT') !== (mode === 'timeouts')) continue;
    if (only && !r.test.includes(only)) continue;
    const { value, problems } = parseLitmus(readFileSync(dir + r.test, 'utf8'));
    if (!value) { c.parse++; console.log('PARSE', r.test, JSON.stringify(problems[0])); continue; }
    const t = performance.now();
    const o = decideTest(value, { budget: Number(process.env.BUDGET ?? 300000) });
    const ms = performance.now() - t;
    times.push([ms, r.test]);
    if (mode === 'timeouts') { console.log(r.test, o.verdict, o.positive, o.negative, ms.toFixed(0)); continue; }
    if (o.verdict === 'unsupported') { c.unsupported++; console.log('UNSUP', r.test, o.reason, ms.toFixed(0)); continue; }
    const racy = (f: unknown) => /data-race/.test(String(f));
    if (o.verdict === r.verdict && racy(o.flags) === racy(r.flags)) {
      c.agree++;
      if (String(o.positive) === r.positive && String(o.negative) === r.negative) c.states++; else console.log('COUNT', r.test, o.positive, o.negative, 'herd', r.positive, r.negative);
    } else { c.differ++; console.log('DIFF', r.test, o.verdict, o.flags.join(), o.positive, o.negative, '| herd', r.verdict, r.flags, r.positive, r.negative); }
  }
  times.sort((a, b) => b[0] - a[0]);
  console.log(c, 'total', ((performance.now() - t0) / 1000).toFixed(1), 's; median', times[times.length >> 1]?.[0].toFixed(2), 'p90', times[Math.floor(times.length / 10)]?.[0].toFixed(2));
  for (const [ms, t] of times.slice(0, 12)) console.log(ms.toFixed(0), t);
}
