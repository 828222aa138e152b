/**
 * The LEDs that the kernel shows (/sys/class/leds), as actuators. What a trigger of the kernel drives (`mmc0`,
 * `heartbeat`) is left to it until somebody sets the LED, and is given back to it afterwards.
 */
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import type { Actuator, ActuatorDriver, ActuatorRange, ActuatorValue } from '../../actuator.ts';
import { decimal, kebab, readPresent } from '../../kernel-text.ts';
import { HeldLed } from './held-led.ts';
import type { TakenLeds } from './taken-leds.ts';

export const LEDS = '/sys/class/leds';
/** Of LEDs that no config declares. */
const DEFAULT_HOLD_MS = 60_000;

export interface LedSetting {
  /** The kernel's name: `ACT`. */
  name: string;
  /** Brightness; absent: it goes back to its trigger. */
  safeState?: number | undefined;
  holdSeconds: number;
}

/** A driver for all LEDs; `settings` say how single ones are when nobody controls them. */
export function ledDriver(settings: readonly LedSetting[], taken: TakenLeds): ActuatorDriver {
  const known = new Map<string, Actuator>();
  return {
    kind: 'led',
    async discover({ sysfs, signal }) {
      for (const name of await sysfs.list(LEDS)) {
        if (known.has(name)) continue;
        const setting = settings.find((of) => of.name === name);
        known.set(name, await actuatorOf(name, setting, sysfs, taken, signal));
      }
      return [...known.values()];
    },
  };
}

async function actuatorOf(
  name: string,
  setting: LedSetting | undefined,
  sysfs: Sysfs,
  taken: TakenLeds,
  signal: AbortSignal,
): Promise<Actuator> {
  const file = `${LEDS}/${name}/max_brightness`;
  const maximum = decimal(await readPresent(sysfs, file, signal), file);
  const range: ActuatorRange = maximum === 1 ? { kind: 'boolean' } : { kind: 'integer', minimum: 0, maximum };
  const level = (value: ActuatorValue) => Math.min(Number(value), maximum);
  const value = (brightness: number): ActuatorValue => (maximum === 1 ? brightness > 0 : brightness);
  const safe = setting?.safeState === undefined ? null : level(setting.safeState);
  const led = new HeldLed({ name, directory: `${LEDS}/${name}`, safe, sysfs, taken });
  return {
    id: `led-${kebab(name)}`,
    title: `LED ${name}`,
    range,
    safeState: safe === null ? null : value(safe),
    holdMs: setting ? setting.holdSeconds * 1000 : DEFAULT_HOLD_MS,
    open: (within) => led.open(within),
    read: async (within) => value(await led.brightness(within)),
    write: (wanted, within) => led.set(level(wanted), within),
    makeSafe: (within) => led.makeSafe(within),
    release: (within) => led.release(within),
  };
}
