/**
 * `npm run test:tools`: a real agent on a real overlay, read with the tools that people already use. What is not
 * installed is left out, and the table says so.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode } from 'cborg';
import { expect, it } from 'vitest';
import { FakeLed, startWithLed } from '../e2e/faults/fake-led.ts';
import { FleetUnderTest } from '../e2e/faults/fleet-under-test.ts';
import type { LabHost, RunResult } from '../lab/lab-host.ts';
import { defaultLabMode, labEnvironment, labProblem } from '../lab/prerequisites.ts';
import { repositoryPath } from '../lab/repository.ts';
import { Avahi } from './avahi.ts';
import { ToolTable } from './tool-table.ts';

/** Where the pictures of the page are left. */
const PICTURES = process.env['TINCAN_TOOLS_PICTURES'];
const SENSOR = 'uptime';
const ACTUATOR = 'led-relay';
const require = createRequire(import.meta.url);

/** Null: it is not installed. */
function pathOf(program: string): string | null {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { env: labEnvironment(), encoding: 'utf8' });
  return found.stdout.trim() || null;
}

const missing = (program: string, debianPackage: string) =>
  pathOf(program) ? null : `apt-get install ${debianPackage}`;

function missingModules(...names: string[]): string | null {
  const absent = names.filter((name) => {
    try {
      require.resolve(name);
      return false;
    } catch {
      return true;
    }
  });
  return absent.length === 0 ? null : `npm install --no-save ${absent.join(' ')}`;
}

/** What a program printed; throws with what it complained of. */
async function printed(running: Promise<RunResult>): Promise<string> {
  const { code, stdout, stderr } = await running;
  if (code !== 0) throw new Error(`exit ${code}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

it('the tools that are not ours', async (context) => {
  const problem = labProblem(defaultLabMode());
  if (problem !== null) context.skip(problem);
  const table = new ToolTable();
  const fleet = await FleetUnderTest.make();
  try {
    publishToHub(fleet);
    await fleet.serve();
    const led = new FakeLed(fleet.lab.directory);
    const laptop = await fleet.addMember('laptop', '--tag', 'operator');
    const greenhouse = await fleet.addMember('greenhouse');
    laptop.startWithClaim();
    startWithLed(greenhouse, led, '--claim', greenhouse.claimFile);
    await laptop.untilUp();
    const { listening } = (await greenhouse.untilUp()).sensors;
    await laptop.ping(greenhouse);
    const address = new URL(listening[0] ?? '').hostname;
    await addNames(table, laptop.host);
    await addHttp(table, laptop.host, address, fleet.lab.directory);
    await addCoap(table, laptop.host, address, led);
    await addWeb(table, laptop.host, address, fleet.lab.directory);
    await addHomeAssistant(table, fleet, led);
  } finally {
    await fleet.close();
  }
  process.stdout.write(`${table.text()}\n`);
  expect(table.rows.filter(({ failed }) => failed)).toEqual([]);
  expect(table.rows.some(({ result }) => !result.startsWith('left out'))).toBe(true);
}, 180_000);

/** The fleet's own broker is Home Assistant's, too: whose it is makes no difference to the tools. */
function publishToHub(fleet: FleetUnderTest): void {
  const path = join(fleet.directory, 'fleet.json');
  const text = JSON.parse(readFileSync(path, 'utf8'));
  text.settings.homeAssistant = { url: fleet.brokerUrl };
  text.settings.sensors = { ...text.settings.sensors, intervalMs: 1_000 };
  // What a greenhouse measures in a day, in a minute.
  const day = (from: number, by: number) =>
    Array.from({ length: 96 }, (_, at) => Number((from - by * Math.cos((at / 48) * Math.PI)).toFixed(1)));
  const replays = [
    { name: 'air', series: day(21, 6), unit: 'Cel', intervalMs: 1_000 },
    { name: 'humidity', series: day(62, -14), unit: '%RH', intervalMs: 1_000 },
    { name: 'soil', series: day(17, 1.5), unit: 'Cel', intervalMs: 1_000 },
  ];
  text.settings.deviceSensors = { greenhouse: { replays } };
  text.settings.policy = [{ command: ['operator', 'homeassistant'] }];
  writeFileSync(path, JSON.stringify(text));
}

async function addNames(table: ToolTable, host: LabHost): Promise<void> {
  const none = Avahi.problem();
  const avahi = none === null ? await Avahi.start(host, 'laptop') : null;
  const run = async (...argv: string[]): Promise<string> => (avahi ? printed(avahi.run(argv)) : '');
  await table.add('greenhouse.local', 'avahi-resolve', none, async () => {
    const text = await run('avahi-resolve', '-4', '-n', 'greenhouse.local');
    expect(text).toMatch(/\t10\.64\./);
    return text.replace(/\s+/g, ' ').trim();
  });
  for (const type of ['_wot._tcp', '_http._tcp', '_coap._udp']) {
    await table.add(type, 'avahi-browse', none, async () => {
      const lines = (await run('avahi-browse', '-rpt', type)).split('\n');
      const found = lines.find((line) => line.startsWith('=') && line.includes(';greenhouse.local;'));
      expect(found).toBeDefined();
      return found?.split(';').slice(6).join(' ') ?? '';
    });
  }
  await table.add('http://greenhouse.local/', 'curl, nss-mdns', none ?? missing('curl', 'curl'), async () => {
    const text = await run('curl', '-sSf', '-m', '10', 'http://greenhouse.local/sensors');
    return `${JSON.parse(text).sensors.length} sensors`;
  });
}

async function addHttp(table: ToolTable, host: LabHost, address: string, directory: string): Promise<void> {
  const curl = (path: string, ...more: string[]) =>
    printed(host.run(['curl', '-sSf', '-m', '10', ...more, `http://${address}${path}`]));
  await table.add('/metrics', 'promtool check metrics', missing('promtool', 'prometheus'), async () => {
    const text = await curl('/metrics');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: `${text}\n`,
      encoding: 'utf8',
    });
    const complaints = `${stdout}${stderr}`
      .split('\n')
      .filter((line) => line !== '' && !/^node_memory_/.test(line));
    expect(complaints).toEqual([]);
    return status === 0 ? 'accepted' : 'accepted, but for the style of node_exporter’s own names';
  });
  await table.add('/metrics', 'prometheus', missing('prometheus', 'prometheus'), async () => {
    const config = join(directory, 'prometheus.yml');
    const job = `  - job_name: tincan\n    static_configs: [{targets: ['${address}:80']}]\n`;
    writeFileSync(config, `global: {scrape_interval: 1s}\nscrape_configs:\n${job}`);
    const flags = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${directory}/tsdb`,
      '--web.listen-address=127.0.0.1:9090',
    ];
    const prometheus = host.spawn('prometheus', ['prometheus', ...flags]);
    const query = ['curl', '-sS', '-m', '5', 'http://127.0.0.1:9090/api/v1/query?query=up'];
    try {
      for (let tries = 0; tries < 40; tries++) {
        const { stdout } = await host.run(query);
        if (stdout.includes('"1"')) return 'scraped: up = 1';
        await sleep(500);
      }
      throw new Error('it never scraped');
    } finally {
      prometheus.kill('SIGTERM');
      await prometheus.exited;
    }
  });
  await table.add(
    '/senml',
    'curl, a CBOR decoder of others (cbor)',
    missing('curl', 'curl') ?? missingModules('cbor'),
    async () => {
      const json = JSON.parse(await curl('/senml')) as Array<Record<string, unknown>>;
      const path = join(directory, 'senml.cbor');
      await curl('/senml', '-H', 'Accept: application/senml+cbor', '-o', path);
      const { decodeFirstSync } = require('cbor') as {
        decodeFirstSync(bytes: Uint8Array): Array<Map<number, unknown>>;
      };
      const cbor = decodeFirstSync(readFileSync(path));
      expect(cbor.map((record) => record.get(0))).toEqual(json.map(({ n }) => n));
      return `${json.length} records, the same in both`;
    },
  );
}

async function addCoap(table: ToolTable, host: LabHost, address: string, led: FakeLed): Promise<void> {
  const program = ['coap-client-notls', 'coap-client'].find((name) => !spawnSync(name, ['-h']).error);
  const none = program === undefined ? 'apt-get install libcoap3-bin' : null;
  const ask = (path: string, ...options: string[]) =>
    printed(host.run([program ?? '', ...options, '-m', 'get', `coap://${address}${path}`]));
  await table.add('coap /.well-known/core', 'coap-client (libcoap)', none, async () => {
    const text = await ask('/.well-known/core');
    expect(text).toContain(`</sensors/${SENSOR}>`);
    return `${text.split(',<').length} links, in blocks`;
  });
  await table.add(`coap /sensors/${SENSOR}`, 'coap-client, SenML JSON', none, async () => {
    const [record] = JSON.parse(await ask(`/sensors/${SENSOR}`, '-A', '110'));
    return `${record.v} ${record.u}`;
  });
  await table.add(`coap /sensors/${SENSOR}`, 'coap-client, SenML CBOR', none, async () => {
    const bytes = spawnSync('ip', [
      'netns',
      'exec',
      host.namespace,
      program ?? '',
      '-A',
      '112',
      `coap://${address}/sensors/${SENSOR}`,
    ]).stdout;
    const [record] = decode(bytes.subarray(0, -1), { useMaps: true }) as Array<Map<number, unknown>>;
    return `${record?.get(2)} ${record?.get(1)}`;
  });
  await table.add(`coap /sensors/${SENSOR}`, 'coap-client, observe', none, async () => {
    const text = await ask(`/sensors/${SENSOR}`, '-A', '0', '-s', '5', '-w');
    const values = text.trim().split(/\s+/);
    expect(values.length).toBeGreaterThan(2);
    return `${values.length} values in 5 s`;
  });
  await table.add(`coap PUT /actuators/${ACTUATOR}`, 'coap-client', none, async () => {
    const set = (value: boolean) =>
      printed(
        host.run([
          ...[program ?? '', '-m', 'put', '-t', '50', '-e', JSON.stringify({ value })],
          `coap://${address}/actuators/${ACTUATOR}`,
        ]),
      );
    await set(true);
    await led.until('1');
    await set(false);
    await led.until('0');
    return 'on, then off';
  });
}

async function addWeb(table: ToolTable, host: LabHost, address: string, directory: string): Promise<void> {
  const script = (name: string) => repositoryPath(`test/tools/${name}`);
  const run = (name: string, ...args: string[]) =>
    printed(
      host.run([process.execPath, script(name), ...args], { timeoutMs: 60_000, cwd: repositoryPath('.') }),
    );
  const wot = missingModules('@node-wot/core', '@node-wot/binding-http');
  await table.add('/.well-known/wot', 'node-wot: read, observe, act, write', wot, async () => {
    const text = await run('node-wot.mjs', `http://${address}/.well-known/wot`, SENSOR, ACTUATOR);
    const { title, read, observed, invoked, written } = JSON.parse(text.trim().split('\n').at(-1) ?? '');
    expect([title, observed >= 2, invoked, written]).toEqual(['greenhouse', true, true, false]);
    return `${SENSOR} is ${read}, then ${observed} more values; ${ACTUATOR} on, then off`;
  });
  const page = missing('chromium', 'chromium') ?? missingModules('playwright-core', 'axe-core');
  await table.add('/ and /ws', 'Chromium, 360 pixels wide; axe', page, async () => {
    const { changed, overflows, said, violations, contrast, events } = JSON.parse(
      await run('page.mjs', `http://${address}/`, pathOf('chromium') ?? '', PICTURES ?? directory),
    );
    expect({ changed, overflows, said, violations, contrast, events }).toEqual({
      changed: true,
      overflows: false,
      said: [],
      violations: [],
      contrast: true,
      events: 'reading',
    });
    return 'live, fits, silent console, WCAG 2 AA, socket';
  });
}

async function addHomeAssistant(table: ToolTable, fleet: FleetUnderTest, led: FakeLed): Promise<void> {
  const { hub } = fleet;
  const none = missing('mosquitto_sub', 'mosquitto-clients');
  const topic = 'homeassistant/device/+/config';
  const listen = (what: string, ...options: string[]) =>
    hub.run(['mosquitto_sub', '-h', hub.address, '-t', what, ...options]);
  await table.add('MQTT discovery', 'mosquitto_sub', none, async () => {
    const text = await printed(listen(topic, '-C', '2', '-W', '10'));
    const devices = text.split('\n').map((line) => JSON.parse(line));
    return devices
      .map(({ device, components }) => `${device.name}: ${Object.keys(components).length}`)
      .sort()
      .join(', ');
  });
  await table.add('MQTT switch', 'mosquitto_pub', none, async () => {
    const devices = (await printed(listen(topic, '-C', '2', '-W', '10'))).trim().split('\n');
    const components = devices.flatMap((line) => Object.values(JSON.parse(line).components));
    const [found] = components.filter((one) => (one as { platform: string }).platform === 'switch');
    const { command_topic, payload_on, payload_off } = found as Record<string, string>;
    const press = (payload = '') =>
      printed(hub.run(['mosquitto_pub', '-h', hub.address, '-t', command_topic ?? '', '-m', payload]));
    await press(payload_on);
    await led.until('1');
    await press(payload_off);
    await led.until('0');
    return 'on, then off';
  });
  await table.add('MQTT discovery, switched off', 'mosquitto_sub', none, async () => {
    const path = join(fleet.directory, 'fleet.json');
    const { settings, ...others } = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...others, settings: { ...settings, homeAssistant: undefined } }));
    const left = async () =>
      (await listen('homeassistant/#', '--retained-only', '-W', '1')).stdout.split('\n').filter(Boolean);
    await expect.poll(left, { timeout: 30_000 }).toEqual([]);
    return 'nothing stays on the broker';
  });
}
