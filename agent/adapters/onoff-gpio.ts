/**
 * GPIO inputs through the package onoff, which has a native part. It is an optional dependency, loaded when a config
 * names the first line: a device without GPIO neither needs nor starts it.
 */
import { EnvironmentFault, sentenceOf } from '../errors.ts';
import type { GpioInput, GpioInputOptions, GpioInputs } from '../ports/gpio.ts';

const FAULTS: Readonly<Record<string, [code: string, advice: string]>> = {
  EBUSY: ['line-taken', 'another driver or program holds it'],
  EACCES: ['no-privilege', 'run the agent as root or in the group gpio'],
  EPERM: ['no-privilege', 'run the agent as root or in the group gpio'],
};
const NO_LINE: [string, string] = ['no-gpio', 'check the line, and that the kernel has /sys/class/gpio'];

export class OnoffGpio implements GpioInputs {
  /** onoff would share a line between two inputs, and close it for both. */
  readonly #open = new Set<number>();

  async open(line: number, options: GpioInputOptions): Promise<GpioInput> {
    const { Gpio } = await loadOnoff();
    if (this.#open.has(line)) {
      throw new EnvironmentFault(
        'line-taken',
        `GPIO line ${line} is open already: name it once in the config`,
      );
    }
    try {
      const gpio = new Gpio(line, 'in', options.edge, { debounceTimeout: options.debounceMs });
      gpio.watch((error, level) => {
        if (!error) options.onEdge(level);
      });
      this.#open.add(line);
      const close = () => {
        gpio.unexport();
        this.#open.delete(line);
      };
      return { read: () => gpio.read(), close };
    } catch (error) {
      const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
      const [code, advice] = FAULTS[errno] ?? NO_LINE;
      throw new EnvironmentFault(
        code,
        `cannot open GPIO line ${line} (${errno || sentenceOf(error)}): ${advice}`,
        {
          cause: error,
          retryable: true,
        },
      );
    }
  }
}

async function loadOnoff() {
  try {
    return await import('onoff');
  } catch (error) {
    throw new EnvironmentFault(
      'no-gpio',
      'GPIO needs the package onoff: install it beside the agent (npm i onoff)',
      {
        cause: error,
      },
    );
  }
}
