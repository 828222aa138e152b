/** Compiles aead_cost.c as the addon is compiled, with the system's libcrypto in place of Node's, and runs it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPILER_FLAGS } from '../../agent/native/build.mjs';

const program = fileURLToPath(new URL('aead_cost.c', import.meta.url));
const sources = fileURLToPath(new URL('../../agent/native', import.meta.url));
const objects = ['aead.c', 'packet.c'].map((name) => join(sources, name));

const directory = mkdtempSync(join(tmpdir(), 'tincan-aead-cost-'));
try {
  const binary = join(directory, 'aead_cost');
  const compile = [...COMPILER_FLAGS, '-I', sources, program, ...objects, '-lcrypto', '-o', binary];
  const steps = [
    [process.env.CC || 'cc', compile],
    [binary, []],
  ];
  process.exitCode = steps.every(
    ([command, args]) => spawnSync(command, args, { stdio: 'inherit' }).status === 0,
  )
    ? 0
    : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
