/** The FAT partition of an image, read by mtools: which files are there, and their contents. */
import { join } from 'node:path';
import { Refusal } from '../../agent/errors.ts';
import { runProgram } from '../image/program.ts';
import { type OpenedImage, partitionOf } from './opened-image.ts';

/** What this file starts. */
export const BOOT_FILES_PROGRAMS = { mcopy: 'mtools', mdir: 'mtools', mlabel: 'mtools' } as const;
/** mtools wants to know of geometries that no card has. */
const ENVIRONMENT = { MTOOLS_SKIP_CHECK: '1' };

export class BootFiles {
  readonly #image: OpenedImage;
  readonly #signal: AbortSignal;
  readonly #drive: string;

  constructor(image: OpenedImage, signal: AbortSignal) {
    this.#image = image;
    this.#signal = signal;
    this.#drive = `${image.raw}@@${partitionOf(image, 1, 'the boot partition').startBytes}`;
  }

  /** Every file, as a path without a slash at its start. Throws Refusal('boot-partition'). */
  async list(): Promise<string[]> {
    const text = await this.#mtools('mdir', ['-/', '-b', '-i', this.#drive, '::']);
    return text
      .split('\n')
      .map((line) => line.trim().replace(/^::\//, ''))
      .filter((path) => path !== '' && !path.endsWith('/'));
  }

  /** Null where there is no label. */
  async label(): Promise<string | null> {
    const text = await this.#mtools('mlabel', ['-s', '-i', this.#drive, '::']);
    return /label is (.*?)\s*(\(abbr=.*\))?\s*$/m.exec(text)?.[1] ?? null;
  }

  async readText(path: string): Promise<string> {
    return this.#mtools('mcopy', ['-n', '-i', this.#drive, `::${path}`, '-']);
  }

  /** Puts the file into the image's scratch directory, and returns where. */
  async extract(path: string): Promise<string> {
    const target = join(this.#image.scratch, path.replaceAll('/', '-'));
    await this.#mtools('mcopy', ['-n', '-i', this.#drive, `::${path}`, target]);
    return target;
  }

  async #mtools(program: string, args: readonly string[]): Promise<string> {
    try {
      return await runProgram(program, args, { signal: this.#signal, environment: ENVIRONMENT });
    } catch (error) {
      if (this.#signal.aborted || !(error instanceof Error)) throw error;
      throw new Refusal(
        'boot-partition',
        `the boot partition of ${this.#image.file} cannot be read (${error.message}); copy or build the image again`,
        { cause: error },
      );
    }
  }
}
