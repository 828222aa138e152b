/**
 * The whole journey of an owner on one machine, in his order:
 *   1 hosts  2 broker  3 fleet and claims  4 registrar  5 the laptop joins  6 the devices join from their claims alone
 *   7 sensors by virtual IP  8 device to device  9 the links' paths and round trips
 */
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import type { LabHost } from '../lab/lab-host.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import { noteOf } from './agent-notes.ts';
import type { DemoReport } from './demo-report.ts';
import { measureLinks, untilFastPaths } from './link-figures.ts';
import { type FetchedPage, MemberHost } from './member-host.ts';
import { sensorsOf } from './sensor-page.ts';
import type { Steps } from './steps.ts';
import { runTincan, tincanCommand } from './tincan-command.ts';

const FLEET = 'demo';
const BROKER_PORT = 1883;
/** Each is many times what the step needs on a Raspberry Pi; all of them together are bounded by the demo's own limit. */
const SERVANT_START_MS = 10_000;
const ADMISSION_MS = 20_000;
const REACHABLE_MS = 30_000;
const FETCH_MS = 10_000;

export class DemoJourney {
  readonly #steps: Steps;
  readonly #opening: Promise<Lab>;
  readonly #pages: FetchedPage[] = [];
  #members: [laptop: MemberHost, greenhouse: MemberHost, cellar: MemberHost] | undefined;
  #claimToReachableMs = 0;

  /** `opening`: the lab, which the caller closes. */
  constructor(steps: Steps, opening: Promise<Lab>) {
    this.#steps = steps;
    this.#opening = opening;
  }

  /** Laptop first. Only after `run`. */
  get members(): readonly MemberHost[] {
    return this.#members ?? [];
  }

  /** Goes all the way. Throws DemoFailure at the first step that fails. */
  async run(): Promise<DemoReport> {
    const [laptop, ...devices] = await this.#makeHosts();
    await this.#startBroker(laptop.host);
    const fleetDirectory = await this.#makeFleet(laptop.host);
    await this.#startRegistrar(laptop.host, fleetDirectory);
    await this.#joinLaptop(laptop);
    await this.#joinDevices(laptop, devices);
    await this.#fetchEverywhere(laptop, devices);
    return this.#report(laptop, devices);
  }

  async #makeHosts(): Promise<[MemberHost, MemberHost, MemberHost]> {
    let members: [MemberHost, MemberHost, MemberHost] | undefined;
    await this.#steps.run('Three hosts in network namespaces', async () => {
      const lab = await this.#opening;
      members = [
        new MemberHost(await lab.addHost('laptop'), lab.directory),
        new MemberHost(await lab.addHost('greenhouse'), lab.directory),
        new MemberHost(await lab.addHost('cellar'), lab.directory),
      ];
      const hosts = members.map(({ host }) => `${host.name} ${host.address}`).join(', ');
      return `${hosts} (lab ${lab.name}, ${lab.mode === 'root' ? 'as root' : 'in a user namespace'})`;
    });
    this.#members = members;
    // The step has either thrown or set them.
    return members as [MemberHost, MemberHost, MemberHost];
  }

  #startBroker(laptop: LabHost): Promise<void> {
    return this.#steps.run('Embedded MQTT broker on the laptop', async () => {
      const listen = `${laptop.address}:${BROKER_PORT}`;
      await this.#serve(laptop, 'the broker', 'broker', '--listen', listen, '--json');
      return `mqtt://${listen}`;
    });
  }

  async #makeFleet(laptop: LabHost): Promise<string> {
    const directory = join((await this.#opening).directory, 'fleet');
    await this.#steps.run('Fleet made by its owner', async () => {
      const broker = `mqtt://${laptop.address}:${BROKER_PORT}`;
      await runTincan(laptop, 'fleet', 'init', directory, '--name', FLEET, '--broker', broker);
      return `tincan fleet init, keys and address plan in ${directory}`;
    });
    await this.#steps.run('One-off claims', async () => {
      for (const { name, claimFile } of this.members) {
        await runTincan(laptop, 'fleet', 'add', directory, name, '--claim', claimFile);
      }
      return `tincan fleet add ${this.members.map(({ name }) => name).join(', ')}`;
    });
    return directory;
  }

  #startRegistrar(laptop: LabHost, fleetDirectory: string): Promise<void> {
    return this.#steps.run('Registrar on the laptop', async () => {
      await this.#serve(laptop, 'the registrar', 'fleet', 'serve', fleetDirectory);
      return 'tincan fleet serve admits claims and publishes signed configs';
    });
  }

  #joinLaptop(laptop: MemberHost): Promise<void> {
    return this.#steps.run('The laptop joins its own fleet', async () => {
      this.#power(laptop);
      const { ip4, ip6 } = await laptop.untilProvisioned(ADMISSION_MS);
      return `TAP up with ${ip4}, ${ip6}`;
    });
  }

  #joinDevices(laptop: MemberHost, devices: MemberHost[]): Promise<void> {
    return this.#steps.run('Devices, from their claims to reachable sensors', async () => {
      for (const device of devices) this.#power(device);
      const times = await Promise.all(
        devices.map(async (device) => {
          const { ip4 } = await device.untilProvisioned(ADMISSION_MS);
          const page = await laptop.fetch(device.name, ip4, '/sensors', REACHABLE_MS);
          this.#pages.push(page);
          return page.answeredAtMs - device.startedAtMs;
        }),
      );
      this.#claimToReachableMs = Math.max(...times);
      return devices.map(({ name }, index) => `${name} ${times[index]} ms`).join(', ');
    });
  }

  #fetchEverywhere(laptop: MemberHost, devices: MemberHost[]): Promise<void> {
    return this.#steps.run('Sensors by virtual IP, IPv4 and IPv6', async () => {
      const [greenhouse, cellar] = devices as [MemberHost, MemberHost];
      const { ip4, ip6 } = cellar.identity;
      const fetches = [
        ...devices.map((device) => laptop.fetch(device.name, device.identity.ip6, '/sensors', FETCH_MS)),
        greenhouse.fetch(cellar.name, ip4, '/sensors', FETCH_MS),
        greenhouse.fetch(cellar.name, ip6, '/sensors', FETCH_MS),
      ];
      this.#pages.push(...(await Promise.all(fetches)));
      for (const { from, url } of this.#pages) this.#steps.note(`${from} read ${url}`);
      return `${this.#pages.length} pages, from the laptop and from device to device`;
    });
  }

  async #report(laptop: MemberHost, devices: MemberHost[]): Promise<DemoReport> {
    let figures: Awaited<ReturnType<typeof measureLinks>> = { links: [], linkUpMs: 0 };
    await this.#steps.run('Paths and round trips', async () => {
      this.#steps.concerns(...this.members.map(({ agent }) => agent));
      await untilFastPaths(this.members);
      figures = await measureLinks(this.members);
      return figures.links.map(({ from, to, path }) => `${from}–${to} ${path}`).join(', ');
    });
    return {
      ok: true,
      mode: (await this.#opening).mode,
      claimToReachableMs: this.#claimToReachableMs,
      linkUpMs: figures.linkUpMs,
      totalMs: Math.round(this.#steps.elapsedMs),
      laptop: laptop.identity,
      devices: devices.map(({ identity }) => identity),
      links: figures.links,
      sensors: devices.flatMap(({ name }) => sensorsOf(name, this.#pages)),
      fetches: this.#pages.map(({ from, to, url, status }) => ({ from, to, url, status })),
    };
  }

  /** Starts a program that serves until the end, and waits for its first line. */
  async #serve(host: LabHost, title: string, ...args: string[]): Promise<void> {
    const servant = this.#steps.depend(host.spawn(title, tincanCommand(...args)));
    await servant.waitForLine('a word', SERVANT_START_MS, () => true);
  }

  #power(member: MemberHost): LabProcess {
    return this.#steps.depend(
      member.start((line) => {
        const note = noteOf(line);
        if (note) this.#steps.note(`${member.name}: ${note}`);
      }),
    );
  }
}
