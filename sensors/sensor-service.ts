/**
 * The board's sensors, sampled and served. A reading's way: driver (drivers/) -> sampled-sensor.ts -> sampler.ts ->
 * sensor-routes.ts -> the overlay. Sampling does not wait for the overlay, so the first request finds values.
 */
import { sentenceOf } from '../agent/errors.ts';
import type { BoardFacts } from '../agent/ports/board-facts.ts';
import type { Clock, Timer } from '../agent/ports/clock.ts';
import type { DatagramSockets } from '../agent/ports/datagram.ts';
import type { HttpBinding, HttpListener, HttpListenOptions } from '../agent/ports/http.ts';
import type { Log } from '../agent/ports/log.ts';
import type { Sysfs } from '../agent/ports/sysfs.ts';
import type { AccessPolicy, ReaderDirectory } from './access.ts';
import type { Actuators } from './actuators.ts';
import { DiscoveryResponder } from './discovery/discovery-responder.ts';
import type { SensorHistory } from './history.ts';
import { OverlayGuard } from './overlay-guard.ts';
import { ReaderGate } from './reader-gate.ts';
import { Sampler } from './sampler.ts';
import type { SensorDriver } from './sensor.ts';
import { SensorCatalog } from './sensor-catalog.ts';
import { sensorRoutes } from './sensor-routes.ts';
import { CoapService } from './services/coap/coap-service.ts';
import { hostCheck } from './services/host-check.ts';
import { type FollowReader, ReadingEvents } from './services/reading-events.ts';
import type { ServiceSource } from './services/service-source.ts';
import { openSocket } from './services/socket-service.ts';
import { endsWithin } from './time-limit.ts';

/** Interfaces and chips come and go while the board runs. */
const REDISCOVERY_MS = 60_000;
/** The first round takes some milliseconds; a sensor that hangs must not keep the others from being served. */
const FIRST_ROUND_LIMIT_MS = 500;

export interface SensorServiceOptions {
  drivers: readonly SensorDriver[];
  sysfs: Sysfs;
  facts: BoardFacts;
  clock: Clock;
  log: Log;
  httpListener: HttpListener;
  /** How often a sensor that changes all the time is read. */
  intervalMs: number;
  node: { id: string; name: string };
  /** The overlay's networks in CIDR form; nobody else is answered. */
  overlayNetworks: readonly string[];
  clockSynchronised: () => boolean;
  /** Whether readings are served on WebSockets too. */
  webSocket: boolean;
  sockets: DatagramSockets;
  /** Null: nothing is served by CoAP. */
  coapPort: number | null;
  /** Whether the node tells of itself by DNS-SD. */
  discovery: boolean;
  actuators: Actuators;
  readers: ReaderDirectory;
  /** As it is now. */
  policy: () => AccessPolicy;
  /** Of one member, on all services together. */
  requestsPerSecond: number;
  /** Uniform in [0, 1), for jitter; Math.random where absent. */
  random?: () => number;
}

export interface SensorReport {
  count: number;
  /** Sensors whose last value is too old, or that have none. */
  stale: number;
  actuators: number;
  /** Clients of event streams, WebSockets and CoAP observations. */
  followers: number;
  /** `http://10.64.0.7/`, one per binding. */
  listening: string[];
}

export class SensorService {
  readonly #options: SensorServiceOptions;
  readonly #catalog: SensorCatalog;
  readonly #sampler: Sampler;
  readonly #history: SensorHistory;
  readonly #events: ReadingEvents;
  readonly #guard: OverlayGuard;
  readonly #gate: ReaderGate;
  readonly #coap: CoapService;
  readonly #discovery: DiscoveryResponder | null;
  /** What further services are made of. */
  readonly services: ServiceSource;
  readonly #handle: HttpListenOptions['handle'];
  readonly #openSocket: NonNullable<HttpListenOptions['openSocket']> | null;
  #bindings: HttpBinding[] = [];
  /** Where it is or is to be reached. */
  #addresses: readonly string[] = [];
  #rediscovery: Timer | null = null;
  /** One start or stop at a time, in the order of the calls. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: SensorServiceOptions) {
    const { clock, log, node, clockSynchronised, random = Math.random } = options;
    this.#options = options;
    this.#catalog = new SensorCatalog(options);
    this.#sampler = new Sampler({ clock, log, random, clockSynchronised });
    this.#guard = new OverlayGuard(options.overlayNetworks, clock, log);
    this.#history = this.#sampler.history;
    const services = {
      source: this.#sampler,
      history: this.#history,
      node,
      wallMs: () => (clockSynchronised() ? clock.wallMs() : null),
    };
    this.services = services;
    const gate = new ReaderGate(options);
    this.#gate = gate;
    const follow: FollowReader = (address, onLost) => gate.follow(address, onLost);
    this.#events = new ReadingEvents({ ...services, actuators: options.actuators }, { clock, follow });
    const admits = (address: string) => this.#guard.admits(address);
    this.#coap = new CoapService({ ...options, ...services, gate, random, admits });
    this.#discovery = options.discovery ? new DiscoveryResponder({ ...options, random }) : null;
    const isOwnHost = hostCheck(node.name, () => this.#addresses);
    const sockets = { events: this.#events, isOwnHost, gate };
    const { webSocket } = options;
    const routes = sensorRoutes({
      ...services,
      ...sockets,
      webSocket,
      actuators: options.actuators,
      onFault: (error) => this.#fault(error),
    });
    this.#handle = (request, client) => routes.fetch(request, client);
    this.#openSocket = webSocket ? (request, client) => openSocket(sockets, request, client) : null;
  }

  /**
   * Samples, and listens on exactly these addresses; called again, it keeps what is right and moves the rest. Throws
   * the first EnvironmentFault when an address cannot be bound, after trying all: the others are served, and when it is
   * retryable the same call binds what was missing.
   */
  start(addresses: readonly string[], port: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#addresses = addresses;
      await this.#startSampling();
      await this.#unbind((binding) => addresses.includes(binding.address) && binding.port === port);
      const missing = addresses.filter(
        (address) => !this.#bindings.some((binding) => binding.address === address),
      );
      const bindings = missing.map(async (address) => {
        this.#bindings.push(await this.#bind(address, port));
      });
      const others = [this.#listenByCoap(addresses), this.#discover(addresses, port)];
      const outcomes = await Promise.allSettled([...bindings, ...others]);
      this.#options.log.info('sensors.listening', { at: this.report().listening.join(' ') });
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed) throw failed.reason;
    });
  }

  /** Cuts connections, stops listening and sampling. Idempotent. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.#rediscovery?.cancel();
      this.#rediscovery = null;
      this.#sampler.stop();
      this.#events.close();
      await Promise.all([this.#unbind(() => false), this.#coap.close(), this.#options.actuators.stop()]);
    });
  }

  /** The policy is another one: followers who may read no more are told nothing more. */
  policyChanged(): void {
    void this.#gate.recheck();
  }

  /** Somebody came into reach. */
  announce(): void {
    this.#discovery?.announce();
  }

  report(): SensorReport {
    const readings = this.#sampler.readings();
    const stale = readings.filter(({ quality }) => quality !== 'ok').length;
    return {
      count: readings.length,
      stale,
      actuators: this.#options.actuators.states().length,
      followers: this.#events.followers + this.#coap.observations,
      listening: [...this.#bindings.map(urlOf), ...this.#coap.listening],
    };
  }

  async #startSampling(): Promise<void> {
    if (this.#rediscovery) return;
    const { clock } = this.#options;
    this.#rediscovery = clock.every(REDISCOVERY_MS, () => void this.#rediscover());
    const tried = this.#sampler.track(await this.#catalog.discover());
    await endsWithin(clock, FIRST_ROUND_LIMIT_MS, tried);
  }

  async #rediscover(): Promise<void> {
    void this.#options.actuators.discover();
    const sensors = await this.#catalog.discover();
    // It may have been stopped meanwhile.
    if (this.#rediscovery) void this.#sampler.track(sensors);
  }

  async #listenByCoap(addresses: readonly string[]): Promise<void> {
    const { coapPort } = this.#options;
    if (coapPort !== null) await this.#coap.listen(addresses, coapPort);
  }

  async #discover(addresses: readonly string[], httpPort: number): Promise<void> {
    const { node, coapPort } = this.#options;
    await this.#discovery?.start({ name: node.name, addresses, httpPort, coapPort });
  }

  #bind(address: string, port: number): Promise<HttpBinding> {
    return this.#options.httpListener.listen({
      address,
      port,
      admits: (remoteAddress) => this.#guard.admits(remoteAddress),
      handle: this.#handle,
      ...(this.#openSocket ? { openSocket: this.#openSocket } : {}),
      onFault: (error) => this.#fault(error),
    });
  }

  async #unbind(keep: (binding: HttpBinding) => boolean): Promise<void> {
    const leaving = this.#bindings.filter((binding) => !keep(binding));
    this.#bindings = this.#bindings.filter(keep);
    await Promise.all(leaving.map((binding) => binding.close()));
  }

  #fault(error: unknown): void {
    this.#options.log.error('sensors.request-failed', { problem: sentenceOf(error) });
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function urlOf({ address, port }: HttpBinding): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return port === 80 ? `http://${host}/` : `http://${host}:${port}/`;
}
