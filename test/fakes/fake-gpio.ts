/** GPIO lines whose level a test sets, and which refuse as the kernel does. */
import { EnvironmentFault } from '../../agent/errors.ts';
import type {
  GpioInput,
  GpioInputOptions,
  GpioInputs,
  GpioLevel,
  GpioOutput,
  GpioOutputs,
} from '../../agent/ports/gpio.ts';

export class FakeGpio implements GpioInputs, GpioOutputs {
  /** Of the lines that are open, by the kernel's number. */
  readonly opened = new Map<number, GpioInputOptions>();
  readonly #levels = new Map<number, 0 | 1>();
  /** Each level that an output had, in order, by the kernel's number. */
  readonly driven = new Map<number, GpioLevel[]>();
  /** Outputs that are in use. */
  readonly outputs = new Set<number>();
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

  async openOutput(line: number, level: GpioLevel): Promise<GpioOutput> {
    if (this.taken.has(line) || this.outputs.has(line)) {
      throw new EnvironmentFault('line-taken', `cannot open GPIO line ${line} (EBUSY)`, { retryable: true });
    }
    const levels = this.driven.get(line) ?? [];
    this.driven.set(line, levels);
    const drive = (next: GpioLevel) => {
      levels.push(next);
      this.#levels.set(line, next);
    };
    drive(level);
    this.outputs.add(line);
    return {
      read: async () => this.#levels.get(line) ?? 0,
      write: async (next) => drive(next),
      leave: () => void this.outputs.delete(line),
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
