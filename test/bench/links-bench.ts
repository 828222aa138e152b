/**
 * `npm run bench -- --links N`: the memory of one node while N peers exchange TCP with it, all at once, half of them in
 * each direction. Every node is the real agent in a network namespace of its own.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentFault } from '../../agent/errors.ts';
import { MemberHost } from '../demo/member-host.ts';
import { runTincan, tincanCommand } from '../demo/tincan-command.ts';
import { Lab } from '../lab/lab.ts';
import { defaultLabMode } from '../lab/prerequisites.ts';
import { repositoryPath } from '../lab/repository.ts';
import { transfer } from './iperf.ts';
import { linksBenchText } from './links-bench-table.ts';
import { type MappedMemory, memoryMapOf } from './memory-map.ts';
import { type MemoryUse, memoryOf } from './process-cost.ts';
import { Programs } from './programs.ts';
import { NO_IPERF3 } from './rig.ts';

const ENROL_MS = 60_000;
const LINKS_MS = 60_000;
const SERVANT_START_MS = 10_000;
const WARM_UP_SECONDS = 1;
/** The links are up and quiet: what was made for their start is given back. */
const REST_MS = 8_000;
const LOOK_EVERY_MS = 250;

/** Memory is of the node in the middle. */
export interface LinksBench {
  links: number;
  seconds: number;
  /** Of all transfers together. */
  mbps: number;
  rssIdleKB: number;
  privateIdleKB: number;
  /** The most that was seen under load. */
  rssKB: number;
  privateKB: number;
  /** When most was private. */
  mappings: MappedMemory[];
}

interface LinksBenchOptions {
  json: boolean;
  links: number;
  seconds: number;
}

type Say = (line: string) => void;

/** All of it, with the lab opened and taken away; `interrupted` ends it early with an exit code. */
export async function benchLinks(
  options: LinksBenchOptions,
  interrupted: Promise<number>,
  say: Say,
): Promise<{ exitCode: number; text: string }> {
  const iperf3 = new Programs(null).find('iperf3');
  if (iperf3 === null) throw new EnvironmentFault('no-iperf3', NO_IPERF3);
  const lab = await Lab.open({ mode: defaultLabMode() });
  try {
    const ending = await Promise.race([measureLinks(lab, iperf3, options, say), interrupted]);
    if (typeof ending === 'number') return { exitCode: ending, text: '' };
    return { exitCode: 0, text: options.json ? `${JSON.stringify(ending)}\n` : linksBenchText(ending) };
  } finally {
    await lab.close();
  }
}

/** Throws EnvironmentFault where a step fails; the caller closes the lab. */
async function measureLinks(
  lab: Lab,
  iperf3: string,
  { links, seconds }: LinksBenchOptions,
  say: Say,
): Promise<LinksBench> {
  const [centre, peers] = await enrolled(lab, links, say);
  const pid = centre.agent.pid ?? 0;
  const exchange = (length: number): Promise<number[]> =>
    Promise.all(
      peers.map(async ({ host, identity }, number) => {
        const work = { from: centre.host, to: host, address: identity.ip4, seconds: length };
        return (await transfer(iperf3, { ...work, reverse: number % 2 === 1 })).mbps;
      }),
    );
  say(`${links} links are made by traffic`);
  await exchange(WARM_UP_SECONDS);
  await untilFast(centre, links);
  await sleep(REST_MS);
  const idle = await memoryOf([pid]);
  say(`TCP over all of them at once, for ${seconds} s`);
  const loaded = new MostMemory(pid);
  const mbps = await exchange(seconds);
  const { most, mappings } = await loaded.stop();
  return {
    links,
    seconds,
    mbps: mbps.reduce((sum, one) => sum + one, 0),
    rssIdleKB: idle.rssKB,
    privateIdleKB: idle.privateDirtyKB,
    rssKB: most.rssKB,
    privateKB: most.privateDirtyKB,
    mappings,
  };
}

/** Looks at a process again and again until it is stopped. */
class MostMemory {
  readonly #pid: number;
  readonly #looking: Promise<void>;
  #most: MemoryUse = { rssKB: 0, privateDirtyKB: 0 };
  #mappings: MappedMemory[] = [];
  #stopped = false;

  constructor(pid: number) {
    this.#pid = pid;
    this.#looking = this.#look();
  }

  async stop(): Promise<{ most: MemoryUse; mappings: MappedMemory[] }> {
    this.#stopped = true;
    await this.#looking;
    return { most: this.#most, mappings: this.#mappings };
  }

  async #look(): Promise<void> {
    while (!this.#stopped) {
      const { rssKB, privateDirtyKB } = await memoryOf([this.#pid]);
      if (privateDirtyKB > this.#most.privateDirtyKB) this.#mappings = await memoryMapOf(this.#pid);
      this.#most = {
        rssKB: Math.max(rssKB, this.#most.rssKB),
        privateDirtyKB: Math.max(privateDirtyKB, this.#most.privateDirtyKB),
      };
      await sleep(LOOK_EVERY_MS);
    }
  }
}

/** What the packaged service gives the agent, which limits its memory. */
async function serviceEnvironment(): Promise<string[]> {
  const unit = repositoryPath('image-build/package/tree/usr/lib/systemd/system/tincan.service');
  return [...(await readFile(unit, 'utf8')).matchAll(/^Environment=(.+)$/gm)].map(([, value = '']) => value);
}

/** The node in the middle and its peers. It is started again from its state as the service starts it after a reboot. */
async function enrolled(lab: Lab, links: number, say: Say): Promise<[MemberHost, MemberHost[]]> {
  say(`${links + 1} nodes are enrolled`);
  const names = ['centre', ...Array.from({ length: links }, (_, number) => `peer-${number + 1}`)];
  const home = await lab.addHost('home');
  const members: MemberHost[] = [];
  for (const name of names) members.push(new MemberHost(await lab.addHost(name), lab.directory));
  const listen = `${home.address}:1883`;
  const fleet = join(lab.directory, 'fleet');
  const serve = async (title: string, ...args: string[]) =>
    void (await home
      .spawn(title, tincanCommand(...args))
      .waitForLine('a word', SERVANT_START_MS, () => true));
  await serve('the broker', 'broker', '--listen', listen, '--json');
  await runTincan(home, 'fleet', 'init', fleet, '--name', 'bench', '--broker', `mqtt://${listen}`);
  for (const { name, claimFile } of members) {
    await runTincan(home, 'fleet', 'add', fleet, name, '--claim', claimFile);
  }
  await serve('the registrar', 'fleet', 'serve', fleet);
  for (const member of members) {
    member.start(() => undefined);
    await member.untilProvisioned(ENROL_MS);
  }
  const [centre, ...peers] = members;
  if (!centre) throw new EnvironmentFault('no-node', 'there is no node in the middle');
  centre.agent.kill('SIGTERM');
  await centre.agent.exited;
  centre.start(() => undefined, await serviceEnvironment());
  await centre.untilProvisioned(ENROL_MS);
  return [centre, peers];
}

async function untilFast(centre: MemberHost, links: number): Promise<void> {
  const deadline = performance.now() + LINKS_MS;
  let fast = 0;
  while (performance.now() < deadline) {
    fast = (await centre.links()).filter(({ path }) => path === 'fast').length;
    if (fast === links) return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new EnvironmentFault(
    'no-path',
    `${fast} of ${links} links were on their fast path in ${LINKS_MS / 1000} s`,
  );
}
