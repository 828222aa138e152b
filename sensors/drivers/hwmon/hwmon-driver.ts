/** Hardware monitoring chips: temperatures, voltages, currents, power, energy, fans, humidity, frequencies, alarms. */
import { EnvironmentFault } from '../../../agent/errors.ts';
import { MILLIDEGREES, readQuantity } from '../../kernel-number.ts';
import { kebab } from '../../kernel-text.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from '../../sensor.ts';
import { distinctNames } from '../../sensor-names.ts';
import { cpuZone, findZones } from '../thermal/zones.ts';
import { type Channel, findChannels } from './chips.ts';

/** What is the processor's own where no thermal zone is, best first. */
const CPU: ReadonlyArray<(channel: Channel) => boolean> = [
  ({ chip, label }) => chip === 'coretemp' && /^Package/.test(label ?? ''),
  ({ chip, label }) => chip === 'k10temp' && /^T(ctl|die)$/.test(label ?? ''),
  ({ chip }) => /^(coretemp|k10temp|cpu_thermal|soc_thermal)$/.test(chip),
];

export const hwmonDriver: SensorDriver = {
  kind: 'hwmon',
  async discover(context) {
    const { sysfs, signal } = context;
    const channels = await findChannels(sysfs, signal);
    const zones = await findZones(sysfs, signal);
    const cpu = cpuZone(zones) ? undefined : cpuChannel(channels);
    const found = channels.map((channel) => ({
      channel,
      device: channel.device,
      ...(channel === cpu ? { id: 'cpu-temperature', name: 'CPU temperature' } : namesOf(channel)),
    }));
    return distinctNames(found).map(({ id, name, channel }) => sensorOf(id, name, channel, context));
  },
};

function cpuChannel(channels: readonly Channel[]): Channel | undefined {
  const thermometers = channels.filter(({ quantity }) => quantity === MILLIDEGREES);
  return CPU.flatMap((isCpu) => thermometers.find(isCpu) ?? [])[0];
}

function namesOf({ quantity, chip, label }: Channel): { id: string; name: string } {
  const id = kebab(quantity.kind, chip, label ?? '');
  return { id, name: `${quantity.words}, ${[chip, label].filter(Boolean).join(' ')}` };
}

function sensorOf(
  id: string,
  name: string,
  { quantity, path, faultPath, labels }: Channel,
  { sysfs, intervalMs }: DiscoveryContext,
): Sensor {
  return {
    id,
    name,
    kind: quantity.kind,
    unit: quantity.unit,
    intervalMs,
    ...(labels ? { labels } : {}),
    async read(signal) {
      if (faultPath && (await sysfs.read(faultPath, signal)) === '1') {
        throw new EnvironmentFault('sensor-fault', `${faultPath} says that the sensor is open or shorted`, {
          retryable: true,
        });
      }
      return readQuantity(sysfs, path, quantity, signal);
    },
  };
}
