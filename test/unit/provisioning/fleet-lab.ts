/** A fleet with registrar, broker and devices in memory, for the tests beside this file. */
import { HpkeSealer } from '../../../agent/adapters/hpke-sealer.ts';
import type { SigningKey } from '../../../agent/trust/signed-envelope.ts';
import type { ConfigHandler } from '../../../provisioning/device/config-trial.ts';
import { DeviceProvisioner } from '../../../provisioning/device/device-provisioner.ts';
import { FleetDirectory } from '../../../provisioning/fleet/fleet-directory.ts';
import { initFleet } from '../../../provisioning/fleet/fleet-init.ts';
import { readKey } from '../../../provisioning/fleet/fleet-keys.ts';
import { Registrar, type RegistrarEvent } from '../../../provisioning/fleet/registrar.ts';
import { FakeBroker } from '../../fakes/fake-message-bus.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

export const START = Date.UTC(2026, 10, 1);
export const BROKER_URL = 'mqtt://broker.example:1883';

/** Waits for a condition in real time, because sealing happens in threads; a test fails after four seconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 4_000; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`it never happened: ${what}`);
}

/** Lets threads and promises come to rest: for "nothing happens". */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 2));
}

export class FleetLab {
  readonly clock = new ManualClock(START);
  readonly broker = new FakeBroker();
  /** Another broker, for URLs with `elsewhere` in them; nobody reaches it at first. */
  readonly elsewhere = new FakeBroker(false);
  readonly store = new MemoryFileStore();
  readonly sealer = new HpkeSealer();
  readonly log = new RecordingLog();
  readonly events: RegistrarEvent[] = [];
  readonly #running: Array<{ stop(): Promise<void> }> = [];

  async init(brokerUrl = BROKER_URL): Promise<FleetDirectory> {
    const wanted = { name: 'home', brokerUrl, password: null, network: '10.64.0.0/16', ca: null };
    await initFleet(this.store, { ...wanted, deviceLogin: null, iceServers: [] }, this.clock.wallMs());
    return this.directory();
  }

  directory(): Promise<FleetDirectory> {
    return FleetDirectory.open(this.store);
  }

  async claim(name: string, expiresDays = 30): Promise<Uint8Array> {
    const wanted = { name, ip4: null, tags: ['sensor'], expiresDays };
    return (await (await this.directory()).add(wanted, this.clock.wallMs())).claim;
  }

  key(role: 'root' | 'config' | 'fresh'): Promise<SigningKey> {
    return readKey(this.store, role);
  }

  async serve(): Promise<Registrar> {
    const registrar = new Registrar({
      directory: await this.directory(),
      bus: this.broker.open({ url: BROKER_URL, clientId: `registrar-${this.#running.length}` }),
      sealer: this.sealer,
      clock: this.clock,
      log: this.log,
      onEvent: (event) => this.events.push(event),
    });
    registrar.start();
    this.#running.push(registrar);
    return registrar;
  }

  device(store: MemoryFileStore, handler?: ConfigHandler, synchronised = false): DeviceProvisioner {
    const device = new DeviceProvisioner({
      store,
      openBus: (options) => (options.url.includes('elsewhere') ? this.elsewhere : this.broker).open(options),
      sealer: this.sealer,
      clock: this.clock,
      log: this.log,
      buildTimeMs: START - 86_400_000,
      isClockSynchronised: () => synchronised,
      random: () => 0.5,
    });
    if (handler) device.onConfig(handler);
    this.#running.push(device);
    return device;
  }

  /** Changes fleet.json as its owner does, and lets the registrar see it. */
  async changeFleet(
    change: (fleet: { settings: { mtuBytes: number }; broker: { url: string } }) => void,
  ): Promise<void> {
    const fleet = JSON.parse(Buffer.from((await this.store.read('fleet.json')) ?? []).toString());
    change(fleet);
    await this.store.write('fleet.json', Buffer.from(JSON.stringify(fleet)));
    await this.clock.advance(1_000);
  }

  setMtu(mtuBytes: number): Promise<void> {
    return this.changeFleet(({ settings }) => {
      settings.mtuBytes = mtuBytes;
    });
  }

  /** Everything from nothing to a device with a committed config. */
  async enrolled(name = 'greenhouse', store = new MemoryFileStore(), handler?: ConfigHandler) {
    const device = this.device(store, handler);
    await device.start({ claim: await this.claim(name) });
    await until('committed', () => device.state().config?.state === 'committed');
    return { device, store, nodeId: device.identity().nodeId };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map((part) => part.stop()));
  }
}
