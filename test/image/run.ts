/** The process `npm run test:image`: options, signals, outputs and the exit code. The cases are in image-journey.ts. */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentFault, sentenceOf, UsageError } from '../../agent/errors.ts';
import { emulatedBoard } from '../../image-build/machine/emulated-board.ts';
import { canUseKvm } from '../../image-build/machine/kvm.ts';
import { needPrograms } from '../../image-build/product/needed-programs.ts';
import { tincanCommand } from '../demo/tincan-command.ts';
import { Lab } from '../lab/lab.ts';
import { LabProcess } from '../lab/lab-process.ts';
import { GuestShell } from './guest-shell.ts';
import { ImageJourney } from './image-journey.ts';
import { HELP, type ImageTestOptions, readImageOptions, type TestedBoard } from './image-options.ts';
import { imageTestProblem, qemuFor } from './image-prerequisites.ts';
import { ImageReport, Untried } from './image-report.ts';
import { ImageScene } from './image-scene.ts';
import { TestCards } from './test-cards.ts';
import { boardsOf } from './tested-image.ts';

const MIRROR_PAUSE_MS = 30_000;
/** What a shell reports for a process that a signal ended is 128 plus its number. */
const STOP_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

async function main(stop: AbortController): Promise<number> {
  const options = readImageOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const report = new ImageReport((text) => void process.stderr.write(text));
  const problem = await imageTestProblem(options);
  if (problem !== null) {
    if (!options.isCi) throw new EnvironmentFault('cannot-test', problem);
    report.skip('npm run test:image', problem);
    finish(options, report);
    return 0;
  }
  const directory = await mkdtemp(join(tmpdir(), 'tincan-image-test-'));
  try {
    await runAll(options, report, directory, stop.signal);
  } catch (error) {
    // What was seen in an hour is told, also when the last minutes are not waited for.
    if (!stop.signal.aborted) throw error;
    report.note(`interrupted: ${sentenceOf(error)}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  finish(options, report);
  const isTried = report.count('passed') > 0 || report.count('skipped') > 0;
  return report.count('failed') === 0 && isTried ? 0 : 1;
}

async function runAll(
  options: ImageTestOptions,
  report: ImageReport,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const logs = resolve(options.logs ?? join(directory, 'logs'));
  await mkdir(logs, { recursive: true });
  const image = options.image ?? (await built(options, report, directory, signal));
  if (image === null) return;
  const isSound = await report.run('tincan image verify', () => verified(image, signal));
  if (!isSound) report.note('the boards are started all the same');
  report.measured('image', `${((await stat(image)).size / 1e6).toFixed(0)} MB`);
  const { boards, main: mainBoard } = await boardsOf(image, options.boards, signal);
  await needQemu([...boards, mainBoard], report);
  const cards = await TestCards.open(image, directory, signal);
  const lab = await Lab.open();
  const closeLab = (): void => void lab.close().catch(() => undefined);
  signal.addEventListener('abort', closeLab, { once: true });
  try {
    let scene: ImageScene | undefined;
    await report.run('LAN, router, broker, registrar and a member on the laptop', async () => {
      scene = await ImageScene.open(lab);
      return `${scene.laptop.identity.ip4}, ${scene.laptop.identity.ip6}`;
    });
    if (scene) {
      const shell = await GuestShell.make(scene.laptopHost, directory);
      const setting = { scene, cards, report, options, boards, mainBoard, shell, directory, logs, signal };
      await new ImageJourney(setting).run();
    }
  } finally {
    signal.removeEventListener('abort', closeLab);
    await cards.close();
    await lab.close();
  }
}

async function built(
  options: ImageTestOptions,
  report: ImageReport,
  directory: string,
  signal: AbortSignal,
): Promise<string | null> {
  const image = join(directory, `tincan-${options.build}.img`);
  const cache = options.cache === null ? [] : ['--cache', options.cache];
  const args = ['image', 'build', '--board', options.build, ...cache, '--out', image];
  const isBuilt = await report.run(`tincan image build --board ${options.build}`, async () => {
    await runTo(args, signal).catch(async (error: unknown) => {
      if (!isMirrorsFault(error)) throw error;
      report.note(`once more, because the mirror may be out of step: ${sentenceOf(error)}`);
      await sleep(MIRROR_PAUSE_MS, undefined, { signal });
      await runTo(args, signal).catch((again: unknown) => {
        if (!options.isCi || !isMirrorsFault(again)) throw again;
        throw new Untried(`the Debian mirror is out of step, twice: ${sentenceOf(again)}`);
      });
    });
    return image;
  });
  return isBuilt ? image : null;
}

/** What apt says of a mirror that is just being updated, or that is away. */
function isMirrorsFault(error: unknown): boolean {
  const words =
    /Failed to fetch|Hash Sum mismatch|unexpected size|404 +Not Found|Temporary failure resolving|Unable to fetch|unmet dependencies/i;
  return words.test(sentenceOf(error));
}

async function needQemu(boards: readonly TestedBoard[], report: ImageReport): Promise<void> {
  await needPrograms('testing an image', qemuFor(boards));
  for (const board of new Set(boards.map(emulatedBoard))) {
    report.note(`${board.name}: ${(await canUseKvm(board)) ? 'with KVM' : 'emulated, without KVM'}`);
  }
}

async function verified(image: string, signal: AbortSignal): Promise<string> {
  return (await runTo(['image', 'verify', image], signal)).at(-1) ?? '';
}

/** Runs a command of tincan to its end, and returns its last lines. Throws with them where it fails. */
async function runTo(args: readonly string[], signal: AbortSignal): Promise<string[]> {
  const command = new LabProcess(`tincan ${args.join(' ')}`, tincanCommand(...args));
  const stop = (): void => command.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  const { code } = await command.exited;
  signal.removeEventListener('abort', stop);
  const lines = command.lastLines(10);
  if (code !== 0) throw new EnvironmentFault('command-failed', lines.join(' | '));
  return lines;
}

function finish(options: ImageTestOptions, report: ImageReport): void {
  if (!options.json) {
    process.stdout.write(`\n${report.tables()}\n${report.lastLine}\n`);
    return;
  }
  const { cases, cuts, figures } = report;
  const counts = {
    passed: report.count('passed'),
    failed: report.count('failed'),
    skipped: report.count('skipped'),
  };
  process.stdout.write(`${JSON.stringify({ ...counts, seed: options.seed, figures, cases, cuts })}\n`);
}

const stop = new AbortController();
let signalCode: number | null = null;
for (const [name, number] of Object.entries(STOP_SIGNALS)) {
  process.on(name, () => {
    signalCode ??= 128 + number;
    stop.abort();
  });
}
process.stdout.on('error', () => stop.abort());

main(stop).then(
  (code) => process.exit(signalCode ?? code),
  (error: unknown) => {
    process.stderr.write(`test:image: ${sentenceOf(error)}\n`);
    process.exit(signalCode ?? (error instanceof UsageError ? 2 : 1));
  },
);
