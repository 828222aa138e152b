/** Cards for the boards of the test: copies of the base image, personalised by the very command that an owner uses. */
import { rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentFault } from '../../agent/errors.ts';
import { copyImage, powerOfTwoFrom } from '../../image-build/machine/machine-image.ts';
import { openImage } from '../../image-build/product/opened-image.ts';
import { tincanCommand } from '../demo/tincan-command.ts';
import { LabProcess } from '../lab/lab-process.ts';

const PERSONALISE_LIMIT_MS = 300_000;

export class TestCards {
  readonly #base: string;
  readonly #directory: string;
  readonly #signal: AbortSignal;
  readonly #close: () => Promise<void>;

  private constructor(base: string, directory: string, signal: AbortSignal, close: () => Promise<void>) {
    this.#base = base;
    this.#directory = directory;
    this.#signal = signal;
    this.#close = close;
  }

  /** `image` may be compressed; it is unpacked once. */
  static async open(image: string, directory: string, signal: AbortSignal): Promise<TestCards> {
    const opened = await openImage(image, signal);
    return new TestCards(opened.raw, directory, signal, opened.close);
  }

  /** A card with this claim, larger than the image, as real ones are. `more` are options of `tincan image personalise`. */
  async make(name: string, claim: string, more: readonly string[] = []): Promise<string> {
    const card = join(this.#directory, `${name}.img`);
    await rm(card, { force: true });
    const args = ['image', 'personalise', this.#base, '--claim', claim, '--out', card, ...more];
    const command = new LabProcess('tincan image personalise', tincanCommand(...args));
    const timer = setTimeout(() => command.kill('SIGKILL'), PERSONALISE_LIMIT_MS);
    const { code } = await command.exited;
    clearTimeout(timer);
    if (code !== 0) {
      throw new EnvironmentFault(
        'no-card',
        `the card of ${name} was not made: ${command.lastLines(3).join(' ')}`,
      );
    }
    await this.#grow(card);
    return card;
  }

  /** As it is now, under another name. */
  async copy(card: string, name: string): Promise<string> {
    const to = join(this.#directory, `${name}.img`);
    await rm(to, { force: true });
    const { size } = await stat(card);
    await copyImage(card, to, size, this.#signal);
    return to;
  }

  /** Puts one card in the place of another. */
  async replace(from: string, to: string): Promise<void> {
    await rename(from, to);
  }

  async remove(card: string): Promise<void> {
    await rm(card, { force: true });
  }

  async close(): Promise<void> {
    await this.#close();
  }

  async #grow(card: string): Promise<void> {
    const { size } = await stat(card);
    await truncate(card, powerOfTwoFrom(size));
  }
}
