/**
 * What a reading is called in Prometheus: node_exporter's name where it has one, so that dashboards made for it work
 * here, with its labels, which the drivers give; else `tincan_sensor_<unit>`, whose labels are Tincan's ids.
 */
import type { Reading } from '../reading.ts';

export interface Metric {
  /** Name of the samples; a counter's ends in `_total`. */
  name: string;
  type: 'gauge' | 'counter';
  help: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

type Named = Pick<Metric, 'name' | 'help'> & Partial<Pick<Metric, 'type'>>;

/** Of the board's own sensors, by id. */
const BY_ID: Readonly<Record<string, Named>> = {
  'load-1m': { name: 'node_load1', help: '1m load average.' },
  'load-5m': { name: 'node_load5', help: '5m load average.' },
  'load-15m': { name: 'node_load15', help: '15m load average.' },
  'memory-total': {
    name: 'node_memory_MemTotal_bytes',
    help: 'Memory information field MemTotal_bytes.',
  },
  'memory-available': {
    name: 'node_memory_MemAvailable_bytes',
    help: 'Memory information field MemAvailable_bytes.',
  },
  'disk-root-total': {
    name: 'node_filesystem_size_bytes',
    help: 'Filesystem size in bytes.',
  },
  'disk-root-free': {
    name: 'node_filesystem_avail_bytes',
    help: 'Filesystem space available to non-root users in bytes.',
  },
};

/** SenML unit -> the word that Prometheus uses for it. */
const UNIT_WORDS: Readonly<Record<string, string>> = {
  Cel: 'celsius',
  '%RH': 'relative_humidity_percent',
  '/': 'ratio',
  B: 'bytes',
  s: 'seconds',
  V: 'volts',
  A: 'amperes',
  W: 'watts',
  J: 'joules',
  Pa: 'pascals',
  Hz: 'hertz',
  lx: 'lux',
  m: 'meters',
  'm/s2': 'meters_per_second_squared',
  'rad/s': 'radians_per_second',
  T: 'teslas',
  ppm: 'parts_per_million',
};

/** Kind of a chip's channel -> how node_exporter's hwmon collector names it. */
const CHIP_NAMES: Readonly<Record<string, Named>> = {
  temperature: { name: 'node_hwmon_temp_celsius', help: 'Hardware monitor for temperature (input)' },
  voltage: { name: 'node_hwmon_in_volts', help: 'Hardware monitor for voltage (input)' },
  current: { name: 'node_hwmon_curr_amps', help: 'Hardware monitor for current (input)' },
  power: { name: 'node_hwmon_power_watt', help: 'Hardware monitor for power usage in watts (input)' },
  fan: { name: 'node_hwmon_fan_rpm', help: 'Hardware monitor for fan revolutions per minute (input)' },
};

type Labels = Readonly<Record<string, string>>;

/** The metrics of one reading; none for text and for what is not known now. */
export function metricsOf(reading: Reading, labels: Labels): Metric[] {
  const { id, kind, value } = reading;
  if (typeof value !== 'number' || reading.quality !== 'ok') return [];
  const named = BY_ID[id] ?? trafficName(reading) ?? labelledName(kind, labels);
  if (named) return [{ type: 'gauge', labels, ...named, value }];
  const uptime = kind === 'uptime' ? bootTime(reading, value) : [];
  return [...uptime, byUnit(reading, value)];
}

function trafficName({ id, kind }: Reading): Named | null {
  if (kind !== 'network') return null;
  if (id.endsWith('-rx-bytes')) return traffic('receive');
  return id.endsWith('-tx-bytes') ? traffic('transmit') : null;
}

function traffic(direction: 'receive' | 'transmit'): Named {
  return {
    name: `node_network_${direction}_bytes_total`,
    type: 'counter',
    help: `Network device statistic ${direction}_bytes.`,
  };
}

function labelledName(kind: string, labels: Labels): Named | null {
  if ('zone' in labels) return { name: 'node_thermal_zone_temp', help: 'Zone temperature in Celsius' };
  return 'chip' in labels ? (CHIP_NAMES[kind] ?? null) : null;
}

/** Only a board whose clock is set knows when it started. */
function bootTime({ time }: Reading, uptimeS: number): Metric[] {
  if (time === null) return [];
  const value = Math.round(Date.parse(time) / 1000 - uptimeS);
  return [
    {
      name: 'node_boot_time_seconds',
      type: 'gauge',
      help: 'Node boot time, in unixtime.',
      labels: {},
      value,
    },
  ];
}

function byUnit({ id, kind, unit }: Reading, value: number): Metric {
  const word = UNIT_WORDS[unit ?? ''];
  const labels = { sensor: id, kind };
  if (word !== undefined) {
    return {
      name: `tincan_sensor_${word}`,
      type: 'gauge',
      help: `Last value of sensors that measure in ${unit}.`,
      labels,
      value,
    };
  }
  return {
    name: 'tincan_sensor_value',
    type: 'gauge',
    help: 'Last value of sensors without a unit, or with one that has no word in Prometheus.',
    labels: { ...labels, unit: unit ?? '' },
    value,
  };
}
