/**
 * Makes everything in dist/: the bundles of the agent, the demo and the benchmark, and the datapath addon.
 *   node image-build/build.mjs [--arch x64|arm64|all] [--output DIR] [--quiet]
 * `--quiet` is for npm's `prepare`: says nothing when all is well, does nothing when dist/ is up to date, and does not
 * fail the installation where only a compiler is missing.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isFresh, markFresh } from './freshness.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const products = join(root, 'dist');

/** DESIGN.md §8: what a board downloads and parses at every start; the build fails above it. */
const AGENT_BUDGET_BYTES = 1_200_000;

const BUNDLES = [
  { entry: 'agent/main.ts', name: 'tincan.js', minify: true, budgetBytes: AGENT_BUDGET_BYTES },
  // Beside the agent's, so that no board parses what only its owner's computer runs.
  { entry: 'image-build/image.ts', name: 'image.js', minify: true, budgetBytes: 800_000 },
  { entry: 'test/demo/demo.ts', name: 'demo.js', minify: false, budgetBytes: Number.POSITIVE_INFINITY },
  { entry: 'test/image/run.ts', name: 'test-image.js', minify: false, budgetBytes: Number.POSITIVE_INFINITY },
  { entry: 'test/bench/bench.ts', name: 'bench.js', minify: false, budgetBytes: Number.POSITIVE_INFINITY },
];

/** Packages bundled as CommonJS call require() for Node's own modules. */
const BANNER = [
  '#!/usr/bin/env node',
  "import { createRequire as tincanCreateRequire } from 'node:module';",
  'const require = tincanCreateRequire(import.meta.url);',
].join('\n');

const addonName = (arch) => `datapath-linux-${arch}.node`;

/** SOURCE_DATE_EPOCH (seconds, reproducible-builds.org) where it is given, so that equal sources give equal bytes. */
function buildTimeMs() {
  const epoch = Number(process.env.SOURCE_DATE_EPOCH);
  return epoch > 0 ? epoch * 1000 : Date.now();
}

async function bundle({ entry, name, minify, budgetBytes }, output) {
  const { build } = await import('esbuild');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // Written beside and renamed, so that a running agent never sees half a file.
  const unfinished = join(output, `.${process.pid}-${name}`);
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: unfinished,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minify,
    // Some 40 kB: a stack trace from a board has to name its functions.
    keepNames: true,
    legalComments: 'eof',
    external: ['node-datachannel', 'onoff', '*.node'],
    banner: { js: BANNER },
    define: { TINCAN_VERSION: JSON.stringify(version), TINCAN_BUILD_TIME_MS: String(buildTimeMs()) },
    metafile: true,
    logLevel: 'error',
  });
  const { bytes } = Object.values(result.metafile.outputs)[0];
  if (bytes > budgetBytes) {
    throw new Error(
      `dist/${name} is ${bytes} bytes and its budget is ${budgetBytes}: see what was added to it.`,
    );
  }
  if (budgetBytes !== Number.POSITIVE_INFINITY) refuseBeyondAscii(unfinished, name);
  chmodSync(unfinished, 0o755);
  renameSync(unfinished, join(output, name));
  return `dist/${name} ${(bytes / 1000).toFixed(0)} kB${budgetBytes === Number.POSITIVE_INFINITY ? '' : ` of ${budgetBytes / 1000} kB`}`;
}

/**
 * One character beyond ASCII, and V8 keeps the whole source with two bytes a character: a megabyte more in every agent.
 * esbuild escapes them everywhere but in tagged templates.
 */
function refuseBeyondAscii(file, name) {
  const source = readFileSync(file, 'latin1');
  const at = source.search(/[\x80-\xff]/);
  if (at < 0) return;
  const near = source.slice(Math.max(0, at - 60), at);
  throw new Error(
    `dist/${name} has a character beyond ASCII behind '${near}': escape it, in HTML by its name.`,
  );
}

/** Builds for each architecture; one that only lacks its cross compiler is reported and left out. */
async function buildAddons(arches, output, quiet) {
  const { buildNative } = await import('../agent/native/build.mjs');
  const lines = [];
  for (const arch of arches) {
    try {
      await buildNative({ arch, outputDirectory: output, quiet });
      lines.push(`dist/${addonName(arch)}`);
    } catch (error) {
      if (arch === process.arch || arches.length === 1) throw error;
      lines.push(`left out ${addonName(arch)}: ${error.message}`);
    }
  }
  return lines;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: process.arch },
      output: { type: 'string', default: products },
      quiet: { type: 'boolean', default: false },
    },
  });
  if (!['x64', 'arm64', 'all'].includes(values.arch)) {
    throw new Error(`--arch ${values.arch} is not one of x64, arm64, all.`);
  }
  const arches =
    values.arch === 'all' ? [process.arch, process.arch === 'x64' ? 'arm64' : 'x64'] : [values.arch];
  return { arches, output: resolve(values.output), quiet: values.quiet };
}

async function main() {
  const { arches, output, quiet } = readOptions();
  const outputs = [...BUNDLES.map(({ name }) => name), ...arches.map(addonName)].map(
    (name) => `dist/${name}`,
  );
  if (quiet && isFresh(root, outputs)) return;
  const startedAt = new Date();
  mkdirSync(output, { recursive: true });
  const lines = [];
  for (const one of BUNDLES) lines.push(await bundle(one, output));
  lines.push(...(await buildAddons(arches, output, quiet)));
  if (output === products) markFresh(root, startedAt);
  if (!quiet) console.log(lines.join('\n'));
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : String(error));
  const forgivable = error?.code === 'no-compiler' && process.env.npm_lifecycle_event === 'prepare';
  process.exitCode = forgivable ? 0 : 1;
});
