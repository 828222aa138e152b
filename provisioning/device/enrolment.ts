/**
 * A blank device asks to be admitted: it says hello until the registrar replies. Silence is ordinary (the owner's
 * laptop may be asleep), so it asks again with capped backoff and jitter, and at once when the registrar is heard.
 */
import { randomBytes } from 'node:crypto';
import { Refusal, sentenceOf } from '../../agent/errors.ts';
import type { Clock } from '../../agent/ports/clock.ts';
import type { Log } from '../../agent/ports/log.ts';
import type { MessageBus } from '../../agent/ports/message-bus.ts';
import { topicsOf } from '../../agent/wire/topics.ts';
import type { Claim } from '../documents/claim.ts';
import {
  type Hardware,
  NONCE_BYTES,
  type Reply,
  readReply,
  signHello,
} from '../documents/enrolment-messages.ts';
import type { DeviceIdentity } from './device-identity.ts';

/** One second: the registrar answers in milliseconds. Half a minute: an owner who starts it waits no longer. */
const BACKOFF_MS = { first: 1_000, cap: 30_000 };
/** Devices that hear the registrar come back spread their hellos over this time. */
const SPREAD_MS = 2_000;

export interface EnrolmentOptions {
  bus: MessageBus;
  claim: Claim;
  identity: DeviceIdentity;
  bootCount: number;
  hardware: Hardware;
  clock: Clock;
  log: Log;
  /** Uniform in [0, 1). */
  random: () => number;
}

export class Enrolment {
  readonly #options: EnrolmentOptions;
  readonly #nonce = randomBytes(NONCE_BYTES);
  #wake: (soon: boolean) => void = () => undefined;
  #decision: Reply | null = null;
  /** Why it takes so long, in one sentence. */
  problem: string | null = null;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the fleet has admitted this device, or `signal` is aborted (then to false).
   * Throws Refusal with the registrar's reason when the refusal is final: this claim will never do.
   */
  async run(signal: AbortSignal): Promise<boolean> {
    const { bus, claim } = this.#options;
    const topics = topicsOf(claim.fleetId);
    const replies = bus.subscribe(topics.enrolReply(claim.claimId), (_, payload) => this.#hear(payload));
    // A live statement (not a retained one) says that the registrar is there now.
    const life = bus.subscribe(topics.fresh, (_, __, retained) => void (retained || this.#wake(true)));
    try {
      return await this.#ask(topics.enrolHello(claim.claimId), signal);
    } finally {
      replies.cancel();
      life.cancel();
    }
  }

  async #ask(topic: string, signal: AbortSignal): Promise<boolean> {
    for (
      let backoffMs = BACKOFF_MS.first;
      !signal.aborted;
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS.cap)
    ) {
      const attempt = new AbortController();
      this.#send(topic, attempt.signal);
      await this.#wait(backoffMs, signal);
      attempt.abort();
      const decision = this.#takeDecision();
      if (decision && !decision.refusal) return true;
      if (decision?.refusal?.final) throw new Refusal(decision.refusal.reason, decision.refusal.problem);
      this.problem = decision?.refusal?.problem ?? this.#silence();
    }
    return false;
  }

  #takeDecision(): Reply | null {
    const decision = this.#decision;
    this.#decision = null;
    return decision;
  }

  #silence(): string {
    const { connected, problem } = this.#options.bus.state();
    if (!connected) return problem ?? 'the broker is not reached yet';
    return "the registrar does not answer; run 'tincan fleet serve' with the directory that made this claim";
  }

  #send(topic: string, signal: AbortSignal): void {
    const { bus, claim, identity, bootCount, hardware, log } = this.#options;
    const hello = {
      fleetId: claim.fleetId,
      claimId: claim.claimId,
      nonce: this.#nonce,
      publicKey: identity.signingKey.publicKey,
      sealingKey: identity.sealingPublicKey,
      bootCount,
      hardware,
    };
    const bytes = signHello(hello, claim.secret, identity.signingKey);
    bus.publish(topic, bytes, { qos: 1, signal }).then(
      () => log.debug('enrolment.asked', { claim: claim.claimId }),
      (error: unknown) => log.debug('enrolment.not-sent', { problem: sentenceOf(error) }),
    );
  }

  #hear(payload: Uint8Array): void {
    const { claim, identity, log } = this.#options;
    try {
      const asked = { claimId: claim.claimId, nonce: this.#nonce, nodeId: identity.nodeId };
      this.#decision = readReply(payload, claim.root.document, asked);
      // Admitted or finally refused: go on at once. A refusal for now waits for its backoff.
      if (!this.#decision.refusal || this.#decision.refusal.final) this.#wake(false);
    } catch (error) {
      log.warn('enrolment.reply-ignored', { problem: sentenceOf(error) });
    }
  }

  /** Until the backoff is over, a decision came, or the registrar was heard. */
  #wait(backoffMs: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#wake = () => undefined;
        signal.removeEventListener('abort', done);
        resolve();
      };
      const soonMs = clock.monotonicMs() + SPREAD_MS;
      let timer = clock.after(backoffMs * (0.75 + random() / 2), done);
      signal.addEventListener('abort', done);
      this.#wake = (soon) => {
        if (!soon) return done();
        // Only once per wait, and never sooner after a hello than a reply takes.
        if (clock.monotonicMs() < soonMs) return;
        timer.cancel();
        timer = clock.after(random() * SPREAD_MS, done);
      };
    });
  }
}
