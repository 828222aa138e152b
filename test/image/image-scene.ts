/**
 * Where the boards of the test live: a LAN with a router that gives addresses (DHCP), and the owner's laptop with broker,
 * registrar and a member of the fleet. The boards are machines on that LAN; nothing but a card connects them with us.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentFault } from '../../agent/errors.ts';
import { MemberHost } from '../demo/member-host.ts';
import { askTincan, runTincan, tincanCommand } from '../demo/tincan-command.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabHost } from '../lab/lab-host.ts';
import type { LabProcess } from '../lab/lab-process.ts';

const BROKER_PORT = 1883;
/** On a machine that emulates boards at the same time. */
const SERVANT_START_MS = 60_000;
const ADMISSION_MS = 120_000;
const POLL_MS = 500;

/** A device as `tincan fleet status --json` tells it. */
export interface DeviceStatusJson {
  readonly name: string;
  readonly ip4: string;
  readonly node: { readonly id: string } | null;
  readonly presence: { readonly online: boolean } | null;
  readonly ack: { readonly serial: number | null; readonly outcome: string } | null;
}

export class ImageScene {
  readonly lab: Lab;
  readonly laptop: MemberHost;
  readonly fleetDirectory: string;
  readonly #router: LabHost;
  #broker: LabProcess | undefined;
  #registrar: LabProcess | undefined;

  private constructor(lab: Lab, laptop: LabHost, router: LabHost) {
    this.lab = lab;
    this.laptop = new MemberHost(laptop, lab.directory);
    this.fleetDirectory = join(lab.directory, 'fleet');
    this.#router = router;
  }

  /** Throws EnvironmentFault where a part of it does not start. */
  static async open(lab: Lab): Promise<ImageScene> {
    const scene = new ImageScene(lab, await lab.addHost('laptop'), await lab.addHost('router'));
    await scene.#startRouter();
    await scene.startBroker();
    await scene.#makeFleet();
    await scene.#startRegistrar();
    scene.laptop.start(() => undefined);
    await scene.laptop.untilProvisioned(ADMISSION_MS);
    return scene;
  }

  get laptopHost(): LabHost {
    return this.laptop.host;
  }

  async startBroker(): Promise<void> {
    const listen = `${this.laptopHost.address}:${BROKER_PORT}`;
    this.#broker = await this.#serve('the broker', 'broker', '--listen', listen, '--json');
  }

  async stopBroker(): Promise<void> {
    this.#broker?.kill('SIGTERM');
    await this.#broker?.exited;
  }

  /** Adds a device to the fleet, and returns the path of its claim and its address. */
  async addDevice(name: string, settings: object | null = null): Promise<{ claim: string; ip4: string }> {
    const claim = join(this.lab.directory, `${name}.claim.json`);
    await runTincan(this.laptopHost, 'fleet', 'add', this.fleetDirectory, name, '--claim', claim);
    if (settings !== null) await this.declareSensors(name, settings);
    return { claim, ip4: (await this.status(name)).ip4 };
  }

  /** Changes what is signed for this device; the registrar publishes it within seconds. */
  async declareSensors(name: string, sensors: object): Promise<void> {
    await this.changeSettings((settings) => ({
      ...settings,
      deviceSensors: { ...(settings['deviceSensors'] as object | undefined), [name]: sensors },
    }));
  }

  /** As the owner does with an editor. */
  async changeSettings(change: (settings: Record<string, unknown>) => object): Promise<void> {
    const path = join(this.fleetDirectory, 'fleet.json');
    const fleet = JSON.parse(await readFile(path, 'utf8')) as { settings: Record<string, unknown> };
    await writeFile(path, JSON.stringify({ ...fleet, settings: change(fleet.settings) }, null, 2));
  }

  /** From the owner's notes; with `isAsked` as the broker tells it now. */
  async status(name: string, isAsked = false): Promise<DeviceStatusJson> {
    const { devices } = await askTincan<{ devices: DeviceStatusJson[] }>(
      this.laptopHost,
      'fleet',
      isAsked ? 'status' : 'list',
      this.fleetDirectory,
    );
    const device = devices.find((one) => one.name === name);
    if (device) return device;
    throw new EnvironmentFault('no-device', `the fleet has no device ${name}`);
  }

  /** Throws EnvironmentFault('not-in-time') with what was awaited. */
  async until(
    what: string,
    name: string,
    timeoutMs: number,
    isSo: (status: DeviceStatusJson) => boolean,
  ): Promise<DeviceStatusJson> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const status = await this.status(name, true);
      if (isSo(status)) return status;
      if (performance.now() > deadline) {
        const now = JSON.stringify({
          node: status.node?.id ?? null,
          presence: status.presence,
          ack: status.ack,
        });
        throw new EnvironmentFault(
          'not-in-time',
          `${name}: no ${what} within ${timeoutMs / 1000} s (${now})`,
        );
      }
      await sleep(POLL_MS);
    }
  }

  async #startRouter(): Promise<void> {
    const { address } = this.#router;
    const network = address.slice(0, address.lastIndexOf('.'));
    const router = this.#router.spawn('the router', [
      'dnsmasq',
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root', '--log-facility=-'],
      ...['--interface=eth0', '--bind-interfaces', `--dhcp-range=${network}.100,${network}.199,1h`],
      ...[`--dhcp-leasefile=${join(this.lab.directory, 'leases')}`, `--dhcp-option=option:router,${address}`],
      ...[`--pid-file=${join(this.lab.directory, 'dnsmasq.pid')}`, '--dhcp-authoritative'],
    ]);
    const early = await Promise.race([router.exited, sleep(500)]);
    if (early) {
      const said = router.lastLines(3).join(' ');
      throw new EnvironmentFault('no-router', `dnsmasq does not run (${said}): apt-get install dnsmasq-base`);
    }
  }

  async #makeFleet(): Promise<void> {
    const broker = `mqtt://${this.laptopHost.address}:${BROKER_PORT}`;
    const { fleetDirectory, laptop } = this;
    await runTincan(
      this.laptopHost,
      'fleet',
      'init',
      fleetDirectory,
      '--name',
      'image-test',
      '--broker',
      broker,
    );
    await runTincan(
      this.laptopHost,
      'fleet',
      'add',
      fleetDirectory,
      laptop.name,
      '--claim',
      laptop.claimFile,
    );
  }

  async #startRegistrar(): Promise<void> {
    this.#registrar = await this.#serve('the registrar', 'fleet', 'serve', this.fleetDirectory, '--json');
  }

  registrarLines(count: number): string[] {
    return this.#registrar?.lastLines(count) ?? [];
  }

  async #serve(title: string, ...args: string[]): Promise<LabProcess> {
    const servant = this.laptopHost.spawn(title, tincanCommand(...args));
    await servant.waitForLine('a word', SERVANT_START_MS, () => true);
    return servant;
  }
}
