/**
 * Compiles frame_cost.c as the addon is compiled, with the system's libcrypto in place of Node's, and runs one on each
 * core at once: cores that share their execution units are then as slow as they are in use, whatever else runs.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPILER_FLAGS } from '../../agent/native/build.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../agent/native', import.meta.url));
const objects = readdirSync(sources)
  .filter((name) => name.endsWith('.c') && !name.startsWith('binding'))
  .map((name) => join(sources, name));

const directory = mkdtempSync(join(tmpdir(), 'tincan-frame-cost-'));
try {
  const program = join(directory, 'frame_cost');
  const flags = [...COMPILER_FLAGS, '-I', sources, '-I', here];
  const compile = [...flags, join(here, 'frame_cost.c'), ...objects, '-lcrypto', '-o', program];
  const compiled = spawnSync(process.env.CC || 'cc', compile, { stdio: 'inherit' }).status === 0;
  const onCore = (core) =>
    new Promise((resolve) => {
      const child = spawn('taskset', ['-c', String(core), program], { stdio: 'inherit' });
      child.on('error', () => resolve(1)).on('exit', resolve);
    });
  const codes = compiled ? await Promise.all(cpus().map((_, core) => onCore(core))) : [1];
  process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
