/** The exact Debian packages of an image: a file that makes the next build take the same ones, or refuse. */
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { Refusal, sentenceOf, UsageError } from '../../agent/errors.ts';

const PackageSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9+.-]+$/)),
  version: v.pipe(v.string(), v.regex(/^[0-9][A-Za-z0-9.+~:-]*$/)),
  architecture: v.picklist(['all', 'amd64', 'arm64']),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

const LockSchema = v.strictObject({
  board: v.string(),
  suite: v.string(),
  /** Seconds: no file of the image is younger, and the board's clock never goes below it. */
  epoch: v.pipe(v.number(), v.integer(), v.minValue(1)),
  packages: v.array(PackageSchema),
});

export type LockedPackage = v.InferOutput<typeof PackageSchema>;
export type PackageLock = v.InferOutput<typeof LockSchema>;

/** Throws UsageError. */
export async function readLock(file: string, board: string): Promise<PackageLock> {
  let lock: PackageLock;
  try {
    lock = v.parse(LockSchema, JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new UsageError(`cannot use ${file} as a list of locked packages (${sentenceOf(error)})`, {
      cause: error,
    });
  }
  if (lock.board === board) return lock;
  throw new UsageError(`${file} locks the packages of board ${lock.board}, and the image is for ${board}`);
}

/** For apt: these versions, even where that is a step back. */
export function pinsOf(lock: PackageLock): string {
  return lock.packages
    .map(({ name, version }) => `Package: ${name}\nPin: version ${version}\nPin-Priority: 1001\n`)
    .join('\n');
}

/** What `sha256sum *.deb` printed in apt's archive, whose file names are `name_version_architecture.deb`. */
export function packagesOf(sums: string): LockedPackage[] {
  return sums
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [sha256 = '', file = ''] = line.split(/ [ *]/);
      const [name, version = '', architecture] = file.replace(/\.deb$/, '').split('_');
      return v.parse(PackageSchema, { name, version: decodeURIComponent(version), architecture, sha256 });
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Throws Refusal('not-as-locked') which names what differs. */
export function requireAsLocked(found: readonly LockedPackage[], lock: PackageLock): void {
  const text = ({ name, version, sha256 }: LockedPackage) => `${name} ${version} ${sha256}`;
  const locked = new Set(lock.packages.map(text));
  const differing = found
    .filter((one) => !locked.has(text(one)))
    .map(({ name, version }) => `${name} ${version}`);
  if (differing.length === 0 && found.length === lock.packages.length) return;
  const examples =
    differing.slice(0, 5).join(', ') || `${found.length} packages instead of ${lock.packages.length}`;
  throw new Refusal(
    'not-as-locked',
    `the mirror no longer has all locked packages (${examples}): name one that does with --mirror (snapshot.debian.org keeps all), or build without --locked`,
  );
}
