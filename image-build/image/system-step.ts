/**
 * The second step: our files and packages are put into the tree of Debian packages. What comes out are the root as an
 * archive, and what the boot partition gets of kernel, initrd and firmware.
 */
import { cp, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Board } from './board.ts';
import { DEBIAN_ARCHIVE, quoted } from './debian-step.ts';
import { digestOfPath } from './digest.ts';
import { runProgram } from './program.ts';
import type { Step, StepResult } from './step-store.ts';

export const ROOT_ARCHIVE = 'root.tar';
/** Directory of what the boot partition gets from the tree. */
export const BOOT_FILES = 'boot-files';
/** dpkg's own account of what is installed. */
export const DPKG_STATUS = 'status';

export interface SystemOptions {
  readonly board: Board;
  readonly debian: StepResult;
  /** image-build/system of the sources. */
  readonly sources: string;
  /** Paths of our .deb files. */
  readonly packages: readonly string[];
  readonly epoch: number;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** The step that makes `root.tar`, `boot-files/` and `status`. */
export async function systemStep(options: SystemOptions): Promise<Step> {
  const { board, debian, sources, packages, epoch } = options;
  return {
    name: `system-${board.name}`,
    inputs: [
      debian.key,
      String(epoch),
      JSON.stringify(board),
      // What mmdebstrap is asked to do, wherever the step is kept.
      systemArguments(options, 'directory', 'scratch').join('\n'),
      await digestOfPath(sources),
      ...(await Promise.all(packages.map(digestOfPath))),
    ],
    async make(directory) {
      const scratch = join(directory, 'scratch');
      await packInputs(options, scratch);
      await runProgram('mmdebstrap', systemArguments(options, directory, scratch), {
        signal: options.signal,
        onLine: options.onLine,
        environment: { SOURCE_DATE_EPOCH: String(epoch) },
      });
      await addMountPoint('dev', join(directory, ROOT_ARCHIVE), scratch, options);
      await rm(scratch, { recursive: true });
    },
  };
}

/** Without its device files, which only root may make. */
const DEBIAN_TREE = 'debian.tar';
/** What is laid over the tree: our files, our packages, and the script that finishes. */
const OVERLAY = 'overlay.tar';

/**
 * The two archives that the tree is made of. mmdebstrap's hooks run in a user namespace where this is not root, and could
 * not read below a home directory that is its owner's alone; what mmdebstrap itself unpacks, it reads outside.
 */
async function packInputs(
  { debian, sources, packages, epoch, signal }: SystemOptions,
  scratch: string,
): Promise<void> {
  const overlay = join(scratch, 'overlay');
  await mkdir(join(overlay, 'build', 'packages'), { recursive: true });
  await cp(join(sources, 'tree'), overlay, { recursive: true });
  for (const name of ['finish-tree', 'left-out-modules', 'boot']) {
    await cp(join(sources, name), join(overlay, 'build', name), { recursive: true });
  }
  for (const file of packages) await cp(file, join(overlay, 'build', 'packages', basename(file)));
  const owners = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', `--mtime=@${epoch}`];
  await runProgram('tar', ['-C', overlay, ...owners, '-cf', join(scratch, OVERLAY), '.'], { signal });
  await runProgram('mmtarfilter', ['--path-exclude=/dev/*'], {
    signal,
    inputFile: join(debian.directory, DEBIAN_ARCHIVE),
    outputFile: join(scratch, DEBIAN_TREE),
  });
}

/** mmdebstrap leaves /dev out together with what is in it, and without it no kernel finds its init. */
async function addMountPoint(
  name: string,
  archive: string,
  scratch: string,
  { epoch, signal }: SystemOptions,
): Promise<void> {
  const parent = join(scratch, 'mount-points');
  await mkdir(join(parent, name), { recursive: true });
  const owners = ['--owner=0', '--group=0', '--numeric-owner', '--mode=0755', `--mtime=@${epoch}`];
  await runProgram('tar', ['-C', parent, ...owners, '--append', '-f', archive, `./${name}`], { signal });
}

function systemArguments({ board, epoch }: SystemOptions, directory: string, scratch: string): string[] {
  const buildPackages = quoted(board.buildPackages.join(' '));
  return [
    `--architectures=${board.architecture}`,
    '--variant=custom',
    // Device files are the running kernel's own affair; finish-tree removed what apt knew, and the tree has no apt.
    '--skip=update,check/empty,cleanup/apt,output/dev',
    `--setup-hook=tar-in ${quoted(join(scratch, DEBIAN_TREE))} /`,
    `--customize-hook=tar-in ${quoted(join(scratch, OVERLAY))} /`,
    `--customize-hook=chroot "$1" /build/finish-tree ${epoch} ${board.bootLoader} ${buildPackages}`,
    `--customize-hook=copy-out /build/${BOOT_FILES} ${quoted(directory)}`,
    `--customize-hook=copy-out /var/lib/dpkg/${DPKG_STATUS} ${quoted(directory)}`,
    '--customize-hook=rm -rf "$1/build"',
    '',
    join(directory, ROOT_ARCHIVE),
  ];
}
