import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    dir: 'test',
    globalSetup: 'test/beside.ts',
    // Everything under test is plain data and functions, so files of one process share the modules, the grammar and what is compiled of it:
    // loaded for each file anew they are a third of all the time.
    isolate: false,
    // Most of what is made is dropped soon: with V8's own, smaller room for it, it would be copied to the old objects first.
    execArgv: ['--max-semi-space-size=64'],
    testTimeout: 60_000,
  },
});
