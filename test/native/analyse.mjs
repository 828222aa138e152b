/**
 * Reads the datapath's C with two static analysers: gcc -fanalyzer, and cppcheck where it is installed. No part of
 * `npm test`. Prints 'N passed, N failed'.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPILER_FLAGS } from '../../agent/native/build.mjs';

const sources = fileURLToPath(new URL('../../agent/native', import.meta.url));
const { include_dir: nodeHeaders } = createRequire(import.meta.url)('node-api-headers');
const files = readdirSync(sources)
  .filter((name) => name.endsWith('.c'))
  .map((name) => join(sources, name));

/**
 * What these versions (gcc 12, cppcheck 2.10) report wrongly: gcc loses a peer that table_set_peer has just put into the
 * table (AddressSanitizer looks for leaks in the tests); cppcheck takes the address of an array's element for its value,
 * an array argument for a short one, and a pointer for followed where its length is 0.
 */
const NOT_FAULTS = {
  gcc: ['-Wno-analyzer-malloc-leak'],
  cppcheck: ['uninitvar:*/socket_outbox.c', 'ctuPointerArith:*/table.c', 'ctunullpointer:*/event_ring.c'],
};

/** An analyser that is not installed is named, and has found nothing. */
function analyse(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error?.code === 'ENOENT')
    return { skipped: `${program} is not installed: apt-get install ${program}.` };
  return { passed: status === 0, output: `${stdout}${stderr}${error ?? ''}` };
}

const results = [
  ...files.map((file) => [
    `gcc -fanalyzer ${file.slice(sources.length + 1)}`,
    analyse('gcc', [
      ...COMPILER_FLAGS,
      '-fanalyzer',
      ...NOT_FAULTS.gcc,
      '-I',
      nodeHeaders,
      '-c',
      file,
      '-o',
      '/dev/null',
    ]),
  ]),
  [
    'cppcheck',
    analyse('cppcheck', [
      '--quiet',
      '--error-exitcode=1',
      '--enable=warning,performance,portability',
      ...NOT_FAULTS.cppcheck.map((fault) => `--suppress=${fault}`),
      '--std=c11',
      '-D_GNU_SOURCE',
      sources,
    ]),
  ],
];
for (const [name, { passed, skipped, output }] of results) {
  if (skipped) console.log(`skipped: ${skipped}`);
  else if (!passed) console.log(`${name}\n${output}`);
}
const failed = results.filter(([, { passed, skipped }]) => !passed && !skipped).length;
const passed = results.filter(([, result]) => result.passed).length;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
