/**
 * What the signed config says of single sensors: how often they are read, which changes are too small to be told, and
 * over which window they are summed up. Drivers know nothing of it: their sensors are adjusted on the way out.
 */
import type { Clock } from '../agent/ports/clock.ts';
import { SampleWindow } from './sample-window.ts';
import type { Sensor, SensorDriver } from './sensor.ts';

export interface SamplingRule {
  /** Id of the sensor. */
  id: string;
  intervalMs?: number | undefined;
  deadband?: number | undefined;
  /** Adds minimum, maximum and mean over this time as sensors of their own. */
  windowMs?: number | undefined;
}

/** The same drivers, whose sensors keep to the rules. */
export function withSamplingRules(
  drivers: readonly SensorDriver[],
  rules: readonly SamplingRule[],
  clock: Clock,
): SensorDriver[] {
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  // A sensor is found again every minute, and its window goes on.
  const windows = new Map<string, SampleWindow>();
  const adjusted = (sensor: Sensor): Sensor[] => {
    const rule = byId.get(sensor.id);
    if (!rule) return [sensor];
    const { intervalMs = sensor.intervalMs, deadband, windowMs } = rule;
    const ruled: Sensor = {
      ...sensor,
      intervalMs,
      ...(deadband === undefined ? {} : { deadband }),
      read: (signal) => sensor.read(signal),
    };
    if (windowMs === undefined || sensor.unit === null) return [ruled];
    const window = windows.get(sensor.id) ?? new SampleWindow(clock, windowMs);
    windows.set(sensor.id, window);
    return window.sensors(ruled);
  };
  return drivers.map((driver) => ({
    ...driver,
    discover: async (context) => (await driver.discover(context)).flatMap(adjusted),
  }));
}
