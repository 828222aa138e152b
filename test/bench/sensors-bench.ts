/**
 * `npm run bench -- --sensors`: what a device with 50 sensors at 1 Hz costs while 20 clients follow it over a link, and how
 * many requests for `/sensors` it answers meanwhile. A laptop and a device in network namespaces, the real agent.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentFault } from '../../agent/errors.ts';
import { MemberHost } from '../demo/member-host.ts';
import { runTincan, tincanCommand } from '../demo/tincan-command.ts';
import { Lab } from '../lab/lab.ts';
import { defaultLabMode } from '../lab/prerequisites.ts';
import { repositoryPath } from '../lab/repository.ts';
import { cpuSecondsOf, memoryOf } from './process-cost.ts';

const FOLLOWERS = 20;
const QUIET_MS = 8_000;
const LOAD_MS = 5_000;
const AT_ONCE = 4;
const LIMIT_MS = 60_000;
/** What a config may declare. */
const MOST_REPLAYS = 32;

interface SensorBench {
  sensors: number;
  followers: number;
  /** While it samples and nobody follows. */
  idleCpuPercent: number;
  /** While all follow. */
  followedCpuPercent: number;
  eventsPerSecond: number;
  /** Followers that were cut. */
  lost: number;
  rssMB: number;
  privateDirtyMB: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

type Load = Pick<SensorBench, 'eventsPerSecond' | 'lost' | 'requestsPerSecond' | 'p50Ms' | 'p99Ms'>;

/** All of it, with the lab opened and taken away; `interrupted` ends it early with an exit code. */
export async function benchSensors(
  json: boolean,
  interrupted: Promise<number>,
): Promise<{ exitCode: number; text: string }> {
  const lab = await Lab.open({ mode: defaultLabMode() });
  try {
    const ending = await Promise.race([measureSensors(lab), interrupted]);
    if (typeof ending === 'number') return { exitCode: ending, text: '' };
    return { exitCode: 0, text: json ? `${JSON.stringify(ending)}\n` : sensorBenchText(ending) };
  } finally {
    await lab.close();
  }
}

/** Throws EnvironmentFault where a step fails; the caller closes the lab. */
async function measureSensors(lab: Lab): Promise<SensorBench> {
  const [laptop, device] = await enrolled(lab);
  const { ip4 } = device.identity;
  const pid = device.agent.pid ?? 0;
  const page = await laptop.fetch(device.name, ip4, '/sensors', LIMIT_MS);
  const { sensors } = JSON.parse(page.body) as { sensors: unknown[] };
  const idleCpuPercent = await cpuPercent(pid, QUIET_MS);
  const script = repositoryPath('test/bench/sensor-load.mjs');
  const numbers = [FOLLOWERS, QUIET_MS, LOAD_MS, AT_ONCE].map(String);
  const loading = laptop.host.run([process.execPath, script, `http://${ip4}/`, ...numbers], {
    timeoutMs: LIMIT_MS,
  });
  const followedCpuPercent = await cpuPercent(pid, QUIET_MS);
  const { rssKB, privateDirtyKB } = await memoryOf([pid]);
  const { code, stdout, stderr } = await loading;
  if (code !== 0) throw new EnvironmentFault('no-load', `the load ended with ${code}: ${stderr.trim()}`);
  return {
    sensors: sensors.length,
    followers: FOLLOWERS,
    idleCpuPercent,
    followedCpuPercent,
    rssMB: rssKB / 1000,
    privateDirtyMB: privateDirtyKB / 1000,
    ...(JSON.parse(stdout) as Load),
  };
}

/** For people. */
function sensorBenchText(result: SensorBench): string {
  const rows: [string, string][] = [
    ['sensors at 1 Hz', String(result.sensors)],
    ['CPU of one core, nobody follows', `${result.idleCpuPercent.toFixed(1)} %`],
    [`CPU of one core, ${result.followers} follow`, `${result.followedCpuPercent.toFixed(1)} %`],
    ['events delivered', `${result.eventsPerSecond.toFixed(0)}/s, ${result.lost} followers lost`],
    [
      'resident memory',
      `${result.rssMB.toFixed(0)} MB, of it its own ${result.privateDirtyMB.toFixed(0)} MB`,
    ],
    ['/sensors over the link', `${result.requestsPerSecond.toFixed(0)}/s`],
    ['  time for one', `${result.p50Ms.toFixed(1)} ms, p99 ${result.p99Ms.toFixed(1)} ms`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(34)}${value}\n`).join('');
}

async function enrolled(lab: Lab): Promise<[MemberHost, MemberHost]> {
  const hosts = [await lab.addHost('laptop'), await lab.addHost('device')] as const;
  const [laptop, device] = [new MemberHost(hosts[0], lab.directory), new MemberHost(hosts[1], lab.directory)];
  const listen = `${hosts[0].address}:1883`;
  const fleet = join(lab.directory, 'fleet');
  const serve = async (title: string, ...args: string[]) =>
    void (await hosts[0].spawn(title, tincanCommand(...args)).waitForLine('a word', 10_000, () => true));
  await serve('the broker', 'broker', '--listen', listen, '--json');
  await runTincan(hosts[0], 'fleet', 'init', fleet, '--name', 'bench', '--broker', `mqtt://${listen}`);
  for (const { name, claimFile } of [laptop, device]) {
    await runTincan(hosts[0], 'fleet', 'add', fleet, name, '--claim', claimFile);
  }
  await declareSensors(join(fleet, 'fleet.json'));
  await serve('the registrar', 'fleet', 'serve', fleet);
  for (const member of [laptop, device]) {
    member.start(() => undefined);
    await member.untilProvisioned(LIMIT_MS);
  }
  return [laptop, device];
}

/** 32 recordings, minimum, maximum and mean of one over a second, and the board's own: some 50, all at 1 Hz. */
async function declareSensors(file: string): Promise<void> {
  const fleet = JSON.parse(await readFile(file, 'utf8'));
  const replays = Array.from({ length: MOST_REPLAYS }, (_, number) => ({
    name: `s${number}`,
    series: [20.1, 20.4, 20.9, 21.3, 20.7],
    unit: 'Cel',
    intervalMs: 1_000,
  }));
  const sampling = [{ id: 'replay-s0', windowMs: 1_000 }];
  fleet.settings.sensors = {
    ...fleet.settings.sensors,
    intervalMs: 1_000,
    // What it can answer is measured, not how soon it refuses.
    requestsPerSecond: 1_000_000,
  };
  fleet.settings.deviceSensors = { device: { replays, sampling } };
  await writeFile(file, JSON.stringify(fleet));
}

async function cpuPercent(pid: number, ms: number): Promise<number> {
  const before = await cpuSecondsOf([pid]);
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ((await cpuSecondsOf([pid])) - before) * (100_000 / ms);
}
