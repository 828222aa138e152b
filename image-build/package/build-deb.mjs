/**
 * Makes the Debian packages, tincan and tincan-node, for one architecture; arm64 on any machine with its compilers.
 *   node image-build/package/build-deb.mjs [--arch arm64|amd64] [--out DIR] [--only tincan|tincan-node] [--compression xz|none] [--json]
 * Two builds of one commit give the same bytes: times are SOURCE_DATE_EPOCH's, else the commit's.
 */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { buildDeb } from './deb-archive.mjs';
import { writeDocuments } from './documents.mjs';
import { installNodeModules } from './node-modules.mjs';
import { NODE_VERSION, unpackPinned } from './pinned-npm.mjs';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));

/** Debian's name of each architecture, and Node's. */
const ARCHES = { amd64: 'x64', arm64: 'arm64' };
const STRIP = { x64: 'x86_64-linux-gnu-strip', arm64: 'aarch64-linux-gnu-strip' };

const controlFile = (name) => readFileSync(join(here, 'control', name), 'utf8');

/** What the bundle, the addon and the packages depend on in time. */
async function epochSeconds() {
  const given = Number(process.env.SOURCE_DATE_EPOCH);
  if (given > 0) return given;
  const { stdout } = await run('git', ['log', '-1', '--format=%ct'], { cwd: root }).catch(() => ({
    stdout: '',
  }));
  return Number(stdout.trim()) || Math.floor(Date.now() / 1_000);
}

async function buildTincan({ debArch, arch, compression, epoch, scratch, outputDirectory }) {
  const tree = join(scratch, 'tincan');
  cpSync(join(here, 'tree'), tree, { recursive: true });
  const program = join(tree, 'usr/lib/tincan');
  const built = join(scratch, 'dist');
  await run(process.execPath, [join(root, 'image-build/build.mjs'), '--arch', arch, '--output', built], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
  });
  mkdirSync(join(program, 'dist'));
  // The bundle is an ES module, and nothing but a package.json says so.
  writeFileSync(join(program, 'package.json'), '{ "type": "module" }\n');
  for (const file of ['tincan.js', 'image.js', `datapath-linux-${arch}.node`]) {
    if (existsSync(join(built, file))) copyFileSync(join(built, file), join(program, 'dist', file));
  }
  const packages = await installNodeModules({ root, arch, target: join(program, 'node_modules') });
  const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
  await writeDocuments({ root, tree, version, packages, epoch });
  return buildDeb({
    name: 'tincan',
    version,
    debArch,
    tree,
    control: {
      control: controlFile('control'),
      postinst: controlFile('postinst'),
      prerm: controlFile('prerm'),
      postrm: controlFile('postrm'),
    },
    conffiles: ['/etc/default/tincan'],
    compression,
    epochSeconds: epoch,
    outputDirectory,
  });
}

async function buildNode({ debArch, arch, compression, epoch, scratch, outputDirectory }) {
  const tree = join(scratch, 'tincan-node');
  const unpacked = join(scratch, 'node');
  await unpackPinned(`node-linux-${arch}@${NODE_VERSION}`, ['bin/node', 'LICENSE'], unpacked);
  const binaries = join(tree, 'usr/lib/tincan/node/bin');
  const documents = join(tree, 'usr/share/doc/tincan-node');
  for (const directory of [binaries, documents]) mkdirSync(directory, { recursive: true });
  await strip(arch, join(unpacked, 'bin/node'), join(binaries, 'node'));
  copyFileSync(join(unpacked, 'LICENSE'), join(documents, 'copyright'));
  const changelog = `tincan-node (${NODE_VERSION}): nodejs.org's build, as the npm package node-linux-${arch} has it, stripped.\n`;
  writeFileSync(join(documents, 'changelog.gz'), gzipSync(changelog, { level: 9 }));
  return buildDeb({
    name: 'tincan-node',
    version: NODE_VERSION,
    debArch,
    tree,
    control: { control: controlFile('control-node') },
    compression,
    epochSeconds: epoch,
    outputDirectory,
  });
}

/** Without the table of symbols, which is for debuggers: a sixth of the file. */
async function strip(arch, from, to) {
  const command = arch === process.arch ? 'strip' : STRIP[arch];
  try {
    await run(command, ['-o', to, from]);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    const debianPackage = `binutils${arch === process.arch ? '' : `-${arch === 'x64' ? 'x86-64' : 'aarch64'}-linux-gnu`}`;
    throw new Error(`${command} is not installed: apt-get install ${debianPackage}.`, { cause: error });
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: process.arch === 'x64' ? 'amd64' : process.arch },
      out: { type: 'string', default: join(root, 'dist') },
      only: { type: 'string' },
      compression: { type: 'string', default: 'xz' },
      json: { type: 'boolean', default: false },
    },
  });
  if (!Object.hasOwn(ARCHES, values.arch))
    throw new Error(`--arch ${values.arch} is not one of amd64, arm64.`);
  if (values.only !== undefined && !['tincan', 'tincan-node'].includes(values.only)) {
    throw new Error(`--only ${values.only} is not one of tincan, tincan-node.`);
  }
  if (!['xz', 'none'].includes(values.compression)) {
    throw new Error(`--compression ${values.compression} is not one of xz, none.`);
  }
  return values;
}

async function main() {
  const { arch: debArch, out, only, compression, json } = readOptions();
  const scratch = mkdtempSync(join(tmpdir(), 'tincan-deb-'));
  try {
    const work = {
      debArch,
      arch: ARCHES[debArch],
      compression,
      epoch: await epochSeconds(),
      scratch,
      outputDirectory: resolve(out),
    };
    const made = [];
    if (only !== 'tincan-node') made.push(await buildTincan(work));
    if (only !== 'tincan') made.push(await buildNode(work));
    if (json) console.log(JSON.stringify({ packages: made }));
    else
      for (const path of made) console.log(`${basename(path)} ${(statSync(path).size / 1e6).toFixed(1)} MB`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
