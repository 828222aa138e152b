/** Publishes what the device says about itself: presence whenever it connects, and what became of its configs. */
import { sentenceOf } from '../../agent/errors.ts';
import type { Clock } from '../../agent/ports/clock.ts';
import type { Log } from '../../agent/ports/log.ts';
import type { MessageBus } from '../../agent/ports/message-bus.ts';
import type { Topics } from '../../agent/wire/topics.ts';
import { signAck, signPresence } from '../documents/device-reports.ts';
import type { ClientIdentity } from './broker-switch.ts';
import type { AckFacts } from './config-applier.ts';
import type { DeviceIdentity } from './device-identity.ts';

export interface DeviceReporterOptions {
  bus: MessageBus;
  topics: Topics;
  fleetId: string;
  identity: DeviceIdentity;
  bootCount: number;
  agent: string;
  clock: Clock;
  log: Log;
}

export class DeviceReporter {
  readonly #options: DeviceReporterOptions;
  #announced = false;
  #pendingAck: AbortController | null = null;

  constructor(options: DeviceReporterOptions) {
    this.#options = options;
  }

  /** The will says `offline` in the device's own name; it is signed before the connection is made. */
  clientIdentity(): ClientIdentity {
    const { topics, identity } = this.#options;
    const will = { topic: topics.status(identity.nodeId), payload: this.#presence(false) };
    return { clientId: `tincan-${identity.nodeId}`, will };
  }

  /** Says `online` now and at every reconnection. */
  announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    const { bus } = this.#options;
    let connected = bus.state().connected;
    if (connected) this.#sayOnline();
    bus.onState((state) => {
      if (state.connected && !connected) this.#sayOnline();
      connected = state.connected;
    });
  }

  /** Retained, so that a registrar that was away learns of it. A newer ack takes the place of one that still waits. */
  acknowledge(facts: AckFacts): void {
    const { topics, identity, fleetId, bootCount, clock } = this.#options;
    this.#pendingAck?.abort();
    this.#pendingAck = new AbortController();
    const ack = { ...facts, fleetId, nodeId: identity.nodeId, bootCount, at: clock.wallMs() };
    this.#publish(topics.ack(identity.nodeId), signAck(ack, identity.signingKey), this.#pendingAck.signal);
  }

  #sayOnline(): void {
    const { topics, identity } = this.#options;
    this.#publish(topics.status(identity.nodeId), this.#presence(true));
  }

  #presence(online: boolean): Uint8Array {
    const { identity, fleetId, bootCount, clock, agent } = this.#options;
    const presence = { fleetId, nodeId: identity.nodeId, online, agent, bootCount, at: clock.wallMs() };
    return signPresence(presence, identity.signingKey);
  }

  #publish(topic: string, payload: Uint8Array, signal?: AbortSignal): void {
    const { bus, log } = this.#options;
    bus
      .publish(topic, payload, { qos: 1, retain: true, ...(signal ? { signal } : {}) })
      .catch((error: unknown) => log.debug('report.not-sent', { topic, problem: sentenceOf(error) }));
  }
}
