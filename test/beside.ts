/** What tests measure against and the project does not hold: real mail, litmus tests with what herd7 says of them, audited lists. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder beside the project, there or not; tests that need it are skipped where it is not. */
export const shared = fileURLToPath(new URL('../../shared', import.meta.url));
export const corpus = `${shared}/corpus`;

/** Says once, before any test runs, that some will be skipped and why. */
export default function setup(): void {
  if (!existsSync(shared))
    process.stdout.write('Skipped, as ../shared is not there: the tests on real mail, on herd7’s verdicts and on audited lists\n');
}
