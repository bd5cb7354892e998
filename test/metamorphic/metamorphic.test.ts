/**
 * Examples of rules keep their verdict where the same program is written otherwise. UPDATE=1 rewrites the table of exceptions: it may only
 * shrink, but for new examples.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { idsOf, readExceptions, writeExceptions } from './exceptions.ts';
import type { Example } from './kind.ts';
import { kinds } from './kinds.ts';
import { agreement, allExamples, type Measured, measured, tableOf, transformedShare } from './measure.ts';

const exceptions = readExceptions();
const done = new Map<string, Promise<Measured>>();
let examples: Example[] = [];

beforeAll(async () => {
  examples = await allExamples();
});

function measuredOnce(kind: (typeof kinds)[number]): Promise<Measured> {
  const known = done.get(kind.name) ?? measured(kind, examples);
  done.set(kind.name, known);
  return known;
}

afterAll(async () => {
  const all = await Promise.all(done.values());
  process.stdout.write(`\n${tableOf(all)}\n`);
  if (process.env.UPDATE && all.length === kinds.length) writeExceptions(exceptions, all);
});

describe.each(kinds.map(kind => ({ name: kind.name, title: kind.title, kind })))('$title', ({ kind }) => {
  test('examples keep their verdict, but for exceptions that are listed and fail', async () => {
    const { verdicts } = await measuredOnce(kind);
    const failed = verdicts.filter(v => v.verdict !== 'same');
    if (process.env.UPDATE) return;
    const listed = new Set(idsOf(exceptions[kind.name] ?? []));
    const failing = new Set(failed.map(v => v.id));
    expect({
      'fail and are not listed': failed.filter(v => !listed.has(v.id)).map(v => `${v.id}: ${v.verdict}`),
      'are listed and do not fail': [...listed].filter(id => !failing.has(id)),
    }).toEqual({ 'fail and are not listed': [], 'are listed and do not fail': [] });
  });

  test('most examples that have what is transformed are, and no more of them lose their verdict', async () => {
    const now = await measuredOnce(kind);
    expect(now.examples).toBeGreaterThan(0);
    expect(transformedShare(now)).toBeGreaterThanOrEqual(kind.floor.transformed);
    expect(agreement(now)).toBeGreaterThanOrEqual(kind.floor.agree);
  });
});

test('the table of exceptions lists only kinds that there are', () => {
  expect(Object.keys(exceptions).filter(name => !kinds.some(k => k.name === name))).toEqual([]);
});
