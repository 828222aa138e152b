/** A fleet in a lab of its own: broker and registrar on the host `hub`, and members on theirs. */
import { join } from 'node:path';
import { runTincan, tincanCommand } from '../../demo/tincan-command.ts';
import { Impairment } from '../../lab/impairment.ts';
import { Lab } from '../../lab/lab.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import type { LabProcess } from '../../lab/lab-process.ts';
import { leftoversOf } from '../leftovers.ts';
import { Member } from './member.ts';

const START_MS = 15_000;
const BROKER_PORT = 1883;

export class FleetUnderTest {
  readonly lab: Lab;
  readonly hub: LabHost;
  readonly network: Impairment;
  readonly directory: string;
  #broker: LabProcess | undefined;
  #registrar: LabProcess | undefined;

  /** A lab with a hub and a fleet in it; nothing runs yet. `iceServers`: those that run on the hub. */
  static async make(iceServers: (hub: LabHost) => string[] = () => []): Promise<FleetUnderTest> {
    const lab = await Lab.open();
    const fleet = new FleetUnderTest(lab, await lab.addHost('hub'));
    const servers = iceServers(fleet.hub).flatMap((server) => ['--ice-server', server]);
    const wanted = ['--name', 'f', '--broker', fleet.brokerUrl, ...servers];
    await runTincan(fleet.hub, 'fleet', 'init', fleet.directory, ...wanted);
    return fleet;
  }

  private constructor(lab: Lab, hub: LabHost) {
    this.lab = lab;
    this.hub = hub;
    this.network = new Impairment(lab.lan);
    this.directory = join(lab.directory, 'fleet');
  }

  get brokerUrl(): string {
    return `mqtt://${this.hub.address}:${BROKER_PORT}`;
  }

  async startBroker(...extra: string[]): Promise<void> {
    const listen = `${this.hub.address}:${BROKER_PORT}`;
    this.#broker = this.hub.spawn('the broker', tincanCommand('broker', '--listen', listen, ...extra));
    await this.#broker.waitForLine('its address', START_MS, () => true);
  }

  async stopBroker(): Promise<void> {
    this.#broker?.kill('SIGKILL');
    await this.#broker?.exited;
  }

  async startRegistrar(): Promise<void> {
    this.#registrar = this.hub.spawn('the registrar', tincanCommand('fleet', 'serve', this.directory));
    await this.#registrar.waitForLine('a word', START_MS, () => true);
  }

  async stopRegistrar(): Promise<void> {
    this.#registrar?.kill('SIGTERM');
    await this.#registrar?.exited;
  }

  async serve(): Promise<void> {
    await this.startBroker();
    await this.startRegistrar();
  }

  /** A new host with a claim for the device of its name. */
  async addMember(name: string, ...claimOptions: string[]): Promise<Member> {
    return this.addMemberOn(await this.lab.addHost(name), ...claimOptions);
  }

  async addMemberOn(host: LabHost, ...claimOptions: string[]): Promise<Member> {
    const member = new Member(host, this.lab.directory);
    const add = ['fleet', 'add', this.directory, host.name, '--claim', member.claimFile];
    await runTincan(this.hub, ...add, ...claimOptions);
    return member;
  }

  /** Two members that run. */
  async pair(): Promise<[Member, Member]> {
    await this.serve();
    const one = await this.addMember('one');
    const two = await this.addMember('two');
    one.startWithClaim();
    two.startWithClaim();
    await one.untilUp();
    await two.untilUp();
    return [one, two];
  }

  /** Takes everything away; throws when something stays. */
  async close(): Promise<void> {
    await this.lab.close();
    const left = leftoversOf(this.lab.name);
    if (left.length > 0) throw new Error(`the lab left ${left.join(', ')}`);
  }
}
