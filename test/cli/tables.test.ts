import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
// @ts-expect-error a script without declarations
import { TABLES } from '../../scripts/tables.mjs';
import { TABLE_FILES } from '../../src/cli/tables.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fencepost-tables-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SOURCE = 'void test(struct foo *f)\n{\n\tfoo_out_of_view(f);\n\tsnd_emu1010_fpga_lock(f->emu);\n\tf->n = 1;\n}\n';

/** The command with its tables as `change` leaves them. */
function runWith(
  name: string,
  change: (dist: string) => void,
  command: string[] = ['events'],
): { stdout: string; stderr: string; status: number | null } {
  const dist = join(folder, name);
  cpSync(join(root, 'dist'), dist, { recursive: true, filter: path => !path.includes('/types') });
  change(dist);
  const file = join(folder, 'test.c');
  writeFileSync(file, SOURCE);
  return spawnSync(process.execPath, [join(dist, 'cli.js'), ...command, file], { encoding: 'utf8', cwd: folder });
}

describe('the tables beside the command', () => {
  it('say what functions out of view do', () => {
    const { stdout, stderr, status } = runWith('whole', () => {});
    expect(stdout).toMatch(/lock\s+snd_emu1010_fpga_lock/);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it.each([
    ['missing', (dist: string) => rmSync(join(dist, 'contracts.bin')), /contracts\.bin: no such file/],
    ['cut', (dist: string) => cut(join(dist, 'contracts.bin')), /contracts\.bin: is cut/],
    ['newer', (dist: string) => newer(join(dist, 'contracts.bin')), /contracts\.bin: is of a newer form/],
  ])('that are %s are one line, and the work goes on without them', (name, change, said) => {
    const { stdout, stderr, status } = runWith(name, change);
    expect(stdout).toMatch(/call\s+snd_emu1010_fpga_lock \?/);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(said);
    expect(status).toBe(0);
  });

  const commands = new Map([
    ['scan', ['scan']],
    ['baseline update', ['baseline', 'update', join(folder, 'baseline.yaml')]],
  ]);
  it.each(
    Object.values(TABLE_FILES).flatMap((file): [string, string, string][] => [
      ['missing', file, 'scan'],
      ['cut', file, 'scan'],
      ['missing', file, 'baseline update'],
    ]),
  )('a %s %s is one line of %s, whose threads read it', (how, file, name) => {
    const command = commands.get(name);
    const change = (dist: string) => (how === 'cut' ? cut(join(dist, file)) : rmSync(join(dist, file)));
    const { stderr, status } = runWith(`${name}-${how}-${file}`, change, command);
    const [line = '', ...more] = stderr.split('\n').filter(l => l.startsWith('fencepost:'));
    expect(line).toContain(`${file}: ${how === 'cut' ? 'is cut' : 'no such file'}`);
    expect(more).toEqual([]);
    expect(status).toBe(0);
  });

  it('have the names by which scripts make them', () => {
    expect(Object.values(TABLE_FILES)).toEqual(TABLES.map(([file]: [string]) => file));
  });
});

function cut(file: string): void {
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.subarray(0, bytes.length / 2));
}

function newer(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.indexOf('"form":1');
  bytes[at + 7] = '9'.charCodeAt(0);
  writeFileSync(file, bytes);
}
