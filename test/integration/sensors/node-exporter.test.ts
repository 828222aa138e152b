/** The same board's files, read by us and by Debian's prometheus-node-exporter: names, labels and values agree. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LinuxSysfs } from '../../../agent/adapters/sysfs.ts';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import { hwmonDriver } from '../../../sensors/drivers/hwmon/hwmon-driver.ts';
import { thermalDriver } from '../../../sensors/drivers/thermal/thermal-driver.ts';
import { Sampler } from '../../../sensors/sampler.ts';
import { metricsText } from '../../../sensors/services/metrics.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

const LISTEN = '127.64.4.1:19100';
const ZONE = '/sys/devices/virtual/thermal/thermal_zone0';
const LM75 = '/sys/devices/platform/soc/fe804000.i2c/i2c-1/1-0048';
const POWER = '/sys/devices/platform/Rpi-PoE@51';
const FILES: Readonly<Record<string, string>> = {
  [`${ZONE}/type`]: 'cpu-thermal',
  [`${ZONE}/temp`]: '48312',
  [`${ZONE}/policy`]: 'step_wise',
  [`${LM75}/hwmon/hwmon1/name`]: 'lm75',
  [`${LM75}/hwmon/hwmon1/temp1_input`]: '21500',
  [`${POWER}/hwmon/hwmon2/name`]: 'rpi_poe',
  [`${POWER}/hwmon/hwmon2/in1_input`]: '5012',
  [`${POWER}/hwmon/hwmon2/curr1_input`]: '640',
  [`${POWER}/hwmon/hwmon2/power1_input`]: '3200000',
  [`${POWER}/hwmon/hwmon2/fan1_input`]: '2400',
};
const LINKS: Readonly<Record<string, string>> = {
  '/sys/class/thermal/thermal_zone0': `../../..${ZONE}`,
  '/sys/class/hwmon/hwmon1': `../../..${LM75}/hwmon/hwmon1`,
  '/sys/class/hwmon/hwmon2': `../../..${POWER}/hwmon/hwmon2`,
  [`${LM75}/hwmon/hwmon1/device`]: '../../../1-0048',
  [`${POWER}/hwmon/hwmon2/device`]: '../../../Rpi-PoE@51',
};

let root = '';
let exporter: ChildProcess | null = null;
afterEach(() => {
  exporter?.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

function makeTree(): void {
  root = mkdtempSync(join(tmpdir(), 'tincan-exporter-'));
  const place = (path: string) => {
    mkdirSync(dirname(root + path), { recursive: true });
    return root + path;
  };
  for (const [path, text] of Object.entries(FILES)) writeFileSync(place(path), `${text}\n`);
  for (const [path, target] of Object.entries(LINKS)) symlinkSync(target, place(path));
}

/** Name and labels in one order -> value. */
function seriesIn(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => /^node_(hwmon|thermal)/.test(line));
  return new Map(
    lines.map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
      return [`${name} ${labels.split(',').sort().join(' ')}`, Number(value)];
    }),
  );
}

async function ours(): Promise<Map<string, number>> {
  const signal = new AbortController().signal;
  const context = {
    sysfs: new LinuxSysfs(root),
    facts: { model: async () => null, os: async () => null },
    clock: systemClock,
    intervalMs: 60_000,
    signal,
  };
  const sensors = [...(await thermalDriver.discover(context)), ...(await hwmonDriver.discover(context))];
  const log = new RecordingLog();
  const sampler = new Sampler({
    clock: systemClock,
    log,
    random: Math.random,
    clockSynchronised: () => true,
  });
  await sampler.track(sensors);
  const text = metricsText({ id: 'n', name: 'n' }, sampler, false);
  sampler.stop();
  return seriesIn(text);
}

async function theirs(): Promise<Map<string, number>> {
  const args = ['--collector.disable-defaults', '--collector.hwmon', '--collector.thermal_zone'];
  exporter = spawn(
    'prometheus-node-exporter',
    [...args, `--path.sysfs=${root}/sys`, `--web.listen-address=${LISTEN}`],
    { stdio: 'ignore' },
  );
  let text = '';
  const scrape = async () => {
    text = await fetch(`http://${LISTEN}/metrics`).then(
      (answer) => answer.text(),
      () => '',
    );
    return text;
  };
  await expect.poll(scrape, { timeout: 10_000 }).toContain('node_hwmon_temp_celsius');
  return seriesIn(text);
}

const installed = spawnSync('prometheus-node-exporter', ['--version']).status === 0;

describe('metrics beside those of node_exporter', () => {
  it.skipIf(!installed)('are the same series with the same values', async () => {
    makeTree();
    const [own, others] = [await ours(), await theirs()];
    expect([...own.keys()]).toHaveLength(6);
    for (const [series, value] of own) {
      expect([series, others.get(series)]).toEqual([series, expect.closeTo(value, 6)]);
    }
  });
});
