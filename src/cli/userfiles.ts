/** Everything that reads files which users write: one bundle, loaded only where there is such a file. */
export { readBaseline, writeBaseline } from './baseline.ts';
export { readConfig } from './config.ts';
export { readFacts } from './facts.ts';
