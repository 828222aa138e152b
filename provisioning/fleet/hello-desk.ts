/**
 * Decides on hellos:
 *
 * 1 not too many; 2 whole, and signed by the key it names; 3 for this fleet and the claim of its topic
 * 4 the claim is one of ours; 5 the sender holds its secret
 * 6 the node was not revoked; 7 the claim was not used by another one; 8 it has not ended, unless this very node used it
 *
 * What fails 1, 2, 3 or 5 gets no answer: it is not from a device that holds a claim of ours.
 */
import { sentenceOf } from '../../agent/errors.ts';
import type { Clock } from '../../agent/ports/clock.ts';
import type { Log } from '../../agent/ports/log.ts';
import { type Hello, nodeIdOf, proves, type Reply, readHello } from '../documents/enrolment-messages.ts';
import type { FleetDirectory } from './fleet-directory.ts';
import type { Device } from './fleet-records.ts';
import { HelloLimit } from './hello-limit.ts';
import { revokedNodes } from './revocation.ts';

export interface HelloDecision {
  reply: Reply;
  /** The device that was admitted, or null. */
  admitted: Device | null;
}

export class HelloDesk {
  readonly #directory: () => FleetDirectory;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limit: HelloLimit;
  /** Claim id to device name. */
  readonly #names = new Map<string, string>();

  /** `directory`: as it is now; the owner changes it while the registrar runs. */
  constructor(directory: () => FleetDirectory, clock: Clock, log: Log) {
    this.#directory = directory;
    this.#clock = clock;
    this.#log = log;
    this.#limit = new HelloLimit(clock);
  }

  /** The owner has changed something: a name may be another device's by now. */
  forget(): void {
    this.#names.clear();
  }

  /** Null: no answer. Throws only what the disk throws. */
  async decide(claimId: string, bytes: Uint8Array): Promise<HelloDecision | null> {
    if (!this.#limit.allows(claimId)) {
      this.#log.warn('hello.limited', { claim: claimId });
      return null;
    }
    const hello = this.#read(claimId, bytes);
    if (!hello) return null;
    const device = await this.#deviceOf(claimId);
    if (!device) {
      const problem =
        "the registrar does not know this claim; make one with 'tincan fleet add' in its directory";
      return this.#refuse(hello, 'claim-unknown', problem, false);
    }
    if (!proves(hello, device.claim.secret)) {
      this.#log.warn('hello.unproven', { claim: claimId, device: device.name });
      return null;
    }
    return this.#admit(hello, device);
  }

  async #admit(hello: Hello, device: Device): Promise<HelloDecision> {
    const revoked = await revokedNodes(this.#directory().store);
    if (revoked.some(({ nodeId }) => nodeId === nodeIdOf(hello))) {
      const problem =
        'this device was put out of the fleet; empty its state directory, so that it gets a new identity';
      return this.#refuse(hello, 'node-revoked', problem, true);
    }
    const now = this.#clock.wallMs();
    const user = await this.#directory().enrolled(device.name);
    if (!user && now >= device.claim.expires) {
      const day = new Date(device.claim.expires).toISOString().slice(0, 10);
      return this.#refuse(
        hello,
        'claim-expired',
        `the claim of ${device.name} ended on ${day}; make a new one`,
        true,
      );
    }
    if (!(await this.#directory().enrol(device, hello, now))) {
      const problem = `the claim of ${device.name} was used by another device; a claim is good for one`;
      return this.#refuse(hello, 'claim-used', problem, true);
    }
    return { reply: this.#replyTo(hello, null), admitted: device };
  }

  #read(claimId: string, bytes: Uint8Array): Hello | null {
    try {
      const hello = readHello(bytes);
      const ours = hello.claimId === claimId && hello.fleetId === this.#directory().fleet.fleetId;
      if (!ours) this.#log.warn('hello.misaddressed', { claim: claimId });
      return ours ? hello : null;
    } catch (error) {
      this.#log.warn('hello.malformed', { claim: claimId, problem: sentenceOf(error) });
      return null;
    }
  }

  async #deviceOf(claimId: string): Promise<Device | null> {
    if (!this.#names.has(claimId)) await this.#learn();
    const name = this.#names.get(claimId);
    const device = name === undefined ? null : await this.#directory().device(name);
    return device?.claim.id === claimId ? device : null;
  }

  /** Reads the devices that were added since. */
  async #learn(): Promise<void> {
    const known = new Set(this.#names.values());
    for (const name of await this.#directory().deviceNames()) {
      const device = known.has(name) ? null : await this.#directory().device(name);
      if (device) this.#names.set(device.claim.id, name);
    }
  }

  #refuse(hello: Hello, reason: string, problem: string, final: boolean): HelloDecision {
    this.#log.warn('hello.refused', { claim: hello.claimId, nodeId: nodeIdOf(hello), reason });
    return { reply: this.#replyTo(hello, { reason, problem, final }), admitted: null };
  }

  #replyTo(hello: Hello, refusal: Reply['refusal']): Reply {
    const { fleetId, claimId, nonce } = hello;
    return { fleetId, claimId, nonce, nodeId: nodeIdOf(hello), issuedAt: this.#clock.wallMs(), refusal };
  }
}
