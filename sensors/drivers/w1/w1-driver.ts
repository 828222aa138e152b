/** 1-wire thermometers: DS18B20 and its kin. */
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { Sysfs } from '../../../agent/ports/sysfs.ts';
import { MILLIDEGREES, plausible } from '../../kernel-number.ts';
import { decimal, kebab, readPresent } from '../../kernel-text.ts';
import type { DiscoveryContext, Sensor, SensorDriver } from '../../sensor.ts';
import { BulkConversion } from './bulk-conversion.ts';

const DEVICES = '/sys/bus/w1/devices';
/** Family codes of the thermometers that the kernel's w1_therm knows: DS18S20, DS1822, DS18B20, DS1825, DS28EA00. */
const THERMOMETER = /^(10|22|28|3b|42)-[0-9a-f]{12}$/;
/** What the chip holds before its first conversion: it lost its power since the last one. */
const POWER_UP_MILLIDEGREES = 85_000;
/** For a bus whose conversions run together: one of them, and all the chips' answers after it. */
const BULK_LIMIT_MS = 4_000;
/** For one whose conversions follow each other. */
const CONVERSION_LIMIT_MS = 1_000;

interface Thermometer {
  /** `28-0316a2795ff`. */
  entry: string;
  /** Null: each read starts a conversion. */
  bulk: BulkConversion | null;
  readLimitMs: number;
}

export const w1Driver: SensorDriver = {
  kind: 'w1',
  async discover(context) {
    const { sysfs, clock, signal } = context;
    const buses = new Map<string, string[]>();
    for (const entry of await sysfs.list(DEVICES)) {
      if (!THERMOMETER.test(entry)) continue;
      const bus =
        /\/(w1_bus_master\d+)\//.exec((await sysfs.resolve(`${DEVICES}/${entry}`)) ?? '')?.[1] ?? '';
      buses.set(bus, [...(buses.get(bus) ?? []), entry]);
    }
    const sensors: Sensor[] = [];
    for (const [bus, entries] of buses) {
      const path = `${DEVICES}/${bus}/therm_bulk_read`;
      const bulk = (await sysfs.read(path, signal)) === null ? null : new BulkConversion(sysfs, clock, path);
      const readLimitMs = bulk ? BULK_LIMIT_MS : CONVERSION_LIMIT_MS * (entries.length + 1);
      for (const entry of entries) sensors.push(sensorOf({ entry, bulk, readLimitMs }, context));
    }
    return sensors;
  },
};

function sensorOf({ entry, bulk, readLimitMs }: Thermometer, context: DiscoveryContext): Sensor {
  const { sysfs, intervalMs } = context;
  return {
    id: kebab('temperature', entry),
    name: `Temperature, 1-wire ${entry}`,
    kind: MILLIDEGREES.kind,
    unit: MILLIDEGREES.unit,
    intervalMs: Math.max(intervalMs, readLimitMs),
    readLimitMs,
    async read(signal) {
      await bulk?.done().catch(orWithout);
      const { path, millidegrees } = await convertedBy(sysfs, `${DEVICES}/${entry}`, signal);
      if (millidegrees !== POWER_UP_MILLIDEGREES) return plausible(millidegrees / 1000, path, MILLIDEGREES);
      throw new EnvironmentFault(
        'power-up-value',
        `${path} says 85 °C, which a thermometer holds that lost its power: check the wiring and its supply`,
        { retryable: true },
      );
    },
  };
}

/** An agent without the right to start a bulk conversion reads all the same: the kernel converts for each chip. */
function orWithout(error: unknown): void {
  if (!(error instanceof EnvironmentFault) || error.code !== 'no-privilege') throw error;
}

/** From `temperature`, whose CRC the kernel has checked, or on kernels before 5.8 from the older `w1_slave`. */
async function convertedBy(sysfs: Sysfs, directory: string, signal: AbortSignal) {
  const path = `${directory}/temperature`;
  const text = await sysfs.read(path, signal);
  if (text !== null) return { path, millidegrees: decimal(text, path) };
  const oldPath = `${directory}/w1_slave`;
  const [checked = '', scratchpad = ''] = (await readPresent(sysfs, oldPath, signal)).split('\n');
  if (!/ YES$/.test(checked.trim())) {
    throw new EnvironmentFault(
      'crc',
      `${oldPath} has a wrong CRC: check the wire, its length and its resistor`,
      {
        retryable: true,
      },
    );
  }
  return { path: oldPath, millidegrees: decimal(/ t=(\S+)$/.exec(scratchpad.trim())?.[1], oldPath) };
}
