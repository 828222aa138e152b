/**
 * Compiles each C test of the datapath with AddressSanitizer and UndefinedBehaviorSanitizer, the one with threads with
 * ThreadSanitizer too, runs it, and prints 'N passed, N failed' over all. Node lends its libcrypto to the addon; here the system's stands in (libssl-dev).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPILER_FLAGS } from '../../agent/native/build.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../agent/native', import.meta.url));
const compiler = process.env.CC || 'cc';
const MEMORY_SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
/** It cannot be in one program with the others, and only a test with threads gives it anything to see. */
const THREAD_SANITIZER = ['-fsanitize=thread'];
const DEBUGGING = ['-fno-omit-frame-pointer', '-g'];
const RUN_LIMIT_MS = 60_000;

/** Everything but the binding, which needs Node. */
const objects = readdirSync(sources)
  .filter((name) => name.endsWith('.c') && !name.startsWith('binding'))
  .map((name) => join(sources, name));

function run(program, args) {
  const result = spawnSync(program, args, { encoding: 'utf8', timeout: RUN_LIMIT_MS });
  return {
    ok: result.status === 0,
    output: `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`,
  };
}

function runTest(name, sanitizers, directory) {
  const program = join(directory, name.replace('.c', ''));
  const flags = [...COMPILER_FLAGS, ...sanitizers, ...DEBUGGING, '-I', sources, '-I', here];
  const compiled = run(compiler, [...flags, join(here, name), ...objects, '-lcrypto', '-o', program]);
  if (!compiled.ok) return { passed: 0, failed: 1, output: compiled.output };
  const ran = run(program, []);
  const [, passed = '0', failed = '0'] = ran.output.match(/(\d+) passed, (\d+) failed/) ?? [];
  // A test that a sanitizer ended has no last line, or one from before the fault.
  const fell = ran.ok ? 0 : Math.max(1, Number(failed));
  return { passed: Number(passed), failed: fell, output: ran.ok ? '' : ran.output };
}

if (!run(compiler, ['--version']).ok) {
  console.error(
    `The datapath's C tests need the compiler ${compiler}: apt-get install gcc libc6-dev libssl-dev.`,
  );
  console.log('0 passed, 1 failed');
  process.exit(1);
}
const directory = mkdtempSync(join(tmpdir(), 'tincan-native-test-'));
let passed = 0;
let failed = 0;
try {
  const names = readdirSync(here).filter((file) => file.endsWith('_test.c'));
  const builds = [...names.map((name) => [name, MEMORY_SANITIZERS]), ['threads_test.c', THREAD_SANITIZER]];
  for (const [name, sanitizers] of builds) {
    const result = runTest(name, sanitizers, directory);
    passed += result.passed;
    failed += result.failed;
    const said = `${result.passed} passed, ${result.failed} failed`;
    console.log(`${name.padEnd(24)} ${said}${result.output ? `\n${result.output}` : ''}`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
