import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { metricsText } from '../../../../sensors/services/metrics.ts';
import { reading } from './readings.ts';
import { NODE, served, thermometer } from './served-sensors.ts';

const sourceOf = (readings: Parameters<typeof reading>[0][], labels: Record<string, string> = {}) => ({
  readings: () => readings.map(reading),
  labels: () => labels,
});
const textOf = (...readings: Parameters<typeof reading>[0][]) => metricsText(NODE, sourceOf(readings), false);

describe('metrics', () => {
  it.each([
    [{ id: 'load-1m', value: 0.5 }, 'node_load1 0.5'],
    [{ id: 'memory-available', value: 4096, unit: 'B' }, 'node_memory_MemAvailable_bytes 4096'],
    [
      { id: 'disk-root-free', value: 7, unit: 'B' },
      'node_filesystem_avail_bytes{mountpoint="/"} 7',
      { mountpoint: '/' },
    ],
    [
      { id: 'net-wg-0-rx-bytes', name: 'wg.0, bytes received', kind: 'network', value: 9, unit: 'B' },
      'node_network_receive_bytes_total{device="wg.0"} 9',
      { device: 'wg.0' },
    ],
    [
      { id: 'cpu-temperature', name: 'CPU temperature', kind: 'temperature', value: 48.3, unit: 'Cel' },
      'node_thermal_zone_temp{zone="0",type="cpu-thermal"} 48.3',
      { zone: '0', type: 'cpu-thermal' },
    ],
    [
      { id: 'temperature-nvme', name: 'Temperature, nvme', kind: 'temperature', value: 31, unit: 'Cel' },
      'node_hwmon_temp_celsius{chip="nvme_nvme0",sensor="temp1"} 31',
      { chip: 'nvme_nvme0', sensor: 'temp1' },
    ],
    [
      { id: 'temperature-bme280', kind: 'temperature', value: 31, unit: 'Cel' },
      'tincan_sensor_celsius{sensor="temperature-bme280",kind="temperature"} 31',
    ],
    [
      { id: 'uptime', kind: 'uptime', value: 60, unit: 's', time: '2026-11-01T00:01:00.000Z' },
      `node_boot_time_seconds ${Date.UTC(2026, 10, 1) / 1000}`,
    ],
    [
      { id: 'air', kind: 'humidity', value: 55, unit: '%RH' },
      'tincan_sensor_relative_humidity_percent{sensor="air",kind="humidity"} 55',
    ],
    [{ id: 'p', kind: 'k', value: 3, unit: 'dBm' }, 'tincan_sensor_value{sensor="p",kind="k",unit="dBm"} 3'],
  ] as const)('%j is %s', (changes, line, labels?: Record<string, string>) => {
    const text = metricsText(NODE, sourceOf([changes as Parameters<typeof reading>[0]], labels), false);
    expect(text.split('\n')).toContain(line);
  });

  it('leaves out text, and values that are not of now, and says which sensors are not well', () => {
    const text = textOf(
      { id: 'os', value: 'Debian' },
      { id: 'load-1m', value: 1, quality: 'stale', ageMs: 90_000 },
      { id: 'never', value: null, quality: 'error', ageMs: null },
    );
    expect(text).not.toContain('Debian');
    expect(text).not.toContain('node_load1');
    expect(text).toContain('tincan_sensor_ok{sensor="load-1m"} 0\n');
    expect(text).toContain('tincan_sensor_ok{sensor="never"} 0\n');
    expect(text).toContain('tincan_sensor_age_seconds{sensor="load-1m"} 90\n');
    expect(text).not.toContain('tincan_sensor_age_seconds{sensor="never"}');
  });

  it('gives no boot time while the clock is not set', () => {
    const text = textOf({ id: 'uptime', kind: 'uptime', value: 60, unit: 's', time: null });
    expect(text).not.toContain('node_boot_time_seconds');
    expect(text).toContain('tincan_sensor_seconds{sensor="uptime",kind="uptime"} 60\n');
  });

  it('writes each family once, with its help and type before its samples', () => {
    const lines = textOf({ id: 'a', unit: 'V' }, { id: 'load-1m' }, { id: 'b', unit: 'V' }).split('\n');
    const at = lines.indexOf('# TYPE tincan_sensor_volts gauge');
    expect(lines[at - 1]).toMatch(/^# HELP tincan_sensor_volts /);
    expect(lines[at + 1]).toContain('sensor="a"');
    expect(lines[at + 2]).toContain('sensor="b"');
  });

  it('escapes any label so that it stays one line and reads back', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'a', '}', '{', ' ', 'ü', '#') }),
        (name) => {
          const text = metricsText({ id: 'n', name }, sourceOf([]), false);
          const label = /^tincan_node_info\{node="n",name="((?:[^"\\\n]|\\["\\n])*)"\} 1$/m.exec(text)?.[1];
          const readBack = label?.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
          expect(readBack).toBe(name);
        },
      ),
    );
  });

  it('is OpenMetrics for who asks for it, and the older text for all others', async () => {
    const { app } = await served([thermometer()]);
    const asked = async (accept?: string) => {
      const response = await app.request('/metrics', accept === undefined ? {} : { headers: { accept } });
      return { type: response.headers.get('content-type'), text: await response.text() };
    };
    const prometheus =
      'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1';
    const open = await asked(prometheus);
    expect(open.type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(open.text.endsWith('\n# EOF\n')).toBe(true);
    for (const accept of [undefined, '*/*', 'text/plain', 'text/html,*/*;q=0.8', ';;,', 'a/b']) {
      const plain = await asked(accept);
      expect(plain.type).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(plain.text).not.toContain('# EOF');
    }
  });

  it('names a counter in OpenMetrics without the suffix of its samples', () => {
    const counter = {
      id: 'net-a-tx-bytes',
      name: 'a, bytes sent',
      kind: 'network',
      value: 1,
      unit: 'B',
    };
    const text = metricsText(NODE, sourceOf([counter], { device: 'a' }), true);
    expect(text).toContain('# TYPE node_network_transmit_bytes counter\n');
    expect(text).toContain('\nnode_network_transmit_bytes_total{device="a"} 1\n');
  });
});
