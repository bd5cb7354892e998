// Makes dist/: one file for the command, one for the library, the grammar's wasm beside them, and declarations.
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { must, root } from './prepare.mjs';
import { folder, TABLES } from './tables.mjs';

/** What the command loads only when it needs it stands in files of its own, and is found there under their names in dist/. */
const apart = {
  name: 'apart',
  setup(build) {
    build.onResolve({ filter: /^\.\/(?:mime|userfiles|help|formats|git|hook|pager)\.js$/ }, ({ path }) => ({
      path: path.replace('.js', '.cjs'),
      external: true,
    }));
  },
};

const require = createRequire(import.meta.url);

/** Modules of Node that the command has use for in few runs: each is loaded when something of it is first asked for. */
const late = {
  name: 'late',
  setup(build) {
    build.onResolve({ filter: /^node:(?:os|stream|stream\/consumers|tty|worker_threads|zlib)$/ }, ({ path, namespace }) =>
      namespace === 'late' ? { path, external: true } : { path, namespace: 'late' },
    );
    build.onLoad({ filter: /./, namespace: 'late' }, ({ path }) => ({
      contents: `module.exports = { ${Object.keys(require(path))
        .map(name => `get ${name}() { return require('${path}').${name}; }`)
        .join(', ')} };`,
    }));
  },
};

/** Writes what is no ASCII as escapes, which strings, templates and regular expressions read alike; not so behind a backslash. */
function toAscii(file) {
  const text = readFileSync(file, 'utf8').replace(/\\?[^\0-\x7f]/g, char => {
    if (char.length > 1) throw new Error(`${file}: ${char} can't be written as an escape`);
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  writeFileSync(file, text);
}

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
  const common = { bundle: true, platform: 'node', target: 'node20', logLevel: 'warning', absWorkingDir: root, outdir: dist };
  const script = { ...common, format: 'cjs', outExtension: { '.js': '.cjs' } };
  // Its other form loads Node's modules as it runs, which a script can't.
  const alias = { 'web-tree-sitter': join(root, 'node_modules/web-tree-sitter/web-tree-sitter.cjs') };
  // mailparser is loaded only for mails that need it, YAML only for files of users; help, rarer formats, git, the hook and the pager only where they are asked for.
  const rare = ['mime', 'userfiles', 'help', 'formats', 'git', 'hook', 'pager'];
  await esbuild({ ...script, entryPoints: Object.fromEntries(rare.map(name => [name, `src/cli/${name}.ts`])) });
  // The command is one script, so that V8 can keep its machine code; `cli.js` starts it.
  await esbuild({ ...common, format: 'cjs', entryPoints: { cli: 'src/cli/start.ts' } });
  await esbuild({
    ...script,
    entryPoints: { main: 'src/cli/main.ts' },
    banner: { js: '(function (require, __dirname, __url) {' },
    footer: { js: '})' },
    define: { 'import.meta.url': '__url' },
    supported: { 'dynamic-import': false },
    plugins: [apart, late],
    alias,
    minify: true,
  });
  toAscii(join(dist, 'main.cjs'));
  await esbuild({ ...common, format: 'cjs', alias, entryPoints: { index: 'src/index.ts' } });
  // A command of the older kind of module starts without Node's loader of the newer one.
  writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n');
  copyFileSync(join(root, 'node_modules/web-tree-sitter/web-tree-sitter.wasm'), join(dist, 'web-tree-sitter.wasm'));
  copyFileSync(join(root, 'node_modules/tree-sitter-c/tree-sitter-c.wasm'), join(dist, 'tree-sitter-c.wasm'));
  // What `npm run contracts` has read of a kernel; without it the command works, and says so.
  for (const [name] of TABLES) {
    const table = join(folder, name);
    if (existsSync(table)) copyFileSync(table, join(dist, name));
  }
  const [sample] = readdirSync(join(root, 'samples/single')).filter(name => name.endsWith('.patch'));
  if (sample) must(process.execPath, [join(root, 'scripts/warm.mjs'), dist, join(root, 'samples/single', sample)]);
  if (declarations)
    must(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', join(dist, 'types')]);
}
