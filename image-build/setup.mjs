/**
 * Makes a fresh clone ready to run, and does nothing when it is: checks the machine, installs the dependencies, builds.
 * Runs before `npm run demo` and `npm test` with Node alone, so it imports nothing that has to be installed.
 * Says everything on stderr: what comes after it owns stdout (`npm run demo -- --json`).
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isFresh } from './freshness.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Lines of a failed command's output that are shown: npm gives its reason first, compilers give theirs last. */
const FIRST_LINES = 10;
const LAST_LINES = 20;
const OUTPUTS = [
  'dist/tincan.js',
  'dist/image.js',
  'dist/demo.js',
  'dist/bench.js',
  `dist/datapath-linux-${process.arch}.node`,
];

/** One sentence why Tincan cannot run on this machine, or null. */
function machineProblem() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    return `Tincan needs Node 20.19 or newer and this is ${process.versions.node}: install a newer Node, for example from https://nodejs.org.`;
  }
  if (process.platform !== 'linux') {
    return `Tincan runs on Linux (TAP devices, network namespaces) and this is ${process.platform}: use a Linux machine or a virtual one.`;
  }
  if (process.arch === 'x64' || process.arch === 'arm64') return null;
  return ['arm', 'ia32'].includes(process.arch)
    ? `This Node is 32-bit (${process.arch}) and Tincan needs a 64-bit system (x64 or arm64), for which its WebRTC library has a binary: install the 64-bit edition of the operating system.`
    : `Tincan runs on x64 and arm64 and this machine is ${process.arch}.`;
}

/** True when node_modules holds exactly what package-lock.json asks for. */
function isInstalled() {
  const installedLock = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedLock)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    // The root package is not inside node_modules, and packages for other platforms are left out.
    if (path === '' || (optional && !present[path])) return true;
    return present[path]?.version === version;
  });
}

/** Runs a command, shows that it goes on, and keeps its output for the case that it fails. */
function run(label, command, args) {
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1);
  const live = process.stderr.isTTY;
  process.stderr.write(live ? `${label} …` : `${label} …\n`);
  const ticker = live
    ? setInterval(() => process.stderr.write(`\r${label} … ${seconds()} s`), 500)
    : undefined;
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk) => {
      output += chunk;
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const stop = (signal) => child.kill(signal);
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const done = (succeeded, reason) => {
      clearInterval(ticker);
      process.off('SIGINT', stop).off('SIGTERM', stop);
      process.stderr.write(`${live ? '\r' : ''}${label}: ${succeeded ? 'done' : reason} in ${seconds()} s\n`);
      if (!succeeded) process.stderr.write(`${extract(output)}\n`);
      resolve(succeeded);
    };
    child.once('error', (error) => done(false, error.message));
    child.once('close', (code, signal) =>
      done(code === 0, signal ? `stopped by ${signal}` : `failed (exit ${code})`),
    );
  });
}

function extract(output) {
  const lines = output.trimEnd().split('\n');
  if (lines.length <= FIRST_LINES + LAST_LINES) return lines.join('\n');
  return [...lines.slice(0, FIRST_LINES), '…', ...lines.slice(-LAST_LINES)].join('\n');
}

function install() {
  // Scripts stay off: no dependency needs one, and what `prepare` would build is built, and shown, by the next step.
  const ci = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  return npm
    ? run('Installing dependencies', process.execPath, [npm, ...ci])
    : run('Installing dependencies', 'npm', ci);
}

async function main() {
  const problem = machineProblem();
  if (problem) {
    process.stderr.write(`${problem}\n`);
    return false;
  }
  if (!isInstalled() && !(await install())) return false;
  if (isFresh(root, OUTPUTS)) return true;
  return run('Building', process.execPath, [join(root, 'image-build/build.mjs')]);
}

process.exitCode = (await main()) ? 0 : 1;
