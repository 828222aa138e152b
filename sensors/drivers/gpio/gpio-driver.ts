/** GPIO inputs that the signed config names: the level of each, told at every edge, and where asked a count of edges. */
import type { Clock } from '../../../agent/ports/clock.ts';
import type { GpioEdge, GpioInputs } from '../../../agent/ports/gpio.ts';
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from '../../sensor.ts';
import { GpioLine } from './gpio-line.ts';
import { kernelLine } from './header-lines.ts';

export interface GpioSetting {
  /** Part of the sensor's id: `door`. */
  name: string;
  /** `GPIO17`, `pin 11` or `LABEL:LINE`. */
  line: string;
  edge: GpioEdge;
  debounceMs: number;
  /** Adds the number of edges as a sensor of its own. */
  counter: boolean;
}

/** A driver for these lines. It keeps them between discoveries, so no edge is lost. */
export function gpioDriver(settings: readonly GpioSetting[], inputs: GpioInputs): SensorDriver {
  let sensors: Sensor[] | null = null;
  return {
    kind: 'gpio',
    async discover(context) {
      sensors ??= settings.flatMap((setting) => sensorsOf(setting, inputs, context));
      return sensors;
    },
  };
}

function sensorsOf(setting: GpioSetting, inputs: GpioInputs, context: DiscoveryContext): Sensor[] {
  const { name, line: lineName, counter } = setting;
  const { intervalMs } = context;
  const line = lineOf(setting, inputs, context.sysfs, context.clock);
  const level: Sensor = {
    id: `gpio-${name}`,
    name: `${name} (${lineName})`,
    kind: 'gpio',
    unit: '/',
    intervalMs,
    read: (signal) => line.read(signal),
    watch: (onValue) => line.watch(() => line.level !== null && onValue(line.level)),
  };
  const count: Sensor = {
    id: `gpio-${name}-count`,
    name: `${name} (${lineName}), edges`,
    kind: 'count',
    unit: 'count',
    intervalMs,
    async read(signal) {
      await line.read(signal);
      return line.edges;
    },
    watch: (onValue) => line.watch(() => onValue(line.edges)),
  };
  return counter ? [level, count] : [level];
}

function lineOf(setting: GpioSetting, inputs: GpioInputs, sysfs: Sysfs, clock: Clock): GpioLine {
  const { line, edge, debounceMs } = setting;
  const find = async (signal: AbortSignal) => kernelLine(sysfs, line, signal);
  return new GpioLine({ inputs, clock, edge, debounceMs, find });
}
