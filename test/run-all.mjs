/**
 * Runs every test that needs no SD image, in the order in which a failure says most: types and lint, the datapath's C,
 * then vitest's tiers. Ends with one line `N passed, N failed, N skipped`, and before it says why each skip was one.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'tincan-tests-'));
const TIERS = ['architecture', 'unit', 'contract', 'integration', 'e2e'];

const bin = (name) => join(root, 'node_modules/.bin', name);
const none = { passed: 0, failed: 0, skipped: [] };

/** Runs a program with its output shown as it comes; resolves with its exit code and what it said on stdout. */
function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      process.stdout.write(chunk);
    });
    child.once('error', (error) => resolve({ code: 1, stdout: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, stdout }));
  });
}

/** A program that either succeeds or not counts as one test. */
async function check(command, args) {
  const { code } = await run(command, args);
  return { ...none, ...(code === 0 ? { passed: 1 } : { failed: 1 }) };
}

/** The C tests end with one line `N passed, N failed`; none of them is ever skipped. */
async function native() {
  const { code, stdout } = await run(process.execPath, ['test/native/run.mjs']);
  const counts = stdout.match(/^(\d+) passed, (\d+) failed$/m);
  if (!counts) return { ...none, failed: 1 };
  const [passed, failed] = counts.slice(1).map(Number);
  return { ...none, passed, failed: code === 0 ? failed : Math.max(failed, 1) };
}

async function tier(name) {
  const countFile = join(scratch, `${name}.json`);
  const reporters = ['--reporter=default', '--reporter=./test/counting-reporter.mjs'];
  const { code } = await run(bin('vitest'), ['run', '--project', name, '--passWithNoTests', ...reporters], {
    TINCAN_TEST_COUNT: countFile,
  });
  const count = existsSync(countFile) ? JSON.parse(readFileSync(countFile, 'utf8')) : none;
  return { ...count, failed: code === 0 ? count.failed : Math.max(count.failed, 1) };
}

const PARTS = [
  { name: 'types', test: () => check(bin('tsc'), ['--noEmit']) },
  { name: 'lint', test: () => check(bin('biome'), ['check', '--error-on-warnings', '.']) },
  { name: 'native', test: native },
  ...TIERS.map((name) => ({ name, test: () => tier(name) })),
];

async function main() {
  const total = { passed: 0, failed: 0, skipped: [] };
  const failedParts = [];
  for (const { name, test } of PARTS) {
    console.log(`\n── ${name} ──`);
    const { passed, failed, skipped } = await test();
    total.passed += passed;
    total.failed += failed;
    total.skipped.push(...skipped.map((reason) => `${name}: ${reason}`));
    if (failed > 0) failedParts.push(name);
  }
  console.log('');
  for (const reason of total.skipped) console.log(`skipped ${reason}`);
  if (failedParts.length > 0) console.log(`Failures in: ${failedParts.join(', ')} (see above)`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped.length} skipped`);
  return total.failed === 0 ? 0 : 1;
}

process.exitCode = await main().finally(() => rmSync(scratch, { recursive: true, force: true }));
