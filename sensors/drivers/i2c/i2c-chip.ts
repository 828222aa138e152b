/**
 * One chip on an I2C bus, and the kernel's way of binding a driver to it (Documentation/i2c/instantiating-devices.rst):
 * the bus is told through `new_device`, and through `delete_device`, which takes nothing that was not made this way.
 */
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { Clock } from '../../../agent/ports/clock.ts';
import type { Sysfs } from '../../../agent/ports/sysfs.ts';

const DEVICES = '/sys/bus/i2c/devices';
/** Loading a module and probing a chip take some hundred milliseconds. */
const PROBE_POLL_MS = 50;
const MOST_PROBE_POLLS = 20;

export interface I2cChip {
  bus: number;
  address: number;
  /** The kernel's name of the chip: `bme280`. */
  driver: string;
}

/** `1-0076`, as the kernel names it. */
export function placeOf({ bus, address }: I2cChip): string {
  return `${bus}-${address.toString(16).padStart(4, '0')}`;
}

/** `0x76`. */
export function addressText({ address }: I2cChip): string {
  return `0x${address.toString(16).padStart(2, '0')}`;
}

/**
 * The name of the driver that has the chip. Throws EnvironmentFault: `not-bound`, `no-driver`, `no-bus`,
 * `address-in-use` (by another chip).
 */
export async function driverOf(chip: I2cChip, sysfs: Sysfs, signal: AbortSignal): Promise<string> {
  const directory = `${DEVICES}/${placeOf(chip)}`;
  const name = await sysfs.read(`${directory}/name`, signal);
  const where = `address ${addressText(chip)} of I2C bus ${chip.bus}`;
  if (name === null) {
    if ((await sysfs.resolve(`${DEVICES}/i2c-${chip.bus}`)) === null) {
      throw fault(
        'no-bus',
        `there is no I2C bus ${chip.bus}: switch it on (on a Raspberry Pi dtparam=i2c_arm=on)`,
      );
    }
    throw fault('not-bound', `nothing is bound to ${where} yet`);
  }
  if (name !== chip.driver) {
    throw fault('address-in-use', `${where} is in use by ${name}, so ${chip.driver} cannot have it`);
  }
  const driver = await sysfs.resolve(`${directory}/driver`);
  if (driver !== null) return driver.split('/').at(-1) ?? driver;
  throw fault(
    'no-driver',
    `no driver has taken ${chip.driver} at ${where}: see that the kernel has its module, and the wiring (kernel log)`,
  );
}

/** Binds the chip unless that is done, and gives its driver a moment. Throws what `driverOf` throws. */
export async function bind(chip: I2cChip, sysfs: Sysfs, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await driverOf(chip, sysfs, signal);
    return;
  } catch (error) {
    if (!(error instanceof EnvironmentFault) || error.code !== 'not-bound') throw error;
  }
  await sysfs.write(`${DEVICES}/i2c-${chip.bus}/new_device`, `${chip.driver} ${addressText(chip)}\n`, signal);
  for (let polls = 0; polls < MOST_PROBE_POLLS && !signal.aborted; polls++) {
    if ((await sysfs.resolve(`${DEVICES}/${placeOf(chip)}/driver`)) !== null) return;
    await new Promise<void>((resolve) => clock.after(PROBE_POLL_MS, resolve));
  }
}

/** Takes the chip away again, unless it is gone or another chip by now. */
export async function unbind(chip: I2cChip, sysfs: Sysfs, signal: AbortSignal): Promise<void> {
  const name = await sysfs.read(`${DEVICES}/${placeOf(chip)}/name`, signal);
  if (name !== chip.driver) return;
  await sysfs.write(`${DEVICES}/i2c-${chip.bus}/delete_device`, `${addressText(chip)}\n`, signal);
}

function fault(code: string, sentence: string): EnvironmentFault {
  return new EnvironmentFault(code, sentence, { retryable: true });
}
