/** The boot partition as a FAT32 file system: firmware or GRUB, kernel, initrd, and the folder for the owner's files. */
import { cp, mkdir, readdir, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Board } from './board.ts';
import { digestOfPath } from './digest.ts';
import { BOOT_LABEL, BOOT_PARTITION_BYTES, DISK_ID, kernelCommandLine } from './layout.ts';
import { runProgram } from './program.ts';
import type { Step, StepResult } from './step-store.ts';
import { BOOT_FILES, ROOT_ARCHIVE } from './system-step.ts';

export const BOOT_PARTITION = 'boot.fat';
const BUILD_ID_DIGITS = 16;

export interface BootOptions {
  readonly board: Board;
  readonly system: StepResult;
  /** image-build/system of the sources. */
  readonly sources: string;
  readonly version: string;
  readonly epoch: number;
  readonly signal: AbortSignal;
}

/** The step that makes `boot.fat`. */
export async function bootStep(options: BootOptions): Promise<Step> {
  const { board, system, sources, version, epoch } = options;
  const readme = join(sources, 'boot', 'README.txt');
  const commandLine = kernelCommandLine(board);
  return {
    name: `boot-${board.name}`,
    inputs: [
      system.key,
      version,
      commandLine,
      String(epoch),
      await digestOfPath(readme),
      grubConfig(commandLine),
    ],
    async make(directory) {
      const files = join(directory, 'files');
      await cp(join(system.directory, BOOT_FILES), files, { recursive: true });
      await mkdir(join(files, 'tincan'));
      await cp(readme, join(files, 'tincan', 'README.txt'));
      // Of what is in it: however it was built, an equal root has an equal name.
      const buildId = (await digestOfPath(join(system.directory, ROOT_ARCHIVE))).slice(0, BUILD_ID_DIGITS);
      const facts = { version, board: board.name, buildId };
      await writeFile(join(files, 'tincan', 'image.json'), `${JSON.stringify(facts, null, 2)}\n`);
      if (board.bootLoader === 'raspberry-pi')
        await writeFile(join(files, 'cmdline.txt'), `${commandLine}\n`);
      else await writeFile(join(files, 'grub', 'grub.cfg'), grubConfig(commandLine));
      await fillFileSystem(join(directory, BOOT_PARTITION), files, options);
    },
  };
}

/** No menu: nobody stands before the board. */
function grubConfig(commandLine: string): string {
  return [
    'serial --unit=0 --speed=115200',
    'terminal_output console serial',
    `linux /vmlinuz ${commandLine}`,
    'initrd /initrd.img',
    'boot',
    '',
  ].join('\n');
}

async function fillFileSystem(image: string, files: string, { epoch, signal }: BootOptions): Promise<void> {
  await writeFile(image, '');
  await truncate(image, BOOT_PARTITION_BYTES);
  const environment = { SOURCE_DATE_EPOCH: String(epoch), MTOOLSRC: '/dev/null' };
  const format = ['-F', '32', '-s', '2', '--invariant', '-n', BOOT_LABEL, '-i', DISK_ID, image];
  await runProgram('mkfs.vfat', format, { signal, environment });
  const entries = await readdir(files, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  for (const path of paths) await utimes(path, epoch, epoch);
  // Sorted, so that the file system has the same order whatever the order on this disk is.
  const names = (await readdir(files)).sort().map((name) => join(files, name));
  await runProgram('mcopy', ['-s', '-m', '-i', image, ...names, '::/'], { signal, environment });
}
