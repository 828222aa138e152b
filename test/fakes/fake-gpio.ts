/** GPIO lines whose level a test sets, and which refuse as the kernel does. */
import { EnvironmentFault } from '../../agent/errors.ts';
import type { GpioInput, GpioInputOptions, GpioInputs } from '../../agent/ports/gpio.ts';

export class FakeGpio implements GpioInputs {
  /** Of the lines that are open, by the kernel's number. */
  readonly opened = new Map<number, GpioInputOptions>();
  readonly #levels = new Map<number, 0 | 1>();
  /** Lines that another program holds. */
  readonly taken = new Set<number>();

  async open(line: number, options: GpioInputOptions): Promise<GpioInput> {
    if (this.taken.has(line) || this.opened.has(line)) {
      throw new EnvironmentFault('line-taken', `cannot open GPIO line ${line} (EBUSY)`, { retryable: true });
    }
    this.opened.set(line, options);
    return {
      read: async () => this.#levels.get(line) ?? 0,
      close: () => void this.opened.delete(line),
    };
  }

  /** Changes the level, and tells of it where the line is open for this edge. */
  set(line: number, level: 0 | 1): void {
    this.#levels.set(line, level);
    const options = this.opened.get(line);
    if (options && (options.edge === 'both' || (options.edge === 'rising') === (level === 1))) {
      options.onEdge(level);
    }
  }
}
