// Makes dist/: one file for the command, one for the library, the grammar's wasm beside them, and declarations.
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { must, root } from './prepare.mjs';

// Bundled CommonJS packages (mailparser) call require() of Node's own modules, which an ES module does not have.
const banner = { js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);" };

/** Bundles the sources into dist/, all of it or nothing. Declarations are left out unless asked for: they take longer than all the rest. */
export async function bundle({ declarations = false } = {}) {
  const dist = mkdtempSync(join(root, 'dist-'));
  try {
    await make(dist, declarations);
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    renameSync(dist, join(root, 'dist'));
  } finally {
    rmSync(dist, { recursive: true, force: true });
  }
}

async function make(dist, declarations) {
  const common = { bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning', banner, absWorkingDir: root };
  // mailparser is loaded only for mails that need it, YAML only for declared facts, so each stands in a file of its own.
  await esbuild({ ...common, entryPoints: { mime: 'src/cli/mime.ts', facts: 'src/cli/facts.ts' }, outdir: dist });
  await esbuild({ ...common, entryPoints: { cli: 'src/cli/main.ts' }, outdir: dist, minify: true, external: ['./mime.js', './facts.js'] });
  await esbuild({ ...common, entryPoints: { index: 'src/index.ts' }, outdir: dist });
  copyFileSync(join(root, 'node_modules/web-tree-sitter/web-tree-sitter.wasm'), join(dist, 'web-tree-sitter.wasm'));
  copyFileSync(join(root, 'node_modules/tree-sitter-c/tree-sitter-c.wasm'), join(dist, 'tree-sitter-c.wasm'));
  if (declarations)
    must(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', join(dist, 'types')]);
}
