/**
 * Fuzzes every way into the datapath (fuzz_target.c) with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, for
 * a fixed number of runs, from frames and packets that are right. Needs clang and libclang-rt; no part of `npm test`.
 *   node test/native/fuzz.mjs [runs]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPILER_FLAGS } from '../../agent/native/build.mjs';

const DEFAULT_RUNS = 1_000_000;
const runs = Number(process.argv[2] ?? DEFAULT_RUNS);
const here = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../agent/native', import.meta.url));
const compiler = process.env.CLANG || 'clang';

if (!Number.isSafeInteger(runs) || runs < 1) {
  console.error(`The number of runs '${process.argv[2]}' is no positive integer.`);
  process.exit(2);
}
if (spawnSync(compiler, ['--version']).status !== 0) {
  console.error(
    `Fuzzing needs ${compiler} with libFuzzer: apt-get install clang libclang-rt-14-dev libssl-dev.`,
  );
  process.exit(1);
}

/** An Ethernet frame from node 1 to node 2 of node_pair.h with TCP in it, its checksums right (ACK, 4 bytes of data). */
function tcpFrame(sequence, id) {
  const frame = Buffer.from(
    `020000000002020000000001080045000000${'00000000'}4006${'0000'}0a4000010a400002` +
      '04d20007000000000000000150101000000000006162636400',
    'hex',
  ).subarray(0, 58);
  frame.writeUInt16BE(44, 16);
  frame.writeUInt16BE(id, 18);
  frame.writeUInt16BE(0x4000, 20);
  frame.writeUInt32BE(sequence, 38);
  frame.writeUInt16BE(internetSum([frame.subarray(14, 34)]), 24);
  const pseudo = Buffer.concat([frame.subarray(26, 34), Buffer.from([0, 6, 0, 24])]);
  frame.writeUInt16BE(internetSum([pseudo, frame.subarray(34)]), 50);
  return frame;
}

function internetSum(parts) {
  const bytes = Buffer.concat(parts);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** One input that goes far on each way in. */
function seeds() {
  const frame = tcpFrame(1000, 1);
  const following = tcpFrame(1004, 2);
  const counted = (bytes, unsummed = 0) => Buffer.concat([Buffer.from([unsummed, bytes.length]), bytes]);
  // needs checksum, TCP4, header 54, segments of 2, checksum at 34 + 16; in the machine's (little-endian) order
  const vnet = Buffer.from('0101360002002200', 'hex');
  return {
    kernel: Buffer.concat([Buffer.from([0]), vnet, Buffer.from('1000', 'hex'), frame]),
    anybody: Buffer.from('0104010000160000000000000000000000', 'hex'),
    peer: Buffer.concat([Buffer.from([2]), frame]),
    join: Buffer.concat([Buffer.from([3]), counted(frame), counted(following), Buffer.alloc(1)]),
    left: Buffer.concat([Buffer.from([3]), counted(frame, 0x80), counted(following, 0x80), Buffer.alloc(1)]),
  };
}

const directory = mkdtempSync(join(tmpdir(), 'tincan-fuzz-'));
const corpus = join(directory, 'corpus');
const program = join(directory, 'fuzz');
try {
  mkdirSync(corpus);
  for (const [name, input] of Object.entries(seeds())) writeFileSync(join(corpus, name), input);
  const objects = readdirSync(sources)
    .filter((name) => name.endsWith('.c') && !name.startsWith('binding'))
    .map((name) => join(sources, name));
  const flags = [...COMPILER_FLAGS, '-g', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'];
  const compile = spawnSync(
    compiler,
    [...flags, '-I', sources, '-I', here, join(here, 'fuzz_target.c'), ...objects, '-lcrypto', '-o', program],
    { stdio: 'inherit' },
  );
  const limits = [`-runs=${runs}`, '-seed=1', '-max_len=4096', `-artifact_prefix=${tmpdir()}/tincan-fuzz-`];
  const fuzzed =
    compile.status === 0 &&
    spawnSync(program, [...limits, '-print_final_stats=1', corpus], { stdio: 'inherit' }).status === 0;
  process.exitCode = fuzzed ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
