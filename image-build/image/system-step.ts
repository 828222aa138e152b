/**
 * The second step: our files and packages are put into the tree of Debian packages. What comes out are the root as an
 * archive, and what the boot partition gets of kernel, initrd and firmware.
 */
import { cp, mkdir } from 'node:fs/promises';
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
      await digestOfPath(sources),
      ...(await Promise.all(packages.map(digestOfPath))),
    ],
    async make(directory) {
      const overlay = join(directory, 'overlay');
      await layOut(options, overlay);
      await runProgram('mmdebstrap', systemArguments(options, directory, overlay), {
        signal: options.signal,
        onLine: options.onLine,
        environment: { SOURCE_DATE_EPOCH: String(epoch) },
      });
    },
  };
}

/** What is laid over the tree: our files, our packages, and the script that finishes. */
async function layOut({ sources, packages }: SystemOptions, overlay: string): Promise<void> {
  await mkdir(join(overlay, 'build', 'packages'), { recursive: true });
  await cp(join(sources, 'tree'), overlay, { recursive: true });
  for (const name of ['finish-tree', 'left-out-modules', 'boot']) {
    await cp(join(sources, name), join(overlay, 'build', name), { recursive: true });
  }
  for (const file of packages) await cp(file, join(overlay, 'build', 'packages', basename(file)));
}

function systemArguments(
  { board, debian, epoch }: SystemOptions,
  directory: string,
  overlay: string,
): string[] {
  const archive = join(debian.directory, DEBIAN_ARCHIVE);
  const files = `tar -C ${quoted(overlay)} --owner=0 --group=0 --numeric-owner --sort=name --mtime=@${epoch} -c .`;
  return [
    `--architectures=${board.architecture}`,
    '--variant=custom',
    // Device files are the running kernel's own affair.
    '--skip=update,check/empty,output/dev',
    `--setup-hook=mmtarfilter '--path-exclude=/dev/*' < ${quoted(archive)} | tar -C "$1" -x`,
    `--customize-hook=${files} | tar -C "$1" --keep-directory-symlink -x`,
    `--customize-hook=chroot "$1" /build/finish-tree ${epoch} ${board.bootLoader} ${quoted(board.buildPackages.join(' '))}`,
    `--customize-hook=copy-out /build/${BOOT_FILES} ${quoted(directory)}`,
    `--customize-hook=copy-out /var/lib/dpkg/${DPKG_STATUS} ${quoted(directory)}`,
    '--customize-hook=rm -rf "$1/build"',
    '',
    join(directory, ROOT_ARCHIVE),
  ];
}
