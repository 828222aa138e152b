/**
 * Signals over a broker that is not trusted. A signal is signed by the sender's device key (DSSE) and then sealed to
 * the recipient (HPKE), so the broker reads nothing, forges nothing and repeats nothing that matters.
 *
 * Outbound: 1 number 2 sign 3 seal 4 publish to the recipient's topic.
 * Inbound:  1 size 2 rate in total 3 open 4 envelope and shape 5 certificate 6 signature 7 addressing 8 rate of the
 *           sender 9 replay 10 deliver. Each refusal is counted by name; nothing is thrown.
 */
import { sentenceOf } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MemberDirectory, Membership } from '../ports/member-directory.ts';
import type { MessageBus, Subscription } from '../ports/message-bus.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { Signal, SignalService } from '../ports/signal-service.ts';
import {
  countSigners,
  payloadJson,
  readEnvelope,
  type SigningKey,
  signEnvelope,
} from '../trust/signed-envelope.ts';
import {
  MAX_SIGNAL_BYTES,
  readSignalMessage,
  SIGNAL_PAYLOAD_TYPE,
  type SignalMessage,
} from '../wire/signal-message.ts';
import type { Topics } from '../wire/topics.ts';
import { RateCap, ReplayGuard } from './message-guard.ts';

/** HPKE context: a signal can never be taken for another sealed document. */
export const SIGNAL_CONTEXT = 'tincan signal v1';
const BOOT_STEP = 2 ** 32;
/** A signal that waited longer for the broker is stale: its link retries with a new one. */
const PUBLISH_LIMIT_MS = 8_000;
/** Opening costs about a millisecond of CPU, so strangers are slowed before it: per second and at once. */
const TOTAL_RATE = { perSecond: 100, burst: 400 };
/** One negotiation is about ten signals. A bye costs nothing more than was spent on it, and is not said again: it is free. */
const SENDER_RATE = { perSecond: 10, burst: 60 };
const MAX_SENDERS = 2048;

/** Why an inbound signal was dropped. */
export type SignalDrop =
  | 'too-large'
  | 'rate-total'
  | 'not-sealed-to-us'
  | 'not-an-envelope'
  | 'bad-shape'
  | 'not-a-member'
  | 'bad-signature'
  | 'wrong-recipient'
  | 'wrong-sender'
  | 'own-signal'
  | 'rate-sender'
  | 'replayed';

interface Authentic {
  from: Membership;
  message: SignalMessage;
}

export interface SignalIdentity {
  nodeId: string;
  signingKey: SigningKey;
  sealingPrivateKey: Uint8Array;
  /** Its certificate travels with every signal. */
  membership: Membership;
  memory: SignalMemory;
}

/**
 * What outlives one SealedSignals of a process: a node that is built anew, for a new config or a lost TAP, numbers on
 * where it was, else its peers take what it says for replays; and it goes on to refuse what it has already heard.
 */
export class SignalMemory {
  readonly replays = new ReplayGuard();
  #sequence: number;

  /** `bootCount` counts the starts of this device; with it, sequences rise over restarts. Below 2^21. */
  constructor(bootCount: number) {
    this.#sequence = bootCount * BOOT_STEP;
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }
}

export interface SealedSignalsParts {
  bus: MessageBus;
  sealer: Sealer;
  directory: Pick<MemberDirectory, 'verify'>;
  topics: Topics;
  own: SignalIdentity;
  clock: Clock;
  log: Log;
}

/** SignalService over a MessageBus. */
export class SealedSignals implements SignalService {
  readonly #parts: SealedSignalsParts;
  readonly #subscription: Subscription;
  readonly #listeners: Array<(from: Membership, signal: Signal, sequence: number) => void> = [];
  readonly #drops = new Map<SignalDrop, number>();
  readonly #total: RateCap;
  readonly #senders = new Map<string, RateCap>();
  /** Sealing and opening are asynchronous; these chains keep signals in order. */
  #outbound: Promise<unknown> = Promise.resolve();
  #inbound: Promise<unknown> = Promise.resolve();

  constructor(parts: SealedSignalsParts) {
    this.#parts = parts;
    this.#total = new RateCap(TOTAL_RATE.perSecond, TOTAL_RATE.burst, parts.clock);
    const topic = parts.topics.signals(parts.own.nodeId);
    this.#subscription = parts.bus.subscribe(topic, (_topic, payload) => this.#receive(payload));
  }

  /** Resolves when signals for this node can arrive. */
  get ready(): Promise<void> {
    return this.#subscription.ready;
  }

  async send(to: Membership, signal: Signal): Promise<void> {
    const sealed = this.#outbound.then(() => this.#seal(to, signal));
    this.#outbound = sealed.catch(() => undefined);
    const payload = await sealed;
    const abort = new AbortController();
    const timer = this.#parts.clock.after(PUBLISH_LIMIT_MS, () => abort.abort());
    try {
      const topic = this.#parts.topics.signals(to.nodeId);
      await this.#parts.bus.publish(topic, payload, { qos: 1, signal: abort.signal });
    } finally {
      timer.cancel();
    }
  }

  onSignal(listener: (from: Membership, signal: Signal, sequence: number) => void): void {
    this.#listeners.push(listener);
  }

  /** Dropped signals by reason, those that happened only. */
  drops(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#drops);
  }

  close(): void {
    this.#subscription.cancel();
    this.#listeners.length = 0;
  }

  #seal(to: Membership, signal: Signal): Promise<Uint8Array> {
    const { own, sealer } = this.#parts;
    const message: SignalMessage = {
      from: own.nodeId,
      to: to.nodeId,
      sequence: own.memory.nextSequence(),
      certificate: Buffer.from(own.membership.certificate).toString('base64'),
      signal,
    };
    const envelope = signEnvelope(SIGNAL_PAYLOAD_TYPE, message, [own.signingKey]);
    return sealer.seal(to.sealingKey, SIGNAL_CONTEXT, Buffer.from(to.nodeId), envelope);
  }

  #receive(payload: Uint8Array): void {
    if (payload.length > MAX_SIGNAL_BYTES) {
      this.#drop('too-large');
      return;
    }
    if (!this.#total.take()) {
      this.#drop('rate-total');
      return;
    }
    this.#inbound = this.#inbound
      .then(() => this.#open(payload))
      .catch((error) => {
        this.#parts.log.warn('signal.failed', { problem: sentenceOf(error) });
      });
  }

  async #open(payload: Uint8Array): Promise<void> {
    const { own, sealer } = this.#parts;
    const aad = Buffer.from(own.nodeId);
    const bytes = await sealer.open(own.sealingPrivateKey, SIGNAL_CONTEXT, aad, payload);
    const read = bytes ? this.#admit(bytes) : 'not-sealed-to-us';
    if (typeof read === 'string') {
      this.#drop(read);
      return;
    }
    const { from, message } = read;
    for (const listener of this.#listeners) listener(from, message.signal, message.sequence);
  }

  #admit(bytes: Uint8Array): Authentic | SignalDrop {
    const read = this.#authenticate(bytes);
    if (typeof read === 'string') return read;
    const { nodeId } = read.from;
    if (read.message.signal.kind !== 'bye' && !this.#senderRate(nodeId).take()) return 'rate-sender';
    return this.#parts.own.memory.replays.accept(nodeId, read.message.sequence) ? read : 'replayed';
  }

  #authenticate(bytes: Uint8Array): Authentic | SignalDrop {
    let envelope: ReturnType<typeof readEnvelope>;
    let json: unknown;
    try {
      envelope = readEnvelope(bytes, SIGNAL_PAYLOAD_TYPE);
      json = payloadJson(envelope);
    } catch {
      return 'not-an-envelope';
    }
    const message = readSignalMessage(json);
    if (!message) return 'bad-shape';
    const from = this.#parts.directory.verify(Buffer.from(message.certificate, 'base64'));
    if (!from) return 'not-a-member';
    if (countSigners(envelope, [from.publicKey]) !== 1) return 'bad-signature';
    if (message.from !== from.nodeId) return 'wrong-sender';
    if (message.to !== this.#parts.own.nodeId) return 'wrong-recipient';
    // A clone of this device's storage card is authentic; it must not become a link to ourselves.
    if (from.nodeId === this.#parts.own.nodeId) return 'own-signal';
    return { from, message };
  }

  #senderRate(nodeId: string): RateCap {
    const known = this.#senders.get(nodeId);
    if (known) return known;
    if (this.#senders.size >= MAX_SENDERS) this.#senders.clear();
    const fresh = new RateCap(SENDER_RATE.perSecond, SENDER_RATE.burst, this.#parts.clock);
    this.#senders.set(nodeId, fresh);
    return fresh;
  }

  #drop(reason: SignalDrop): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }
}
