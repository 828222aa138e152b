/** Temperatures: one of them, the processor's, is `cpu-temperature` on every board that has it. */
import { EnvironmentFault } from '../../../agent/errors.ts';
import { decimal, kebab, readPresent } from '../../kernel-text.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from '../../sensor.ts';
import { findThermometers, type Thermometer } from './thermometers.ts';

const MILLI = 1000;
/** Beyond this no board works: THERMAL_TEMP_INVALID (-274) and all-ones registers of absent chips lie outside. */
const PLAUSIBLE_CEL = { from: -100, to: 250 };

/** What is the processor's own, best first. The zone comes first: the kernel throttles by it. */
const CPU: ReadonlyArray<(thermometer: Thermometer) => boolean> = [
  ({ source, chip }) => source === 'zone' && /^(cpu\d*[-_]?thermal|bcm2\d{3}_thermal)/.test(chip),
  ({ source, chip }) => source === 'zone' && /^(x86_pkg_temp|soc_?\d*[-_](dts|thermal))/.test(chip),
  ({ chip, label }) => chip === 'coretemp' && /^Package/.test(label ?? ''),
  ({ chip, label }) => chip === 'k10temp' && /^T(ctl|die)$/.test(label ?? ''),
  ({ chip }) => /^(coretemp|k10temp|cpu_thermal|soc_thermal)$/.test(chip),
];

export const thermalDriver: SensorDriver = {
  kind: 'thermal',
  async discover(context) {
    const thermometers = await findThermometers(context.sysfs, context.signal);
    const cpu = CPU.flatMap((isCpu) => thermometers.find(isCpu) ?? [])[0];
    const plainIds = thermometers.map(idOf);
    return thermometers.map((thermometer, index) => {
      if (thermometer === cpu) return sensorOf('cpu-temperature', 'CPU temperature', thermometer, context);
      const id = plainIds[index] ?? '';
      const alone = plainIds.filter((other) => other === id).length === 1;
      const name = `Temperature, ${[thermometer.chip, thermometer.label].filter(Boolean).join(' ')}`;
      if (alone) return sensorOf(id, name, thermometer, context);
      return sensorOf(
        kebab(id, thermometer.device),
        `${name} at ${thermometer.device}`,
        thermometer,
        context,
      );
    });
  },
};

function idOf({ chip, label }: Thermometer): string {
  return kebab('temperature', chip, label ?? '');
}

function sensorOf(
  id: string,
  name: string,
  { path }: Thermometer,
  { sysfs, intervalMs }: DiscoveryContext,
): Sensor {
  return {
    id,
    name,
    kind: 'temperature',
    unit: 'Cel',
    intervalMs,
    async read(signal) {
      const celsius = decimal(await readPresent(sysfs, path, signal), path) / MILLI;
      if (celsius >= PLAUSIBLE_CEL.from && celsius <= PLAUSIBLE_CEL.to) return celsius;
      throw new EnvironmentFault(
        'implausible',
        `${path} says ${celsius} °C, which no board survives: check the chip`,
        {
          retryable: true,
        },
      );
    },
  };
}
