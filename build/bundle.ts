/** Bundles both agents (a file each, for Node 20), the command and its threads into `dist/`. */
import { readFileSync, rmSync } from 'node:fs';
import { build, type BuildOptions } from 'esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const shared: BuildOptions = {
  bundle: true,
  platform: 'node',
  legalComments: 'none',
  define: { KGETPLUS_VERSION: JSON.stringify(version) },
};

rmSync('dist', { recursive: true, force: true });
for (const program of ['agent', 'host']) {
  await build({
    ...shared,
    entryPoints: [`src/${program}/main.ts`],
    outfile: `dist/${program}.cjs`,
    format: 'cjs',
    target: 'node20',
    minify: true,
  });
}
await build({
  ...shared,
  entryPoints: ['src/store/chunk-worker.ts'],
  outfile: 'dist/chunk-worker.mjs',
  format: 'esm',
  target: 'node20',
  minify: true,
});
await build({
  ...shared,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/kgetplus.mjs',
  format: 'esm',
  target: 'node20',
  // For packages that are CommonJS and load modules of Node.js.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  minify: true,
  keepNames: true,
});
