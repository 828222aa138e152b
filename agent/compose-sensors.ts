/**
 * The sensor service of one node. A port that another server has must not take the overlay down with it: the node
 * runs, says what is wrong, and tries again.
 */
import type { DeviceConfig } from '../provisioning/documents/device-config.ts';
import { DEFAULT_REQUESTS_PER_SECOND, DEFAULT_SERVICES } from '../provisioning/documents/sensor-settings.ts';
import type { AccessPolicy, ReaderDirectory } from '../sensors/access.ts';
import type { Actuators } from '../sensors/actuators.ts';
import { BUILT_IN_DRIVERS } from '../sensors/drivers/built-in-drivers.ts';
import { commandDriver } from '../sensors/drivers/command/command-driver.ts';
import { gpioDriver } from '../sensors/drivers/gpio/gpio-driver.ts';
import { i2cDriver } from '../sensors/drivers/i2c/i2c-driver.ts';
import { inputDriver } from '../sensors/drivers/input/input-driver.ts';
import { replayDriver } from '../sensors/drivers/replay/replay-driver.ts';
import { withSamplingRules } from '../sensors/sampling-rules.ts';
import type { SensorDriver } from '../sensors/sensor.ts';
import { type SensorReport, SensorService } from '../sensors/sensor-service.ts';
import type { ServiceSource } from '../sensors/services/service-source.ts';
import { ConfinedCommand } from './adapters/confined-command.ts';
import { LinuxInputEvents } from './adapters/input-events.ts';
import { DiskTextFiles } from './adapters/text-files.ts';
import { UdpSockets } from './adapters/udp-sockets.ts';
import { sentenceOf } from './errors.ts';
import type { BoardFacts } from './ports/board-facts.ts';
import type { Clock, Timer } from './ports/clock.ts';
import type { FileStore } from './ports/file-store.ts';
import type { GpioInputs } from './ports/gpio.ts';
import type { HttpListener } from './ports/http.ts';
import type { Log } from './ports/log.ts';
import type { Membership } from './ports/member-directory.ts';
import type { Sysfs } from './ports/sysfs.ts';

/** What the sensors of a node need, and what outlives a change of config. */
export interface SensorSurroundings {
  sysfs: Sysfs;
  facts: BoardFacts;
  /** For what has to outlive a restart. */
  store: FileStore;
  httpListener: HttpListener;
  clockSynchronised: () => boolean;
  gpio: GpioInputs;
  clock: Clock;
  log: Log;
}

const RETRY_MS = 15_000;

export class NodeSensors {
  readonly #service: SensorService;
  readonly #around: SensorSurroundings;
  #retry: Timer | null = null;
  #stopped = false;
  /** Why the sensors are not served everywhere, in one sentence. */
  problem: string | null = null;

  constructor(
    config: DeviceConfig,
    own: Membership,
    actuators: Actuators,
    { readers, policy }: { readers: ReaderDirectory; policy: () => AccessPolicy },
    around: SensorSurroundings,
  ) {
    const { clock, log, sysfs, facts, httpListener, clockSynchronised } = around;
    this.#around = around;
    const { services = DEFAULT_SERVICES } = config.sensors;
    this.#service = new SensorService({
      drivers: driversOf(config, around),
      sysfs,
      facts,
      clock,
      log,
      httpListener,
      intervalMs: config.sensors.intervalMs,
      node: { id: own.nodeId, name: own.name },
      overlayNetworks: [config.network.ip4, config.network.ip6],
      clockSynchronised,
      webSocket: services.webSocket,
      sockets: new UdpSockets(),
      coapPort: services.coapPort === 0 ? null : services.coapPort,
      discovery: services.discovery,
      actuators,
      readers,
      policy,
      requestsPerSecond: config.sensors.requestsPerSecond ?? DEFAULT_REQUESTS_PER_SECOND,
    });
  }

  async serve(addresses: readonly string[], port: number): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.#service.start(addresses, port);
      this.problem = null;
    } catch (error) {
      this.problem = `sensors are not served: ${sentenceOf(error)}`;
      this.#around.log.warn('sensors.not-served', { problem: this.problem });
      this.#retry = this.#around.clock.after(RETRY_MS, () => void this.serve(addresses, port));
    }
  }

  policyChanged(): void {
    this.#service.policyChanged();
  }

  /** A link came up: its other end knows nothing of this node's services. */
  announce(): void {
    this.#service.announce();
  }

  get services(): ServiceSource {
    return this.#service.services;
  }

  report(): SensorReport {
    return this.#service.report();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#service.stop();
  }
}

/** What the kernel shows by itself, then what the config declares. */
function driversOf(
  { sensors }: DeviceConfig,
  { gpio, clock, store, log }: SensorSurroundings,
): SensorDriver[] {
  const declared = [
    // Without settings as well: what left the config has to be unbound.
    i2cDriver(sensors.i2c ?? [], store, log),
    inputDriver(sensors.inputs ?? [], new LinuxInputEvents()),
    ...(sensors.gpio ? [gpioDriver(sensors.gpio, gpio)] : []),
    ...(sensors.commands ? [commandDriver(sensors.commands, new ConfinedCommand())] : []),
    ...(sensors.replays ? [replayDriver(sensors.replays, new DiskTextFiles())] : []),
  ];
  return withSamplingRules([...BUILT_IN_DRIVERS, ...declared], sensors.sampling ?? [], clock);
}
