/** The npm packages that the agent loads at run time, for one architecture, without what only their makers need. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildEpoll } from './epoll-addon.mjs';

const run = promisify(execFile);

/** Folders and files of a package that nothing loads. */
const SUPERFLUOUS = {
  folders: [
    'src',
    'test',
    'tests',
    'examples',
    'example',
    'integration-test',
    'docs',
    'dist/types',
    'dist/cjs',
  ],
  files: /(\.d\.[cm]?ts|\.map|\.md|\.gyp|\.config\.[cm]?[jt]s|tsconfig\.json|CMakeLists\.txt|^\..*)$/i,
};
/** Needed to compile epoll only. */
const BUILD_ONLY = ['nan', '.bin', '.package-lock.json'];

/**
 * Puts node_modules for `arch` (x64, arm64) at `target`: what package-lock.json names, with its hashes, and epoll
 * compiled. Returns the packages as {name, version, license}.
 */
export async function installNodeModules({ root, arch, target }) {
  const scratch = mkdtempSync(join(tmpdir(), 'tincan-modules-'));
  try {
    for (const file of ['package.json', 'package-lock.json'])
      copyFileSync(join(root, file), join(scratch, file));
    const platform = [`--cpu=${arch}`, '--os=linux', '--libc=glibc'];
    await npm(['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', ...platform], scratch);
    const modules = join(scratch, 'node_modules');
    if (!existsSync(join(modules, 'epoll')))
      throw new Error('npm left out the optional package epoll (GPIO).');
    await buildEpoll({
      arch,
      epollDirectory: join(modules, 'epoll'),
      nanDirectory: join(modules, 'nan'),
    });
    for (const name of BUILD_ONLY) rmSync(join(modules, name), { recursive: true, force: true });
    const packages = packageDirectories(modules).map((directory) => {
      prune(directory);
      const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
      return { name, version, license };
    });
    await run('cp', ['-a', '--no-preserve=ownership', modules, target]);
    return packages;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function npm(args, cwd) {
  try {
    await run('npm', args, { cwd });
  } catch (error) {
    const reason = (error.stderr || error.message).trim().split('\n')[0];
    throw new Error(`npm ${args[0]} failed: is there a network? npm says: ${reason}`, { cause: error });
  }
}

function packageDirectories(modules) {
  return readdirSync(modules)
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
    )
    .map((name) => join(modules, name));
}

/** A licence may be Markdown, and stays with what it allows. */
function isSuperfluous(name) {
  return SUPERFLUOUS.files.test(name) && !/^licen[cs]e/i.test(name);
}

function prune(directory) {
  for (const folder of SUPERFLUOUS.folders) {
    rmSync(join(directory, folder), { recursive: true, force: true });
  }
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && isSuperfluous(entry.name)) rmSync(join(entry.parentPath, entry.name));
  }
}
