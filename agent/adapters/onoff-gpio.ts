/**
 * GPIO lines through the package onoff, which has a native part. It is an optional dependency, loaded when a config
 * names the first line: a device without GPIO neither needs nor starts it.
 */
import type { Gpio } from 'onoff';
import { EnvironmentFault, sentenceOf } from '../errors.ts';
import type {
  GpioInput,
  GpioInputOptions,
  GpioInputs,
  GpioLevel,
  GpioOutput,
  GpioOutputs,
} from '../ports/gpio.ts';

const FAULTS: Readonly<Record<string, [code: string, advice: string]>> = {
  EBUSY: ['line-taken', 'another driver or program holds it'],
  EACCES: ['no-privilege', 'run the agent as root or in the group gpio'],
  EPERM: ['no-privilege', 'run the agent as root or in the group gpio'],
};
const NO_LINE: [string, string] = ['no-gpio', 'check the line, and that the kernel has /sys/class/gpio'];

type OnoffModule = typeof import('onoff');

/** All lines of the process: onoff would share a line between two users, and close it for both. */
export class OnoffGpio implements GpioInputs, GpioOutputs {
  readonly #load: () => Promise<OnoffModule>;
  readonly #open = new Set<number>();
  /** Outputs that nobody uses any more, driven on at their last level. */
  readonly #left = new Map<number, Gpio>();

  constructor(load: () => Promise<OnoffModule> = loadOnoff) {
    this.#load = load;
  }

  async open(line: number, options: GpioInputOptions): Promise<GpioInput> {
    const module = await this.#load();
    const gpio = this.#opened(line, () => {
      this.#left.get(line)?.unexport();
      this.#left.delete(line);
      const { edge, debounceMs, onEdge } = options;
      const input = new module.Gpio(line, 'in', edge, { debounceTimeout: debounceMs });
      input.watch((error, level) => {
        if (!error) onEdge(level);
      });
      return input;
    });
    const close = () => {
      gpio.unexport();
      this.#open.delete(line);
    };
    return { read: () => gpio.read(), close };
  }

  async openOutput(line: number, level: GpioLevel): Promise<GpioOutput> {
    const module = await this.#load();
    const gpio = this.#opened(line, () => this.#outputAt(module, line, level));
    return {
      read: () => gpio.read(),
      write: (next) => gpio.write(next),
      leave: () => {
        this.#left.set(line, gpio);
        this.#open.delete(line);
      },
    };
  }

  /** Directions `high` and `low` set direction and level in one step (Documentation/ABI/obsolete/sysfs-gpio). */
  #outputAt(module: OnoffModule, line: number, level: GpioLevel): Gpio {
    const direction = level === 1 ? 'high' : 'low';
    const gpio = this.#left.get(line) ?? new module.Gpio(line, direction, 'none', { activeLow: false });
    this.#left.delete(line);
    // A line that was exported before keeps its direction when onoff fails to set it, and onoff says nothing.
    gpio.setDirection(direction);
    return gpio;
  }

  #opened(line: number, make: () => Gpio): Gpio {
    if (this.#open.has(line)) {
      throw new EnvironmentFault(
        'line-taken',
        `GPIO line ${line} is open already: name it once in the config`,
      );
    }
    try {
      const gpio = make();
      this.#open.add(line);
      return gpio;
    } catch (error) {
      throw faultOf(line, error);
    }
  }
}

function faultOf(line: number, error: unknown): EnvironmentFault {
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [code, advice] = FAULTS[errno] ?? NO_LINE;
  return new EnvironmentFault(
    code,
    `cannot open GPIO line ${line} (${errno || sentenceOf(error)}): ${advice}`,
    { cause: error, retryable: true },
  );
}

async function loadOnoff(): Promise<OnoffModule> {
  try {
    return await import('onoff');
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    const sentence = isAbsent
      ? 'GPIO needs the package onoff: install it beside the agent (npm i onoff)'
      : `GPIO needs the native part of onoff, which is not built for Node ${process.version} here: run "npm rebuild epoll"`;
    throw new EnvironmentFault('no-gpio', sentence, { cause: error });
  }
}
