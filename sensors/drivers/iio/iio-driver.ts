/** Industrial I/O: converters, climate, light, motion and gas sensors that have a kernel driver. */
import { plausible } from '../../kernel-number.ts';
import { decimal, kebab, readPresent } from '../../kernel-text.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from '../../sensor.ts';
import { distinctNames } from '../../sensor-names.ts';
import { type Channel, findChannels } from './channels.ts';

export const iioDriver: SensorDriver = {
  kind: 'iio',
  async discover(context) {
    const found = (await findChannels(context.sysfs, context.signal)).map((channel) => ({
      channel,
      device: channel.device,
      id: kebab(channel.quantity.kind, channel.chip, channel.part ?? ''),
      name: `${channel.quantity.words}, ${[channel.chip, channel.part].filter(Boolean).join(' ')}`,
    }));
    return distinctNames(found).map(({ id, name, channel }) => sensorOf(id, name, channel, context));
  },
};

function sensorOf(
  id: string,
  name: string,
  { quantity, path, offsetPath, scalePath }: Channel,
  { sysfs, intervalMs }: DiscoveryContext,
): Sensor {
  return {
    id,
    name,
    kind: quantity.kind,
    unit: quantity.unit,
    intervalMs,
    async read(signal) {
      const number = async (file: string) => decimal(await readPresent(sysfs, file, signal), file);
      // Both can change while the board runs: whoever sets a gain changes the scale.
      const offset = offsetPath ? await number(offsetPath) : 0;
      const scale = scalePath ? await number(scalePath) : 1;
      return plausible((((await number(path)) + offset) * scale) / quantity.perUnit, path, quantity);
    },
  };
}
