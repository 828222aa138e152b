/**
 * One conversion for all thermometers of a 1-wire bus (Documentation/w1/slaves/w1_therm.rst, therm_bulk_read): without
 * it each read starts a conversion of its own and holds the bus for 750 ms.
 */
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { Clock } from '../../../agent/ports/clock.ts';
import type { Sysfs } from '../../../agent/ports/sysfs.ts';

const POLL_MS = 100;
/** At twelve bits a conversion takes 750 ms. */
const MOST_POLLS = 20;
const BUSY = '-1';

export class BulkConversion {
  readonly #sysfs: Sysfs;
  readonly #clock: Clock;
  readonly #path: string;
  #running: Promise<void> | null = null;

  /** `path`: the bus's file `therm_bulk_read`. */
  constructor(sysfs: Sysfs, clock: Clock, path: string) {
    this.#sysfs = sysfs;
    this.#clock = clock;
    this.#path = path;
  }

  /** Resolves when every thermometer of the bus has a new value; whoever asks meanwhile waits for the same conversion. */
  done(): Promise<void> {
    this.#running ??= this.#convert().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #convert(): Promise<void> {
    await this.#sysfs.write(this.#path, 'trigger\n');
    for (let polls = 0; polls < MOST_POLLS; polls++) {
      await new Promise<void>((resolve) => this.#clock.after(POLL_MS, resolve));
      if ((await this.#sysfs.read(this.#path)) !== BUSY) return;
    }
    throw new EnvironmentFault(
      'no-answer',
      `${this.#path} is still busy after ${MOST_POLLS * POLL_MS} ms: check the wiring of the 1-wire bus`,
      { retryable: true },
    );
  }
}
