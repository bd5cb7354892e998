import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { documents } from '../../src/cli/schemas.ts';
import { command } from '../cli/command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function lines(...args: string[]): unknown[] {
  return command(args)
    .out.trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

/** The schema as it is published, by its own words. */
function published(name: string): z.ZodType {
  return z.fromJSONSchema(JSON.parse(readFileSync(join(root, `schema/${name}.schema.json`), 'utf8')));
}

const code = join(mkdtempSync(join(tmpdir(), 'fencepost-')), 'kiln.c');
writeFileSync(
  code,
  `struct kiln { spinlock_t lock; unsigned long flags; int heat; struct list_head rods; };
static int kiln_fire(struct kiln *k, int heat)
{
	spin_lock(&k->lock);
	if (heat < 0)
		return -EINVAL;
	k->heat = heat;
	set_bit(3, &k->flags);
	smp_store_release(&k->heat, heat);
	mutex_lock(&kiln_mutex);
	spin_unlock(&k->lock);
	return cmpxchg(&k->heat, 0, 1);
}
`,
);
const test1 = 'test/lkmm/litmus/shapes/rcu-list-readd.litmus';
const patches = readdirSync(join(root, 'samples/single'))
  .filter(name => name.endsWith('.patch'))
  .map(name => `samples/single/${name}`);
const WRITTEN: [keyof typeof documents, string[]][] = [
  ['show', ['show', '--json', 'samples/paired-bitmaps', 'samples/clean', ...patches]],
  ['review', ['review', '--format', 'json', '--all', 'samples/paired-bitmaps', 'samples/clean', ...patches]],
  ['review', ['check', '--format', 'json', 'README.md', ...patches]],
  ['review', ['scan', '--format', 'json', code]],
  ['events', ['events', '--json', 'samples/paired-bitmaps', code]],
  ['rules', ['rules', '--json']],
  ['litmus', ['litmus', '--json', '--states', '--time', test1, 'README.md']],
];

describe.each(WRITTEN)('the schema of %s', (name, args) => {
  const found = lines(...args);

  test(`describes every field that \`fencepost ${args.slice(0, 3).join(' ')}\` writes`, () => {
    expect(found.length).toBeGreaterThan(0);
    // What a schema does not know falls away in reading, and is missed here.
    for (const document of found) expect(documents[name].parse(document)).toEqual(document);
  });

  test('is published in the form that validates it', () => {
    const schema = published(name);
    for (const document of found) expect(schema.safeParse(document).error?.issues ?? []).toEqual([]);
  });

  test('refuses a document that lacks a field or has one of another type', () => {
    const schema = published(name);
    for (const document of found.slice(0, 1)) {
      const entries = Object.entries(Array.isArray(document) ? (document[0] ?? {}) : (document ?? {}));
      const wrap = (changed: object) => (Array.isArray(document) ? [changed] : changed);
      const needed = entries.filter(([key]) => !['inputs', 'states', 'seconds', 'reason'].includes(key));
      expect(needed.length).toBeGreaterThan(3);
      for (const [key] of needed) {
        expect(schema.safeParse(wrap(Object.fromEntries(entries.filter(([k]) => k !== key)))).success, `without ${key}`).toBe(false);
        expect(schema.safeParse(wrap({ ...Object.fromEntries(entries), [key]: { no: 1 } })).success, `${key} of another type`).toBe(false);
      }
    }
  });
});

test('docs/json.md names every field of every document', () => {
  const text = readFileSync(join(root, 'docs/json.md'), 'utf8');
  const fields = new Set<string>();
  const walk = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return;
    if ('properties' in schema && typeof schema.properties === 'object' && schema.properties !== null)
      for (const key of Object.keys(schema.properties)) fields.add(key);
    for (const part of Object.values(schema)) walk(part);
  };
  for (const name of Object.keys(documents)) walk(JSON.parse(readFileSync(join(root, `schema/${name}.schema.json`), 'utf8')));
  expect(fields.size).toBeGreaterThan(80);
  expect([...fields].filter(field => !text.includes(`\`${field}\``))).toEqual([]);
});
