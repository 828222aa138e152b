/** What the package tells people: the manual page and completions, made from the commands; copyright and changelog. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

/** Writes them into `tree`. `packages` are the npm packages inside, as {name, version, license}. */
export async function writeDocuments({ root, tree, version, packages, epoch }) {
  const share = join(tree, 'usr/share');
  const files = {
    ...(await referenceFiles(root, version, new Date(epoch * 1_000).toISOString().slice(0, 10))),
    'doc/tincan/changelog': readFileSync(join(root, 'CHANGELOG.md')),
    'doc/tincan/copyright': copyright(readFileSync(join(root, 'LICENSE'), 'utf8'), packages),
  };
  for (const [place, content] of Object.entries(files)) {
    const isPacked = /^man\/|changelog$/.test(place);
    const path = join(share, isPacked ? `${place}.gz` : place);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, isPacked ? gzipSync(content, { level: 9 }) : content);
  }
}

/** The commands are TypeScript: bundled for this one call, where what the bundle leaves out is found. */
async function referenceFiles(root, version, date) {
  const { build } = await import('esbuild');
  const scratch = mkdtempSync(join(root, 'node_modules/.tincan-reference-'));
  try {
    const outfile = join(scratch, 'reference.mjs');
    await build({
      absWorkingDir: root,
      entryPoints: ['image-build/package/command-reference.ts'],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      external: ['node-datachannel', 'onoff', '*.node'],
      banner: { js: "import { createRequire as c } from 'node:module'; const require = c(import.meta.url);" },
      logLevel: 'error',
    });
    const reference = await import(pathToFileURL(outfile).href);
    return reference.referenceFiles(version, date);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function copyright(license, packages) {
  const inside = packages.map(
    ({ name, version, license: terms }) =>
      `  ${name} ${version}: ${terms} (/usr/lib/tincan/node_modules/${name})`,
  );
  return [
    'Tincan',
    '',
    license.trim(),
    '',
    'Packages of npm inside, each under its own terms:',
    '',
    ...inside,
    '',
    'The notices of what is bundled in tincan.js are at its end.',
    '',
  ].join('\n');
}
