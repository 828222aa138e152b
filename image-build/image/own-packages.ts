/** Our own Debian packages, the agent and its Node.js: made from the sources, or taken as they were given. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { sentenceOf, UsageError } from '../../agent/errors.ts';
import type { Board } from './board.ts';
import { digestOfPath } from './digest.ts';
import { runProgram } from './program.ts';
import type { Step } from './step-store.ts';

const PACKAGE_NAMES = ['tincan', 'tincan-node'];

const LockfileSchema = v.object({
  packages: v.record(
    v.string(),
    v.object({
      version: v.optional(v.string()),
      license: v.optional(v.string()),
      dev: v.optional(v.boolean()),
    }),
  ),
});

export interface OwnPackagesRequest {
  readonly board: Board;
  readonly sources: string;
  readonly epoch: number;
  readonly signal: AbortSignal;
}

/** The directories and files of the sources that the packages are made of. */
const SOURCES = [
  'agent',
  'provisioning',
  'sensors',
  'image-build',
  'package.json',
  'package-lock.json',
  'README.md',
];

/** The step that makes the packages. */
export async function ownPackagesStep(request: OwnPackagesRequest): Promise<Step> {
  const { board, sources, epoch, signal } = request;
  const script = join(sources, 'image-build', 'package', 'build-deb.mjs');
  return {
    name: `own-${board.architecture}`,
    inputs: [String(epoch), ...(await Promise.all(SOURCES.map((name) => digestOfPath(join(sources, name)))))],
    async make(directory) {
      // Without compression: they are unpacked by an emulated dpkg, and thrown away.
      const options = ['--arch', board.architecture, '--out', directory, '--compression', 'none'];
      await runProgram(process.execPath, [script, ...options], {
        signal,
        environment: { SOURCE_DATE_EPOCH: String(epoch) },
      });
    },
  };
}

/** Paths of the .deb files. Throws UsageError where the directory has not exactly one of each, whole and for the board. */
export async function packagesIn(
  directory: string,
  { architecture }: Board,
  signal: AbortSignal,
): Promise<string[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    throw new UsageError(`cannot read the packages in ${directory}; make them with "npm run deb"`, { cause });
  });
  const advice = `make it with "npm run deb -- --arch ${architecture} --out ${directory}"`;
  const files = PACKAGE_NAMES.map((name) => {
    const found = names.filter(
      (file) => file.startsWith(`${name}_`) && file.endsWith(`_${architecture}.deb`),
    );
    const [file] = found;
    if (file !== undefined && found.length === 1) return { name, file: join(directory, file) };
    throw new UsageError(
      `${directory} has ${found.length} packages ${name}_…_${architecture}.deb, and one is needed; ${advice}`,
    );
  });
  for (const { name, file } of files) await requirePackage(file, name, architecture, advice, signal);
  return files.map(({ file }) => file);
}

/** A name says little: dpkg would refuse the package too, but only after the tree of Debian packages was made. */
async function requirePackage(
  file: string,
  name: string,
  architecture: string,
  advice: string,
  signal: AbortSignal,
): Promise<void> {
  const fields = await runProgram('dpkg-deb', ['--field', file, 'Package', 'Architecture'], { signal }).catch(
    (cause: unknown) => {
      throw new UsageError(`${file} is no whole Debian package (${sentenceOf(cause)}); ${advice}`, { cause });
    },
  );
  if (fields === `Package: ${name}\nArchitecture: ${architecture}\n`) return;
  throw new UsageError(
    `${file} holds "${fields.trim().replaceAll('\n', ', ')}" and not what its name says; ${advice}`,
  );
}

/** What the sources' lock file says that a device gets of npm. */
export async function npmPackagesOf(
  sources: string,
): Promise<{ name: string; version: string; license: string }[]> {
  const { packages } = v.parse(
    LockfileSchema,
    JSON.parse(await readFile(join(sources, 'package-lock.json'), 'utf8')),
  );
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path, { version, license }]) => ({
      name: path.replace(/^.*node_modules\//, ''),
      version: version ?? '',
      license: license ?? 'NOASSERTION',
    }));
}
