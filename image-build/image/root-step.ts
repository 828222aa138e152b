/** The root as a compressed, read-only file system; it is made from the archive, so no root is needed for its owners. */
import { join } from 'node:path';
import type { Board } from './board.ts';
import { runProgram } from './program.ts';
import type { Step, StepResult } from './step-store.ts';
import { ROOT_ARCHIVE } from './system-step.ts';

export const ROOT_FILE_SYSTEM = 'root.squashfs';

/** Larger blocks pack better, and cost memory and time for every small file that a board reads. */
const BLOCK_BYTES = 128 * 1024;
/** zstd unpacks equally fast whatever the effort was. */
const ZSTD_LEVEL = 19;

const AS_ROOT_OF_NOTHING = ['unshare', '--map-root-user', 'mksquashfs'];

/** The step that makes `root.squashfs`. */
export function rootStep(board: Board, system: StepResult, epoch: number, signal: AbortSignal): Step {
  const options = [
    ...['-comp', 'zstd', '-Xcompression-level', String(ZSTD_LEVEL), '-b', String(BLOCK_BYTES)],
    // Of the archive's own entry for the root nothing is taken: without these, everybody could write there.
    ...['-root-mode', '0755', '-root-uid', '0', '-root-gid', '0'],
    ...['-reproducible', '-no-exports', '-no-progress', '-quiet'],
  ];
  return {
    name: `root-${board.name}`,
    inputs: [system.key, String(epoch), options.join(' ')],
    async make(directory) {
      // Not sqfstar: it takes the level for its file's name up to release 4.5.1 (Debian 12).
      const args = ['-', join(directory, ROOT_FILE_SYSTEM), '-tar', ...options];
      // That release does not look at -root-uid where it reads an archive: the root directory would be the builder's.
      const [program = '', ...more] = process.getuid?.() === 0 ? ['mksquashfs'] : AS_ROOT_OF_NOTHING;
      await runProgram(program, [...more, ...args], {
        signal,
        // The time of the file system and of its root; options for them and this variable exclude each other.
        environment: { SOURCE_DATE_EPOCH: String(epoch) },
        inputFile: join(system.directory, ROOT_ARCHIVE),
      });
    },
  };
}
