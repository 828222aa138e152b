/** The actuators of one node: what the kernel shows by itself, and what the config declares. */
import type { DeviceConfig } from '../provisioning/documents/device-config.ts';
import type { AccessPolicy } from '../sensors/access.ts';
import { Actuators } from '../sensors/actuators.ts';
import { gpioOutputDriver } from '../sensors/drivers/gpio-output/gpio-output-driver.ts';
import { ledDriver } from '../sensors/drivers/led/led-driver.ts';
import { TakenLeds } from '../sensors/drivers/led/taken-leds.ts';
import type { Clock } from './ports/clock.ts';
import type { FileStore } from './ports/file-store.ts';
import type { GpioOutputs } from './ports/gpio.ts';
import type { Log } from './ports/log.ts';
import type { Sysfs } from './ports/sysfs.ts';

export interface ActuatorSurroundings {
  sysfs: Sysfs;
  gpio: GpioOutputs;
  /** Where it is noted which LEDs were taken. */
  store: FileStore;
  clockSynchronised: () => boolean;
  clock: Clock;
  log: Log;
}

/** Nothing is touched before `discover` is called, and nothing at all where the config wants no sensors. */
export function actuatorsOf(
  { sensors }: DeviceConfig,
  policy: () => AccessPolicy,
  around: ActuatorSurroundings,
): Actuators {
  const { sysfs, gpio, store, clockSynchronised, clock, log } = around;
  const drivers = [
    ledDriver(sensors.leds ?? [], new TakenLeds(store)),
    ...(sensors.outputs ? [gpioOutputDriver(sensors.outputs, gpio)] : []),
  ];
  return new Actuators({
    drivers: sensors.enabled ? drivers : [],
    policy,
    sysfs,
    clock,
    log,
    wallMs: () => (clockSynchronised() ? clock.wallMs() : null),
  });
}
