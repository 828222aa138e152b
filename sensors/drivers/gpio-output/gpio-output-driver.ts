/** GPIO outputs that the signed config names. A line is in its safe state from the moment it is opened. */
import type { GpioLevel, GpioOutput, GpioOutputs } from '../../../agent/ports/gpio.ts';
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import type { Actuator, ActuatorDriver } from '../../actuator.ts';
import { kernelLine } from '../gpio/header-lines.ts';

export interface GpioOutputSetting {
  /** Part of the actuator's id: `pump`. */
  name: string;
  /** `GPIO17`, `pin 11` or `LABEL:LINE`. */
  line: string;
  /** True where the thing is on while the line is low, as with most relay boards. */
  activeLow: boolean;
  /** Whether it is on when nobody controls it. */
  safeState: boolean;
  holdSeconds: number;
}

/** A driver for these lines. */
export function gpioOutputDriver(
  settings: readonly GpioOutputSetting[],
  outputs: GpioOutputs,
): ActuatorDriver {
  let actuators: Actuator[] | null = null;
  return {
    kind: 'gpio-output',
    async discover({ sysfs }) {
      actuators ??= settings.map((setting) => actuatorOf(setting, new OutputLine(setting, outputs, sysfs)));
      return actuators;
    },
  };
}

function actuatorOf(setting: GpioOutputSetting, line: OutputLine): Actuator {
  const { name, safeState, holdSeconds } = setting;
  return {
    id: `output-${name}`,
    title: `${name} (${setting.line})`,
    range: { kind: 'boolean' },
    safeState,
    holdMs: holdSeconds * 1000,
    open: (signal) => line.open(signal),
    read: () => line.read(),
    write: (value) => line.write(value === true),
    makeSafe: () => line.write(safeState),
    release: () => line.release(),
  };
}

class OutputLine {
  readonly #setting: GpioOutputSetting;
  readonly #outputs: GpioOutputs;
  readonly #sysfs: Sysfs;
  #output: GpioOutput | null = null;

  constructor(setting: GpioOutputSetting, outputs: GpioOutputs, sysfs: Sysfs) {
    this.#setting = setting;
    this.#outputs = outputs;
    this.#sysfs = sysfs;
  }

  async open(signal: AbortSignal): Promise<void> {
    const { line, safeState } = this.#setting;
    if (this.#output) return this.write(safeState);
    const number = await kernelLine(this.#sysfs, line, signal);
    this.#output = await this.#outputs.openOutput(number, this.#levelOf(safeState));
  }

  async read(): Promise<boolean> {
    const level = await this.#opened().read();
    return level === this.#levelOf(true);
  }

  async write(isOn: boolean): Promise<void> {
    await this.#opened().write(this.#levelOf(isOn));
  }

  /** Nothing to do where it was never opened: nothing of ours drives it. */
  async release(): Promise<void> {
    const output = this.#output;
    if (!output) return;
    await output.write(this.#levelOf(this.#setting.safeState));
    this.#output = null;
    output.leave();
  }

  #opened(): GpioOutput {
    if (this.#output) return this.#output;
    throw new Error(`line ${this.#setting.line} is not open`);
  }

  #levelOf(isOn: boolean): GpioLevel {
    return isOn === this.#setting.activeLow ? 0 : 1;
  }
}
