/** A device that is a member: it runs with the config from its disk, and listens for the next. */
import type { Clock } from '../../agent/ports/clock.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { Log } from '../../agent/ports/log.ts';
import type { Sealer } from '../../agent/ports/sealer.ts';
import type { RootDocument } from '../documents/root-document.ts';
import type { BrokerSwitch } from './broker-switch.ts';
import { ConfigApplier } from './config-applier.ts';
import type { ConfigHandler } from './config-trial.ts';
import type { DeviceIdentity } from './device-identity.ts';
import type { DeviceReporter } from './device-reporter.ts';
import { type Enrolled, saveEnrolment } from './enrolment-store.ts';
import { FleetWatch, readStoredTime } from './fleet-watch.ts';
import type { Revocations } from './revocations.ts';
import type { TrustedTime } from './trusted-time.ts';

export interface EnrolledDeviceOptions {
  store: FileStore;
  clock: Clock;
  log: Log;
  sealer: Sealer;
  time: TrustedTime;
  revocations: Revocations;
  broker: BrokerSwitch;
  reporter: DeviceReporter;
  identity: DeviceIdentity;
  bootCount: number;
  enrolled: Enrolled;
  handler: ConfigHandler;
  onRevoked(): void;
}

export class EnrolledDevice {
  readonly #options: EnrolledDeviceOptions;
  readonly enrolled: Enrolled;
  readonly applier: ConfigApplier;
  readonly watch: FleetWatch;

  constructor(options: EnrolledDeviceOptions) {
    this.#options = options;
    this.enrolled = options.enrolled;
    const { store, clock, log, time, enrolled, identity, broker, revocations, onRevoked } = options;
    this.applier = new ConfigApplier({
      store,
      clock,
      log,
      bootCount: options.bootCount,
      context: () => this.#context(),
      apply: this.#apply,
      report: (ack) => options.reporter.acknowledge(ack),
      onVerified: (issuedAt) => time.raise(issuedAt),
    });
    this.watch = new FleetWatch({
      bus: broker.bus,
      store,
      clock,
      log,
      time,
      revocations,
      onRevoked,
      nodeId: identity.nodeId,
      root: enrolled.root,
      onConfig: (bytes) => this.applier.offer(bytes),
      onRoot: (root) => saveEnrolment(store, { ...enrolled, root }),
      onChange: () => this.applier.reconsider(),
    });
  }

  root(): RootDocument {
    return this.watch.root.document;
  }

  /** First what the disk has, then the broker; waits for the disk only. */
  async start(): Promise<void> {
    const { store, time, broker, reporter, enrolled } = this.#options;
    time.raise(this.root().issuedAt);
    const lastGood = await this.applier.load();
    const stored = await readStoredTime(store);
    await broker.use(lastGood?.config.broker ?? enrolled.broker, reporter.clientIdentity());
    this.applier.boot();
    this.watch.start(stored);
    reporter.announce();
  }

  async stop(): Promise<void> {
    await this.applier.stop();
    await this.watch.stop();
  }

  #context() {
    const { identity, sealer, time } = this.#options;
    const { nodeId, signingKey, sealingPrivateKey } = identity;
    return { root: this.root(), nodeId, publicKey: signingKey.publicKey, sealingPrivateKey, sealer, time };
  }

  /** A config that names another broker must show that it can be reached there. */
  readonly #apply: ConfigHandler = async (config, own, occasion) => {
    const { broker, reporter, handler } = this.#options;
    const moved = await broker.use(config.broker, reporter.clientIdentity());
    if (moved && occasion.reason === 'trial') await broker.connected(occasion.signal);
    return handler(config, own, occasion);
  };
}
