/**
 * One transport of one session: gathers the candidates into few signals, and holds the peer's DTLS certificate against
 * the fingerprint of the description that was signed.
 */
import { Refusal, sentenceOf } from '../errors.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { PeerTransport, PeerTransportFactory, TransportState } from '../ports/peer-transport.ts';
import type { SignalCandidate } from '../ports/signal-service.ts';

/** How long candidates are collected before a signal goes out: host candidates come within a few milliseconds. */
const BATCH_MS = 20;
/**
 * How long at most a transport lives on after its last message, for the peer to hear the message and end the transport
 * itself: node-datachannel drops what its JavaScript has not heard yet when the channel closes.
 */
const LINGER_MS = 3_000;
/** A session begins with three messages, and may end with a bye at once. */
const MAX_EARLY_MESSAGES = 16;

export interface LinkConnectionEvents {
  described(sdp: string, candidates: SignalCandidate[]): void;
  gathered(candidates: SignalCandidate[]): void;
  ready(): void;
  /** The transport is of no more use. */
  failed(reason: string): void;
  /** The transport lost its peer for now; it may come back. */
  doubt(): void;
  control(message: string): void;
  frame(frame: Uint8Array): void;
}

export class LinkConnection {
  readonly session: string;
  readonly #clock: Clock;
  readonly #events: LinkConnectionEvents;
  readonly #transport: PeerTransport;
  #description: string | null = null;
  #announced = false;
  /** Our candidates are kept back. */
  #careful = false;
  readonly #batch: SignalCandidate[] = [];
  #batchTimer: Timer | null = null;
  #linger: Timer | null = null;
  #signedFingerprint: string | null = null;
  /** The peer has shown the certificate that was signed. */
  #authentic = false;
  /** What came before that was known. */
  #early: string[] = [];
  #closed = false;

  /** Throws Refusal('bad-ice-server'). */
  constructor(
    session: string,
    peer: { name: string; iceServers: readonly string[] },
    transports: PeerTransportFactory,
    clock: Clock,
    events: LinkConnectionEvents,
  ) {
    this.session = session;
    this.#clock = clock;
    this.#events = events;
    this.#transport = transports.create(peer.name, peer.iceServers, {
      localDescription: (_type, sdp) => this.#described(sdp),
      localCandidate: (candidate, mid) => this.#candidate({ candidate, mid }),
      gatheringDone: () => this.#flush(),
      state: (state) => this.#state(state),
      ready: () => this.#ready(),
      control: (message) => this.#control(message),
      frame: (frame) => this.#closed || !this.#authentic || this.#events.frame(frame),
    });
  }

  get transport(): PeerTransport {
    return this.#transport;
  }

  /**
   * `careful`: the peer hears of our candidates only once its answer is in place. Else its checks may find ours before,
   * and libdatachannel, which begins ICE with an answer before it has noted the answer's fingerprint, may begin DTLS
   * before it knows whom to expect, and fail for nothing. It costs a way through the broker where ours alone cannot
   * reach the peer.
   */
  offer(careful: boolean): void {
    this.#careful = careful;
    this.#transport.offer();
  }

  acceptOffer(sdp: string, candidates: readonly SignalCandidate[]): void {
    this.#accept(sdp, candidates, () => this.#transport.acceptOffer(sdp));
  }

  acceptAnswer(sdp: string, candidates: readonly SignalCandidate[]): void {
    this.#accept(sdp, candidates, () => this.#transport.acceptAnswer(sdp));
    this.#careful = false;
    this.#flush();
  }

  addCandidates(candidates: readonly SignalCandidate[]): void {
    for (const { candidate, mid } of candidates) this.#transport.addRemoteCandidate(candidate, mid);
  }

  /** No event follows. `linger`: something was just said that is to arrive. */
  close(linger: boolean): void {
    this.#closed = true;
    this.#batchTimer?.cancel();
    if (linger && this.#authentic) this.#linger = this.#clock.after(LINGER_MS, () => this.#transport.close());
    else this.#transport.close();
  }

  #accept(sdp: string, candidates: readonly SignalCandidate[], apply: () => void): void {
    this.#signedFingerprint = fingerprintOf(sdp);
    try {
      apply();
      this.addCandidates(candidates);
    } catch (error) {
      this.#events.failed(error instanceof Refusal ? error.reason : sentenceOf(error));
    }
  }

  #described(sdp: string): void {
    this.#description = sdp;
    this.#startBatch();
  }

  #candidate(candidate: SignalCandidate): void {
    this.#batch.push(candidate);
    this.#startBatch();
  }

  #startBatch(): void {
    if (this.#closed || this.#batchTimer) return;
    this.#batchTimer = this.#clock.after(BATCH_MS, () => this.#flush());
  }

  #flush(): void {
    this.#batchTimer?.cancel();
    this.#batchTimer = null;
    if (this.#closed || this.#description === null) return;
    const candidates = this.#careful ? [] : this.#batch.splice(0);
    if (this.#announced && candidates.length === 0) return;
    if (this.#announced) this.#events.gathered(candidates);
    else {
      this.#announced = true;
      this.#events.described(this.#description, candidates);
    }
  }

  #state(state: TransportState): void {
    if (this.#closed) {
      if (state === 'failed' || state === 'closed') this.#linger?.cancel();
      return;
    }
    if (state === 'failed') this.#events.failed('transport-failed');
    else if (state === 'closed') this.#events.failed('transport-closed');
    else if (state === 'disconnected') this.#events.doubt();
  }

  #ready(): void {
    if (this.#closed) return;
    const presented = this.#transport.remoteFingerprint();
    if (presented === null || presented !== this.#signedFingerprint) {
      this.#events.failed('fingerprint-mismatch');
      return;
    }
    this.#authentic = true;
    this.#events.ready();
    for (const message of this.#early.splice(0)) this.#control(message);
  }

  /** A peer that is ready first may speak first: its words wait until it is known whose they are. */
  #control(message: string): void {
    if (this.#closed) return;
    if (this.#authentic) this.#events.control(message);
    else if (this.#early.length < MAX_EARLY_MESSAGES) this.#early.push(message);
  }
}

/** The SHA-256 fingerprint of a description (RFC 8122), upper case; null when it has none, or several. */
export function fingerprintOf(sdp: string): string | null {
  const found = [...sdp.matchAll(/^a=fingerprint:sha-256 ([0-9A-F:]{95})\s*$/gim)].map((match) =>
    (match[1] ?? '').toUpperCase(),
  );
  return new Set(found).size === 1 ? (found[0] ?? null) : null;
}
