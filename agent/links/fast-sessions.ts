/**
 * The keys of one link's fast path, one generation after the other, agreed over the `control` channel, which is ordered
 * and authenticated:
 *
 *   1 fast-offer g           both sides: our receive key of generation g; the higher generation wins, equal ones meet
 *   2 with both offers       the datapath receives on g as well, and still seals with g - 1
 *   3 fast-ready g receive   "I receive on g": whoever hears it seals with g from then on
 *   4 fast-ready g send      "I seal with g": a little later, whoever hears it forgets the keys of g - 1
 *
 * So nobody ever seals with keys that the other side has not installed, and no packet is lost. A new generation is
 * due by time while the link is used, and by count. A peer that never says fast-ready is of a version that does not know
 * about generations: it keeps the first one.
 */
import type { Clock, Timer } from '../ports/clock.ts';
import type { AeadCipher, Datapath, Endpoint, PeerTraffic } from '../ports/datapath.ts';
import type { FastOffer, FastReady, LinkControl } from '../wire/link-control.ts';
import { agreedCipher, makeKeys, type OwnKeys, type ReceiveIndexes, supportedCiphers } from './fast-keys.ts';

export interface RekeyLimits {
  /** Age of keys in use at which they are replaced. */
  afterMs: number;
  /** Packets sealed under one key, of whatever kind, at which it is replaced. */
  afterPackets: number;
}

/** WireGuard's REKEY_AFTER_TIME; and what AES-GCM takes at full-sized packets (RFC 9001 appendix B.1). */
export const REKEY_LIMITS: RekeyLimits = { afterMs: 120_000, afterPackets: 2 ** 28 };
/** Packets sealed with old keys may be on their way for this long after the last of them was sent. */
const OVERLAP_MS = 5_000;

export interface FastSessionParts {
  slot: number;
  datapath: Pick<Datapath, 'addSession' | 'useSession' | 'forgetPreviousSession'>;
  clock: Clock;
  indexes: ReceiveIndexes;
  /** AES-256-GCM is the quicker cipher on this CPU. */
  aesHardware: boolean;
  limits: RekeyLimits;
  ownEndpoints(): Endpoint[];
  send(message: LinkControl): void;
}

export class FastSessions {
  readonly #parts: FastSessionParts;
  /** Ours of the next generation, while the peer's are awaited. */
  #offered: OwnKeys | null = null;
  #generation = 0;
  #cipher: AeadCipher | null = null;
  #installedAtMs = 0;
  #framesAtInstall: number | null = null;
  /** The peer has said so of the current generation. */
  #peerReceives = false;
  #peerSends = false;
  /** Receive indices in the datapath, newest first. */
  #installed: number[] = [];
  #overlap: Timer | null = null;

  constructor(parts: FastSessionParts) {
    this.#parts = parts;
  }

  get generation(): number {
    return this.#generation;
  }

  get cipher(): AeadCipher | null {
    return this.#cipher;
  }

  /** Offers the next generation: the first one, or one that a new `control` channel needs, whatever was lost with the old. */
  offer(): void {
    this.#offer(Math.max(this.#generation, this.#offered?.generation ?? 0) + 1);
  }

  stop(): void {
    this.#overlap?.cancel();
    this.#withdraw();
    for (const index of this.#installed.splice(0)) this.#parts.indexes.free(index);
    this.#generation = 0;
  }

  /** True when a new generation went into the datapath. */
  receiveOffer(offer: FastOffer): boolean {
    if (offer.generation <= this.#generation) return false;
    if (offer.generation > (this.#offered?.generation ?? 0)) this.#offer(offer.generation);
    const own = this.#offered;
    const cipher = agreedCipher(this.#parts.aesHardware, offer);
    if (!own || own.generation !== offer.generation || cipher === null) return false;
    this.#install(offer, own, cipher);
    return true;
  }

  receiveReady({ generation, step }: FastReady): void {
    if (generation !== this.#generation) return;
    if (step === 'receive' && !this.#peerReceives) {
      this.#peerReceives = true;
      this.#parts.datapath.useSession(this.#parts.slot);
      this.#parts.send({ type: 'fast-ready', generation, step: 'send' });
    } else if (step === 'send' && !this.#peerSends) {
      this.#peerSends = true;
      this.#overlap?.cancel();
      this.#overlap = this.#parts.clock.after(OVERLAP_MS, () => this.#forgetPrevious());
    }
  }

  /** To be called every 250 ms with the datapath's counters. */
  tick(nowMs: number, traffic: PeerTraffic): void {
    this.#framesAtInstall ??= traffic.sent.frames;
    const { afterMs, afterPackets } = this.#parts.limits;
    const settled = this.#peerReceives && this.#peerSends && this.#offered === null;
    const used = traffic.sent.frames !== this.#framesAtInstall;
    const old = used && nowMs - this.#installedAtMs >= afterMs;
    if (settled && (old || traffic.sealedPackets >= afterPackets)) this.offer();
  }

  #offer(generation: number): void {
    this.#withdraw();
    const keys = makeKeys(generation, this.#parts.indexes);
    this.#offered = keys;
    this.#parts.send({
      type: 'fast-offer',
      generation,
      receiveIndex: keys.receiveIndex,
      receiveKey: keys.receiveKey,
      ciphers: supportedCiphers(),
      aesHardware: this.#parts.aesHardware,
      endpoints: this.#parts.ownEndpoints(),
    });
  }

  /** An offer that came to nothing leaves no key behind. */
  #withdraw(): void {
    if (!this.#offered) return;
    this.#offered.receiveKey.fill(0);
    this.#parts.indexes.free(this.#offered.receiveIndex);
    this.#offered = null;
  }

  #install(offer: FastOffer, own: OwnKeys, cipher: AeadCipher): void {
    const { slot, datapath, clock, send } = this.#parts;
    datapath.addSession(slot, {
      cipher,
      receiveIndex: own.receiveIndex,
      receiveKey: own.receiveKey,
      sendIndex: offer.receiveIndex,
      sendKey: offer.receiveKey,
    });
    // The peer of a first generation has no other keys; the datapath may still have those of a peer that restarted.
    if (this.#generation === 0) datapath.useSession(slot);
    own.receiveKey.fill(0);
    offer.receiveKey.fill(0);
    this.#overlap?.cancel();
    this.#installed.unshift(own.receiveIndex);
    for (const index of this.#installed.splice(2)) this.#parts.indexes.free(index);
    this.#offered = null;
    this.#generation = own.generation;
    this.#cipher = cipher;
    this.#installedAtMs = clock.monotonicMs();
    this.#framesAtInstall = null;
    this.#peerReceives = false;
    this.#peerSends = false;
    send({ type: 'fast-ready', generation: own.generation, step: 'receive' });
  }

  #forgetPrevious(): void {
    this.#parts.datapath.forgetPreviousSession(this.#parts.slot);
    for (const index of this.#installed.splice(1)) this.#parts.indexes.free(index);
  }
}
