/**
 * The registrar, `tincan fleet serve`: admits devices that hold a claim, and keeps on the broker what the fleet must
 * find there: roots, certificates, configs, and a fresh statement every minute. Devices run on without it; several may
 * serve one directory.
 */
import { sentenceOf } from '../../agent/errors.ts';
import type { Clock, Timer } from '../../agent/ports/clock.ts';
import type { Log } from '../../agent/ports/log.ts';
import type { MessageBus, Subscription } from '../../agent/ports/message-bus.ts';
import type { Sealer } from '../../agent/ports/sealer.ts';
import { type Topics, topicsOf, wildcardOf } from '../../agent/wire/topics.ts';
import { readAck, readPresence } from '../documents/device-reports.ts';
import { signReply } from '../documents/enrolment-messages.ts';
import { FleetDirectory } from './fleet-directory.ts';
import { readKey } from './fleet-keys.ts';
import type { Device } from './fleet-records.ts';
import { FreshIssuer } from './fresh-issuer.ts';
import { HelloDesk } from './hello-desk.ts';
import { issueFor } from './issued-documents.ts';
import { RetainedPublisher } from './retained-publisher.ts';
import { listOf, type RevokedNode, revokedNodes, topicsOfRevoked } from './revocation.ts';
import { RolloutKeeper, type RolloutNews } from './rollout-keeper.ts';

const FRESH_PERIOD_MS = 60_000;
const POLL_PERIOD_MS = 1_000;
/** An empty retained message removes one. */
const NOTHING = new Uint8Array(0);

/** What happens, one line each for the terminal. */
export type RegistrarEvent =
  | { event: 'ready'; fleet: string; fleetId: string; devices: number; enrolled: number }
  | { event: 'broker'; connected: boolean; problem: string | null }
  | { event: 'admitted'; device: string; nodeId: string; ip4: string }
  | { event: 'refused'; claim: string; reason: string; problem: string }
  | { event: 'revoked'; devices: number }
  | ({ event: 'rollout' } & RolloutNews)
  | { event: 'presence'; device: string; online: boolean }
  | { event: 'ack'; device: string; serial: number | null; outcome: string; reason: string | null }
  | { event: 'problem'; problem: string };

export interface RegistrarOptions {
  directory: FleetDirectory;
  bus: MessageBus;
  sealer: Sealer;
  clock: Clock;
  log: Log;
  onEvent(event: RegistrarEvent): void;
}

export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #topics: Topics;
  readonly #desk: HelloDesk;
  readonly #retained: RetainedPublisher;
  readonly #fresh: FreshIssuer;
  readonly #stopped = new AbortController();
  readonly #subscriptions: Subscription[] = [];
  readonly #timers: Timer[] = [];
  readonly #nameByNodeId = new Map<string, string>();
  readonly #rollout: RolloutKeeper;
  /** Of the config that each device was last issued. */
  readonly #serialOf = new Map<string, number>();
  #directory: FleetDirectory;
  #revoked: RevokedNode[] = [];
  #revision = '';
  #wasConnected = false;
  #brokerProblem: string | null = null;
  #isReady = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: RegistrarOptions) {
    const { directory, clock, log, bus } = options;
    this.#options = options;
    this.#directory = directory;
    this.#topics = topicsOf(directory.fleet.fleetId);
    this.#desk = new HelloDesk(() => this.#directory, clock, log);
    this.#retained = new RetainedPublisher(bus, this.#stopped.signal);
    this.#fresh = new FreshIssuer(directory.store, clock);
    this.#rollout = new RolloutKeeper(clock);
  }

  /** Goes on until `stop`; a broker that is away is waited for. */
  start(): void {
    const { bus, clock } = this.#options;
    const { everyHello, everyAck, everyStatus } = this.#topics;
    this.#listen(everyHello, (claimId, payload) => this.#answer(claimId, payload));
    this.#listen(everyAck, (nodeId, payload) => this.#recordAck(nodeId, payload));
    this.#listen(everyStatus, (nodeId, payload) => this.#recordPresence(nodeId, payload));
    bus.onState(() => this.#followBroker());
    bus.connect();
    this.#followBroker();
    this.#timers.push(clock.every(POLL_PERIOD_MS, () => this.#poll()));
    this.#timers.push(clock.every(FRESH_PERIOD_MS, () => this.#enqueue(() => this.#publishFresh())));
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const timer of this.#timers) timer.cancel();
    for (const subscription of this.#subscriptions) subscription.cancel();
    await this.#turn;
    await this.#options.bus.close();
  }

  /** Connected again: a broker that was restarted may have lost everything that was retained. */
  #followBroker(): void {
    const { connected, problem, reason } = this.#options.bus.state();
    const cameBack = connected && !this.#wasConnected;
    const isNews = connected !== this.#wasConnected || (reason !== null && problem !== this.#brokerProblem);
    this.#wasConnected = connected;
    this.#brokerProblem = problem;
    if (isNews) this.#options.onEvent({ event: 'broker', connected, problem });
    if (!cameBack) return;
    this.#retained.forget();
    this.#enqueue(() => this.#publishAll());
  }

  #poll(): void {
    if (!this.#wasConnected) return;
    this.#enqueue(async () => {
      if ((await this.#directory.revision()) !== this.#revision) await this.#publishAll();
      const news = await this.#rollout.advance(this.#directory, (name) => this.#serialOf.get(name) ?? null);
      if (news) this.#options.onEvent({ event: 'rollout', ...news });
    });
  }

  async #publishAll(): Promise<void> {
    this.#revision = await this.#directory.revision();
    this.#directory = await FleetDirectory.open(this.#directory.store);
    this.#desk.forget();
    for (const root of this.#directory.roots) {
      await this.#retained.publish(this.#topics.root(root.document.version), root.bytes);
    }
    const names = await this.#directory.deviceNames();
    await this.#publishRevoked();
    const devices = await Promise.all(names.map((name) => this.#publishDevice(name)));
    const enrolled = devices.filter((device) => device !== null);
    await this.#withdrawRevoked(enrolled);
    await this.#publishFresh();
    if (this.#isReady) return;
    this.#isReady = true;
    const { name, fleetId } = this.#directory.fleet;
    const [devicesThere, count] = [names.length, enrolled.length];
    this.#options.onEvent({ event: 'ready', fleet: name, fleetId, devices: devicesThere, enrolled: count });
  }

  /** The list first: from then on nobody talks to who is on it. */
  async #publishRevoked(): Promise<void> {
    const known = this.#revoked.length;
    this.#revoked = await revokedNodes(this.#directory.store);
    const list = listOf(this.#directory, this.#revoked, await this.#directory.configKey());
    if (!list) return;
    await this.#retained.publish(this.#topics.revoked, list);
    const { length } = this.#revoked;
    if (length > known) this.#options.onEvent({ event: 'revoked', devices: length });
  }

  /** Takes back what the broker has of revoked nodes, but for names and addresses that others have now. */
  async #withdrawRevoked(enrolled: readonly Device[]): Promise<void> {
    const { fleetId } = this.#directory.fleet;
    const used = new Set(
      enrolled.flatMap(({ name, ip4 }) => [this.#topics.name(name), this.#topics.address(ip4)]),
    );
    for (const node of this.#revoked) {
      this.#nameByNodeId.delete(node.nodeId);
      const topics = topicsOfRevoked(this.#topics, fleetId, node).filter((topic) => !used.has(topic));
      for (const topic of topics) await this.#retained.publish(topic, NOTHING);
    }
  }

  /** Null: nobody has used the device's claim yet, or who did was revoked. */
  async #publishDevice(name: string): Promise<Device | null> {
    const directory = this.#directory;
    const [device, node] = await Promise.all([directory.device(name), directory.enrolled(name)]);
    if (!device || !node || this.#revoked.some(({ nodeId }) => nodeId === node.nodeId)) return null;
    const { sealer, clock } = this.#options;
    const key = await directory.configKey();
    const issued = await issueFor(directory, device, node, key, sealer, clock.wallMs());
    this.#nameByNodeId.set(node.nodeId, name);
    this.#serialOf.set(name, issued.configSerial);
    await Promise.all([
      this.#retained.publish(this.#topics.member(node.nodeId), issued.member),
      this.#retained.publish(this.#topics.address(device.ip4), issued.member),
      this.#retained.publish(this.#topics.address(issued.ip6), issued.member),
      this.#retained.publish(this.#topics.name(name), issued.member),
      this.#retained.publish(this.#topics.config(node.nodeId), issued.config),
    ]);
    return device;
  }

  async #publishFresh(): Promise<void> {
    const { document } = this.#directory.root;
    const key = await readKey(this.#directory.store, 'fresh');
    const bytes = await this.#fresh.next(document, this.#revoked.at(-1)?.serial ?? null, key);
    await this.#retained.publish(this.#topics.fresh, bytes);
  }

  async #answer(claimId: string, payload: Uint8Array): Promise<void> {
    const decision = await this.#desk.decide(claimId, payload);
    if (!decision) return;
    const { reply, admitted } = decision;
    // The documents first: the device looks for its config as soon as it is admitted.
    const isNew = admitted !== null && !this.#nameByNodeId.has(reply.nodeId);
    if (admitted) await this.#publishDevice(admitted.name);
    const bytes = signReply(reply, await this.#directory.configKey());
    await this.#options.bus.publish(this.#topics.enrolReply(claimId), bytes, {
      signal: this.#stopped.signal,
    });
    if (admitted && isNew) {
      const { name, ip4 } = admitted;
      this.#options.onEvent({ event: 'admitted', device: name, nodeId: reply.nodeId, ip4 });
    }
    if (reply.refusal) {
      const { reason, problem } = reply.refusal;
      this.#options.onEvent({ event: 'refused', claim: claimId, reason, problem });
    }
  }

  async #recordAck(nodeId: string, payload: Uint8Array): Promise<void> {
    const speaker = await this.#speaker(nodeId);
    if (!speaker) return;
    const { serial, outcome, reason, problem, at } = readAck(payload, speaker.publicKey, nodeId);
    await this.#directory.recordSeen(speaker.name, { ack: { serial, outcome, reason, problem, at } });
    this.#options.onEvent({ event: 'ack', device: speaker.name, serial, outcome, reason });
  }

  async #recordPresence(nodeId: string, payload: Uint8Array): Promise<void> {
    const speaker = await this.#speaker(nodeId);
    if (!speaker) return;
    const { online, agent, at } = readPresence(payload, speaker.publicKey, nodeId);
    await this.#directory.recordSeen(speaker.name, { presence: { online, agent, at } });
    this.#options.onEvent({ event: 'presence', device: speaker.name, online });
  }

  async #speaker(nodeId: string): Promise<{ name: string; publicKey: Uint8Array } | null> {
    const name = this.#nameByNodeId.get(nodeId);
    const node = name === undefined ? null : await this.#directory.enrolled(name);
    return name === undefined || !node ? null : { name, publicKey: node.publicKey };
  }

  #listen(filter: string, handle: (id: string, payload: Uint8Array) => Promise<void>): void {
    const receive = (topic: string, payload: Uint8Array): void => {
      const id = wildcardOf(filter, topic);
      if (id !== null && payload.length > 0) this.#enqueue(() => handle(id, payload));
    };
    this.#subscriptions.push(this.#options.bus.subscribe(filter, receive));
  }

  /** One thing after another; what a stranger or the disk spoils is said, and the next thing is done. */
  #enqueue(act: () => Promise<void>): void {
    this.#turn = this.#turn.then(async () => {
      if (this.#stopped.signal.aborted) return;
      await act().catch((error: unknown) => {
        if (this.#stopped.signal.aborted) return;
        this.#options.log.warn('registrar.problem', { problem: sentenceOf(error) });
        this.#options.onEvent({ event: 'problem', problem: sentenceOf(error) });
      });
    });
  }
}
