/**
 * Compiles the datapath addon with the C compiler alone: Node's headers come from npm (node-api-headers), OpenSSL's
 * functions from the node binary that loads it (libcrypto.h).
 *   node agent/native/build.mjs [x64|arm64] [output directory]
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));

/** Also for the C unit tests, so that they compile what the addon compiles. */
export const COMPILER_FLAGS = [
  '-std=gnu11',
  '-D_GNU_SOURCE',
  '-O2',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-fvisibility=hidden',
  '-pthread',
];

const COMPILERS = {
  x64: { cross: 'x86_64-linux-gnu-gcc', package: 'gcc-x86-64-linux-gnu' },
  arm64: { cross: 'aarch64-linux-gnu-gcc', package: 'gcc-aarch64-linux-gnu' },
};

/** An error with `code` 'no-compiler' or 'compile-failed', and one sentence. */
class BuildError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}

function compilerFor(arch) {
  if (arch === process.arch) return process.env.CC || 'cc';
  return COMPILERS[arch].cross;
}

function missingCompiler(arch, compiler) {
  const install = arch === process.arch ? 'gcc libc6-dev' : COMPILERS[arch].package;
  return new BuildError(
    'no-compiler',
    `The datapath for ${arch} needs the C compiler ${compiler}, which is not installed: apt-get install ${install}.`,
  );
}

function sources(extension) {
  return readdirSync(here)
    .filter((name) => name.endsWith(extension))
    .map((name) => join(here, name));
}

function isFresh(output) {
  if (!existsSync(output)) return false;
  const builtMs = statSync(output).mtimeMs;
  return [...sources('.c'), ...sources('.h'), fileURLToPath(import.meta.url)].every(
    (file) => statSync(file).mtimeMs < builtMs,
  );
}

/** Makes `<outputDirectory>/datapath-linux-<arch>.node` unless it is newer than every source; returns its path. */
export async function buildNative({ arch, outputDirectory, quiet = false }) {
  if (!Object.hasOwn(COMPILERS, arch)) {
    throw new BuildError('compile-failed', `There is no datapath for ${arch}: choose x64 or arm64.`);
  }
  const output = join(outputDirectory, `datapath-linux-${arch}.node`);
  if (isFresh(output)) return output;
  mkdirSync(outputDirectory, { recursive: true });
  const compiler = compilerFor(arch);
  // Written beside and renamed: a process that has the old one loaded keeps it.
  const unfinished = join(outputDirectory, `.${process.pid}-datapath-linux-${arch}.node`);
  const { include_dir: nodeHeaders } = createRequire(import.meta.url)('node-api-headers');
  const flags = [...COMPILER_FLAGS, '-fPIC', '-shared', '-Wl,-z,relro,-z,now', '-s', '-I', nodeHeaders];
  try {
    await run(compiler, [...flags, ...sources('.c'), '-o', unfinished]);
  } catch (error) {
    if (error.code === 'ENOENT') throw missingCompiler(arch, compiler);
    throw new BuildError('compile-failed', `Compiling the datapath failed:\n${error.stderr}`, {
      cause: error,
    });
  }
  renameSync(unfinished, output);
  if (!quiet) console.log(`built ${output}`);
  return output;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [arch = process.arch, outputDirectory = join(here, '../../dist')] = process.argv.slice(2);
  buildNative({ arch, outputDirectory }).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
