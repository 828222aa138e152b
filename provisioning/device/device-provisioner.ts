/**
 * The life of a device in its fleet, as compose.ts sees it:
 *
 *   unclaimed -> (claim) enrolling -> (admitted) provisioned, config by config
 *
 * A restart comes back from disk with the last good config, and waits for neither the broker nor the registrar.
 */
import { EnvironmentFault, Refusal, sentenceOf } from '../../agent/errors.ts';
import type { MemberDirectory } from '../../agent/ports/member-directory.ts';
import type { MessageBus } from '../../agent/ports/message-bus.ts';
import { topicsOf } from '../../agent/wire/topics.ts';
import type { Claim } from '../documents/claim.ts';
import type { DeviceConfig } from '../documents/device-config.ts';
import { BrokerSwitch } from './broker-switch.ts';
import { BusMemberDirectory } from './bus-member-directory.ts';
import { ConfigStore } from './config-store.ts';
import type { ConfigHandler } from './config-trial.ts';
import { countBoot, type DeviceIdentity, loadIdentity, readIdentity } from './device-identity.ts';
import { DeviceReporter } from './device-reporter.ts';
import { EnrolledDevice } from './enrolled-device.ts';
import { Enrolment } from './enrolment.ts';
import { dropClaim, type Enrolled, keepClaim, saveEnrolment } from './enrolment-store.ts';
import { readStoredTime } from './fleet-watch.ts';
import { type DeviceProvisionerOptions, UNKNOWN_HARDWARE } from './provisioner-options.ts';
import { type ProvisioningState, stateOf } from './provisioning-state.ts';
import { Revocations, revokedRefusal } from './revocations.ts';
import { type Admission, admissionOf } from './start-check.ts';
import { TrustedTime } from './trusted-time.ts';

export class DeviceProvisioner {
  readonly #options: DeviceProvisionerOptions;
  readonly #broker: BrokerSwitch;
  readonly #members: BusMemberDirectory;
  readonly #revocations: Revocations;
  readonly #stopped = new AbortController();
  #handler: ConfigHandler = async () => ({ healthy: true });
  #identity: DeviceIdentity | null = null;
  #time: TrustedTime;
  #bootCount = 0;
  #claim: Claim | null = null;
  #enrolment: Enrolment | null = null;
  #device: EnrolledDevice | null = null;
  #reporter: DeviceReporter | null = null;
  #refusal: string | null = null;
  #onRefused: (refusal: Refusal) => void = () => undefined;
  #onRevoked: (isRevoked: (nodeId: string) => boolean) => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: DeviceProvisionerOptions) {
    this.#options = options;
    this.#time = new TrustedTime(options.clock, () => this.#isSynchronised(), options.buildTimeMs);
    this.#revocations = new Revocations(options.store, options.log);
    this.#broker = new BrokerSwitch(options.openBus);
    this.#members = new BusMemberDirectory({
      ...options,
      bus: this.#broker.bus,
      root: () => this.#device?.root() ?? null,
      isPast: (unixMs) => this.#time.isPast(unixMs),
      isRevoked: (nodeId) => this.#revocations.has(nodeId),
    });
  }

  /** Set before `start`. Called with the last good config at start, then with each new one, never two at a time. */
  onConfig(handler: ConfigHandler): void {
    this.#handler = handler;
  }

  /** Set before `start`. Called when this device can be nobody: no claim, a claim refused for good, or revoked. */
  onRefused(handler: (refusal: Refusal) => void): void {
    this.#onRefused = handler;
  }

  /** Set before `start`. Called when other members were revoked: links to them must go. */
  onRevoked(handler: (isRevoked: (nodeId: string) => boolean) => void): void {
    this.#onRevoked = handler;
  }

  /**
   * Reads the state, makes the device key on the first boot, and goes on in the background; resolves without waiting
   * for the broker. Throws Refusal (`claim-malformed`, `claim-changed`, `claim-expired`, `claim-other-fleet`) and
   * EnvironmentFault (`state-corrupt`, those of FileStore).
   */
  async start({ claim }: { claim?: Uint8Array } = {}): Promise<void> {
    const { store, sealer, log } = this.#options;
    const admission = await this.#admission(claim);
    this.#identity = await loadIdentity(store, sealer);
    this.#bootCount = await countBoot(store, this.#time.floorMs());
    if (admission.kind === 'enrolled') {
      if (admission.ignoredClaim) log.info('claim.ignored', { why: 'this device is a member already' });
      await dropClaim(store);
      return this.#enter(admission.enrolled);
    }
    if (admission.kind === 'unclaimed') {
      return this.#refuse(new Refusal('unclaimed', admission.problem));
    }
    if (claim) await keepClaim(store, claim);
    this.#claim = admission.claim;
    this.#running = this.#enrol(admission.claim);
  }

  /** Validates claim and state like `start`, and changes nothing. Throws like `start`. */
  async check({ claim }: { claim?: Uint8Array } = {}): Promise<Admission> {
    const admission = await this.#admission(claim);
    await readIdentity(this.#options.store);
    await new ConfigStore(this.#options.store).load();
    return admission;
  }

  /** Throws EnvironmentFault('not-started') before `start`. */
  identity(): DeviceIdentity {
    if (this.#identity) return this.#identity;
    throw new EnvironmentFault('not-started', 'the device has no identity before it was started');
  }

  /** How often this device has started, this start included. */
  bootCount(): number {
    return this.#bootCount;
  }

  /** The same object for ever, whichever broker is behind it. */
  bus(): MessageBus {
    return this.#broker.bus;
  }

  directory(): MemberDirectory {
    return this.#members;
  }

  /** Whether the wall clock may be shown to people; see TrustedTime. */
  isWallClockRight(): boolean {
    return this.#time.isWallClockRight();
  }

  /** The config in force, or null before the first. */
  config(): DeviceConfig | null {
    return this.#device?.applier.active?.config ?? null;
  }

  /** The broker that is in use, without its password; null before a claim. */
  brokerUrl(): string | null {
    return this.#broker.url();
  }

  state(): ProvisioningState {
    return stateOf({
      fleet: this.#device?.enrolled ?? this.#claim,
      device: this.#device,
      nodeId: this.#identity?.nodeId ?? null,
      refusal: this.#refusal,
      waiting: this.#enrolment?.problem ?? null,
      broker: this.#broker.bus.state(),
      time: this.#time,
    });
  }

  /** Says good-bye on the broker and leaves the disk as it should be. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.#device?.stop();
    await this.#members.stop();
    await this.#broker.bus.close();
  }

  #isSynchronised(): boolean {
    return this.#options.isClockSynchronised?.() ?? false;
  }

  async #admission(claim: Uint8Array | undefined): Promise<Admission> {
    const { store, clock, buildTimeMs } = this.#options;
    const floorMs = Math.max(buildTimeMs, (await readStoredTime(store)).floorMs);
    this.#time = new TrustedTime(clock, () => this.#isSynchronised(), floorMs);
    return admissionOf(store, claim, (unixMs) => this.#time.isPast(unixMs));
  }

  async #enrol(claim: Claim): Promise<void> {
    const { log, clock, random, hardware, store } = this.#options;
    const identity = this.identity();
    this.#reporter = this.#newReporter(claim.fleetId);
    await this.#broker.use(claim.broker, this.#reporter.clientIdentity());
    this.#enrolment = new Enrolment({
      bus: this.#broker.bus,
      claim,
      identity,
      bootCount: this.#bootCount,
      hardware: hardware ?? UNKNOWN_HARDWARE,
      clock,
      log,
      random: random ?? Math.random,
    });
    try {
      log.info('enrolment.started', { device: claim.device, fleet: claim.fleetName, claim: claim.claimId });
      if (!(await this.#enrolment.run(this.#stopped.signal))) return;
      const { fleetId, fleetName, device, claimId, broker, root } = claim;
      const enrolled = { fleetId, fleetName, device, claimId, broker, root };
      await saveEnrolment(store, enrolled);
      log.info('enrolment.admitted', { device, fleet: fleetName, nodeId: identity.nodeId });
      this.#enrolment = null;
      await this.#enter(enrolled);
    } catch (error) {
      this.#refuse(error instanceof Refusal ? error : new Refusal('failed', sentenceOf(error)));
    }
  }

  #refuse(refusal: Refusal): void {
    this.#refusal = refusal.message;
    this.#onRefused(refusal);
  }

  async #enter(enrolled: Enrolled): Promise<void> {
    const { store, clock, log, sealer } = this.#options;
    await this.#revocations.load();
    if (this.#isRevoked(enrolled.fleetName)) return;
    this.#reporter ??= this.#newReporter(enrolled.fleetId);
    this.#device = new EnrolledDevice({
      store,
      clock,
      log,
      sealer,
      enrolled,
      time: this.#time,
      broker: this.#broker,
      reporter: this.#reporter,
      identity: this.identity(),
      bootCount: this.#bootCount,
      handler: this.#handler,
      revocations: this.#revocations,
      onRevoked: () => this.#heardRevocations(enrolled.fleetName),
    });
    await this.#members.load();
    await this.#device.start();
  }

  #heardRevocations(fleetName: string): void {
    this.#members.forgetRevoked();
    this.#onRevoked((nodeId) => this.#revocations.has(nodeId));
    this.#isRevoked(fleetName);
  }

  /** Ends what this device is, where it was revoked itself. */
  #isRevoked(fleetName: string): boolean {
    const isRevoked = this.#revocations.has(this.identity().nodeId);
    if (isRevoked) this.#refuse(revokedRefusal(fleetName));
    return isRevoked;
  }

  #newReporter(fleetId: string): DeviceReporter {
    const { clock, log, hardware } = this.#options;
    return new DeviceReporter({
      bus: this.#broker.bus,
      topics: topicsOf(fleetId),
      fleetId,
      identity: this.identity(),
      bootCount: this.#bootCount,
      agent: hardware?.agent ?? UNKNOWN_HARDWARE.agent,
      clock,
      log,
    });
  }
}
