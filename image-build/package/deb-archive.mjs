/**
 * A Debian binary package from a staged tree, by dpkg-deb. Equal trees give equal bytes: times are SOURCE_DATE_EPOCH's,
 * modes are set here and not by the umask, and everything belongs to root.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** dpkg-deb's options; without compression for who throws the package away. */
const COMPRESSION = { xz: ['-Zxz', '-z6'], none: ['-Znone'] };

/**
 * Makes `<outputDirectory>/<name>_<version>_<debArch>.deb` of `tree`. `control` has the control file with its
 * @PLACEHOLDERS@ and the maintainer scripts by name; `epochSeconds` is the time of every file. Returns the path.
 */
export async function buildDeb({
  name,
  version,
  debArch,
  tree,
  control,
  conffiles = [],
  compression,
  epochSeconds,
  outputDirectory,
}) {
  const files = listFiles(tree);
  const place = join(tree, 'DEBIAN');
  mkdirSync(place);
  const { control: template, ...scripts } = control;
  const sizeKib = Math.ceil(files.reduce((sum, { bytes }) => sum + Math.max(bytes, 4_096), 0) / 1_024);
  const values = { VERSION: version, ARCH: debArch, SIZE: String(sizeKib), LIBC: await newestGlibc(files) };
  writeFileSync(
    join(place, 'control'),
    template.replace(/@([A-Z]+)@/g, (_, key) => values[key]),
  );
  for (const [script, text] of Object.entries(scripts)) writeFileSync(join(place, script), text);
  if (conffiles.length > 0)
    writeFileSync(join(place, 'conffiles'), conffiles.map((path) => `${path}\n`).join(''));
  writeFileSync(
    join(place, 'md5sums'),
    files.map(({ path }) => `${md5(path)}  ${relative(tree, path)}\n`).join(''),
  );
  normalise(tree, epochSeconds, new Set(Object.keys(scripts)));

  mkdirSync(outputDirectory, { recursive: true });
  const output = join(outputDirectory, `${name}_${version}_${debArch}.deb`);
  const unfinished = join(outputDirectory, `.${process.pid}-${name}.deb`);
  try {
    await run('dpkg-deb', ['--root-owner-group', ...COMPRESSION[compression], '--build', tree, unfinished], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(epochSeconds) },
    });
    renameSync(unfinished, output);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new Error('Packages are made by dpkg-deb, which is not installed: apt-get install dpkg.', {
      cause: error,
    });
  } finally {
    rmSync(unfinished, { force: true });
  }
  return output;
}

function listFiles(tree) {
  return readdirSync(tree, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path, bytes: lstatSync(path).size }));
}

function md5(path) {
  return createHash('md5').update(readFileSync(path)).digest('hex');
}

/** 755 for folders, programs and scripts, 644 for the rest, and one time for all. */
function normalise(tree, epochSeconds, scripts) {
  for (const entry of readdirSync(tree, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) continue;
    const isScript = relative(tree, path).startsWith('DEBIAN/') && scripts.has(entry.name);
    const runs = entry.isDirectory() || isScript || isProgram(path);
    chmodSync(path, runs ? 0o755 : 0o644);
    utimesSync(path, epochSeconds, epochSeconds);
  }
  chmodSync(tree, 0o755);
  utimesSync(tree, epochSeconds, epochSeconds);
}

function isProgram(path) {
  return (lstatSync(path).mode & 0o100) !== 0 && /\/(bin|service)\/[^/]+$/.test(path);
}

/** The newest glibc that any of the binaries asks for: the package depends on it. */
async function newestGlibc(files) {
  const binaries = files.filter(({ path }) => isElf(path)).map(({ path }) => path);
  if (binaries.length === 0) return '2.28';
  const { stdout } = await run('readelf', ['--version-info', ...binaries], { maxBuffer: 1 << 26 });
  const versions = [...stdout.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [
    Number(major),
    Number(minor),
  ]);
  const [major, minor] = versions.sort((a, b) => a[0] - b[0] || a[1] - b[1]).at(-1) ?? [2, 28];
  return `${major}.${minor}`;
}

function isElf(path) {
  return /(\.node|\/bin\/node)$/.test(path);
}
