/** Ordinary files, bounded: a device or a pipe under the name of a file would never end. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { EnvironmentFault, sentenceOf } from '../errors.ts';
import type { TextFiles } from '../ports/text-files.ts';

const MOST_BYTES = 16 * 1024 * 1024;
const FAULTS: Readonly<Record<string, [code: string, advice: string]>> = {
  ENOENT: ['no-file', 'there is no such file'],
  ENOTDIR: ['no-file', 'there is no such file'],
  EACCES: ['no-privilege', 'the agent has no right to read it'],
  EPERM: ['no-privilege', 'the agent has no right to read it'],
};

export class DiskTextFiles implements TextFiles {
  async read(path: string): Promise<string> {
    try {
      // Opening a pipe that nobody writes to would wait.
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const { size } = regular(path, await file.stat());
        const bytes = Buffer.alloc(size);
        const { bytesRead } = await file.read(bytes, 0, size, 0);
        return bytes.toString('utf8', 0, bytesRead);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (error instanceof EnvironmentFault) throw error;
      const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
      const [code, advice] = FAULTS[errno] ?? ['read-failed', sentenceOf(error)];
      throw new EnvironmentFault(code, `cannot read ${path}: ${advice}`, { cause: error });
    }
  }
}

function regular<Stats extends { size: number; isFile(): boolean }>(path: string, stats: Stats): Stats {
  if (!stats.isFile())
    throw new EnvironmentFault('read-failed', `cannot read ${path}: it is no ordinary file`);
  if (stats.size <= MOST_BYTES) return stats;
  throw new EnvironmentFault(
    'file-too-large',
    `cannot read ${path}: it has ${stats.size} bytes, and ${MOST_BYTES} are the most`,
  );
}
