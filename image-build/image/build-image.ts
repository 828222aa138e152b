/**
 * `tincan image build`, from nothing to a finished image:
 *
 *  1. the machine is checked: programs, emulation, space
 *  2. our own packages are made (build-deb.mjs), or taken as they were given
 *  3. a tree of Debian packages         debian-step    minutes, kept
 *  4. our files and packages in it      system-step    kept
 *  5. root and boot partition           root-step, boot-step
 *  6. the disk image, the owner's files on it, compression; beside it the lock file and the bill of materials
 *
 * The products of 3 to 5 are named by what went into them, so that a build goes on where the last one ended.
 */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Clock } from '../../agent/ports/clock.ts';
import { billOfMaterials } from './bill-of-materials.ts';
import type { Board } from './board.ts';
import { BOOT_PARTITION, bootStep } from './boot-step.ts';
import { DEBIAN_SUITE, debianStep, PACKAGE_HASHES } from './debian-step.ts';
import { writeDiskImage } from './disk-image.ts';
import { npmPackagesOf, ownPackagesStep, packagesIn } from './own-packages.ts';
import { type LockedPackage, type PackageLock, packagesOf, requireAsLocked } from './package-lock.ts';
import { checkMachine } from './preflight.ts';
import { runProgram } from './program.ts';
import { ROOT_FILE_SYSTEM, rootStep } from './root-step.ts';
import { type Step, type StepResult, StepStore } from './step-store.ts';
import { BOOT_FILES, DPKG_STATUS, ROOT_ARCHIVE, systemStep } from './system-step.ts';

export interface BuildRequest {
  readonly board: Board;
  /** FILE.img or FILE.img.xz. */
  readonly out: string;
  readonly cache: string;
  readonly mirror: string;
  readonly lock: PackageLock | null;
  /** Seconds: no file of the image is younger. */
  readonly epoch: number;
  /** Directory of .deb files that are made already; null makes them. */
  readonly debDirectory: string | null;
  /** The sources: the repository's root. */
  readonly sources: string;
  readonly version: string;
  /** Puts the owner's files onto the finished, not yet compressed image. */
  personalise(image: string): Promise<void>;
}

export interface BuildSurroundings {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  onStep(name: string): void;
  onStepDone(name: string, result: { wasKept: boolean; tookMs: number }): void;
  onLine(line: string): void;
}

/** Files beside the image. */
export interface BuildResult {
  readonly image: string;
  readonly lockFile: string;
  readonly bill: string;
  readonly rootArchive: string | null;
}

interface Built {
  readonly debian: StepResult;
  readonly system: StepResult;
  readonly root: StepResult;
  readonly boot: StepResult;
  readonly locked: readonly LockedPackage[];
}

/** Throws EnvironmentFault, Refusal; nothing half-written is left at `out`. */
export async function buildImage(request: BuildRequest, around: BuildSurroundings): Promise<BuildResult> {
  const out = resolve(request.out);
  await checkMachine(request.board, { out: dirname(out), cache: resolve(request.cache) });
  const built = await buildParts(request, around);
  const scratch = await mkdtemp(join(dirname(out), `.${basename(out)}-`));
  try {
    const image = join(scratch, 'image');
    await timed('image', around, () => assemble(image, scratch, built, request, around));
    await timed('owner’s files', around, () => request.personalise(image));
    return await publish(image, scratch, out, built, request, around);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function buildParts(request: BuildRequest, around: BuildSurroundings): Promise<Built> {
  const { board, epoch, lock } = request;
  const { signal, onLine } = around;
  const steps = new StepStore(join(resolve(request.cache), 'steps'), () => around.clock.monotonicMs());
  const run = async (step: Step): Promise<StepResult> => {
    around.onStep(step.name);
    const result = await steps.run(step);
    around.onStepDone(step.name, result);
    return result;
  };
  const own = request.debDirectory ?? (await run(await ownPackagesStep({ ...request, signal }))).directory;
  const packages = await packagesIn(resolve(own), board, signal);
  const packageCache = join(resolve(request.cache), 'debs', board.architecture);
  const debian = await run(debianStep({ ...request, packageCache, epoch, signal, onLine }));
  const locked = packagesOf(await readFile(join(debian.directory, PACKAGE_HASHES), 'utf8'));
  if (lock) requireAsLocked(locked, lock);
  const sources = join(request.sources, 'image-build', 'system');
  const system = await run(await systemStep({ board, debian, sources, packages, epoch, signal, onLine }));
  const root = await run(rootStep(board, system, epoch, signal));
  const boot = await run(await bootStep({ ...request, system, sources, epoch, signal }));
  return { debian, system, root, boot, locked };
}

async function assemble(
  image: string,
  scratch: string,
  built: Built,
  { board, epoch }: BuildRequest,
  { signal }: BuildSurroundings,
): Promise<void> {
  await writeDiskImage(image, scratch, {
    board,
    boot: join(built.boot.directory, BOOT_PARTITION),
    root: join(built.root.directory, ROOT_FILE_SYSTEM),
    grub: join(built.system.directory, BOOT_FILES, 'grub'),
    epoch,
    signal,
  });
}

/** Everything is renamed into its place at the end, the image last. */
async function publish(
  image: string,
  scratch: string,
  out: string,
  built: Built,
  request: BuildRequest,
  around: BuildSurroundings,
): Promise<BuildResult> {
  const { board, epoch } = request;
  const stem = out.replace(/\.img(\.xz)?$/, '');
  const lock: PackageLock = { board: board.name, suite: DEBIAN_SUITE, epoch, packages: [...built.locked] };
  const files = new Map([
    [`${stem}.packages.json`, `${JSON.stringify(lock, null, 2)}\n`],
    [`${stem}.cdx.json`, await billOf(built, request)],
  ]);
  let finished = image;
  if (out.endsWith('.xz')) {
    await timed('compression', around, () => compress(image, `${image}.xz`, around.signal));
    finished = `${image}.xz`;
  }
  const rootArchive = board.rootTarball ? `${stem}.root.tar.xz` : null;
  if (rootArchive !== null) {
    const packed = join(scratch, 'root.tar.xz');
    const source = join(built.system.directory, ROOT_ARCHIVE);
    await timed('root archive', around, () => compress(source, packed, around.signal));
    await rename(packed, rootArchive);
  }
  for (const [file, text] of files) {
    await writeFile(join(scratch, 'text'), text);
    await rename(join(scratch, 'text'), file);
  }
  await rename(finished, out);
  const [lockFile = '', bill = ''] = files.keys();
  return { image: out, lockFile, bill, rootArchive };
}

async function billOf(
  { system, locked }: Built,
  { board, version, epoch, sources }: BuildRequest,
): Promise<string> {
  const dpkgStatus = await readFile(join(system.directory, DPKG_STATUS), 'utf8');
  return billOfMaterials({ board, version, epoch, dpkgStatus, locked, npm: await npmPackagesOf(sources) });
}

/** In blocks of a fixed size, so that the number of cores does not change the bytes. */
async function compress(source: string, target: string, signal: AbortSignal): Promise<void> {
  const threads = `--threads=${Math.max(1, Math.min(cpus().length, 4))}`;
  await runProgram('xz', ['-6', '--block-size=16MiB', threads, '--stdout', source], {
    signal,
    outputFile: target,
  });
}

async function timed<T>(name: string, around: BuildSurroundings, work: () => Promise<T>): Promise<T> {
  around.onStep(name);
  const startedMs = around.clock.monotonicMs();
  const result = await work();
  around.onStepDone(name, { wasKept: false, tookMs: around.clock.monotonicMs() - startedMs });
  return result;
}
