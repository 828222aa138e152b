/** What the package tells people: copyright and changelog, as Debian wants them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Writes them into `tree`. `packages` are the npm packages inside, as {name, version, license}. */
export async function writeDocuments({ root, tree, packages }) {
  const place = join(tree, 'usr/share/doc/tincan');
  mkdirSync(place, { recursive: true });
  writeFileSync(
    join(place, 'changelog.gz'),
    gzipSync(readFileSync(join(root, 'CHANGELOG.md')), { level: 9 }),
  );
  writeFileSync(join(place, 'copyright'), copyright(readFileSync(join(root, 'LICENSE'), 'utf8'), packages));
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
