/**
 * PeerTransports without a network: two of them join when each has accepted the other's description and one has a
 * candidate of the other. Events come later, as the real ones do, and none after close.
 */
import { randomBytes } from 'node:crypto';
import { Refusal } from '../../agent/errors.ts';
import type {
  PeerTransport,
  PeerTransportEvents,
  PeerTransportFactory,
  SelectedPair,
  SendResult,
} from '../../agent/ports/peer-transport.ts';

export class FakePeerTransportFactory implements PeerTransportFactory {
  /** Every transport ever made here, in order. */
  readonly made: FakePeerTransport[] = [];
  /** Transports made from now on present a certificate that is not the one of their description. */
  impostors = false;
  /** So many of the next ones begin DTLS before they know the fingerprint that they are to find, and fail, where the peer can reach them. */
  hasty = 0;
  readonly #known: Map<string, FakePeerTransport>;

  /** Factories that share a map reach each other. */
  constructor(known = new Map<string, FakePeerTransport>()) {
    this.#known = known;
  }

  create(_peerName: string, _iceServers: readonly string[], events: PeerTransportEvents): PeerTransport {
    const transport = new FakePeerTransport(events, this.#known);
    transport.hasty = this.hasty-- > 0;
    if (this.impostors) transport.presented = fingerprintText(randomBytes(32));
    this.made.push(transport);
    return transport;
  }

  close(): void {
    for (const transport of this.made) transport.close();
  }
}

export class FakePeerTransport implements PeerTransport {
  readonly fingerprint = fingerprintText(randomBytes(32));
  /** The certificate that its DTLS shows. */
  presented = this.fingerprint;
  closed = false;
  full = false;
  hasty = false;
  readonly #id = randomBytes(8).toString('hex');
  readonly #events: PeerTransportEvents;
  readonly #known: Map<string, FakePeerTransport>;
  #remoteId: string | null = null;
  #hasCandidate = false;
  #frozen = false;
  #peer: FakePeerTransport | null = null;

  constructor(events: PeerTransportEvents, known: Map<string, FakePeerTransport>) {
    this.#events = events;
    this.#known = known;
    known.set(this.#id, this);
  }

  offer(): void {
    this.#describe('offer');
  }

  acceptOffer(sdp: string): void {
    this.#accept(sdp);
    this.#describe('answer');
  }

  acceptAnswer(sdp: string): void {
    if (this.hasty && this.#knownTo(sdp)) this.fail();
    else this.#accept(sdp);
  }

  addRemoteCandidate(_candidate: string, _mid: string): void {
    this.#hasCandidate = true;
    this.#join();
  }

  sendControl(message: string): SendResult {
    return this.#send((peer) => peer.#events.control(message));
  }

  sendFrame(frame: Uint8Array): SendResult {
    if (this.full && this.#peer && !this.closed) return 'full';
    const kept = frame.slice();
    return this.#send((peer) => peer.#events.frame(kept));
  }

  bufferedBytes(): number {
    return 0;
  }

  selectedPair(): SelectedPair | null {
    if (!this.#peer || this.closed) return null;
    return { localType: 'host', remoteType: 'host', local: '192.0.2.1:1', remote: '192.0.2.2:2' };
  }

  remoteFingerprint(): string | null {
    return this.closed ? null : (this.#peer?.presented ?? null);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#known.delete(this.#id);
    const peer = this.#peer;
    if (!peer || this.#frozen || peer.#frozen) return;
    peer.#later(() => {
      peer.#events.state('closed');
      peer.close();
    });
  }

  /** This end stands still: nothing goes out and nothing comes in until the returned function is called. */
  freeze(): () => void {
    this.#frozen = true;
    return () => {
      this.#frozen = false;
    };
  }

  /** The network between the two breaks for good. */
  fail(): void {
    this.#later(() => {
      this.#events.state('failed');
      this.close();
    });
  }

  #describe(type: 'offer' | 'answer'): void {
    const sdp = `v=0\r\na=fingerprint:sha-256 ${this.fingerprint}\r\na=fake-id:${this.#id}\r\n`;
    this.#later(() => this.#events.localDescription(type, sdp));
    this.#later(() => this.#events.localCandidate(`a=candidate:1 1 UDP 1 192.0.2.1 1 typ host`, '0'));
    this.#later(() => this.#events.gatheringDone());
  }

  /** The peer has candidates of ours. */
  #knownTo(sdp: string): boolean {
    const peer = this.#known.get(idOf(sdp) ?? '');
    return peer ? peer.#hasCandidate : false;
  }

  #accept(sdp: string): void {
    const id = idOf(sdp);
    if (id === undefined)
      throw new Refusal('bad-description', 'this description is none of a fake transport');
    this.#remoteId = id;
    this.#join();
  }

  #join(): void {
    const peer = this.#remoteId === null ? undefined : this.#known.get(this.#remoteId);
    if (!peer || this.#peer || peer.#remoteId !== this.#id) return;
    if (!this.#hasCandidate && !peer.#hasCandidate) return;
    this.#peer = peer;
    peer.#peer = this;
    for (const end of [this, peer]) {
      end.#later(() => end.#events.state('connected'));
      end.#later(() => end.#events.ready());
    }
  }

  #send(deliver: (peer: FakePeerTransport) => void): SendResult {
    const peer = this.#peer;
    if (this.closed || !peer) return 'closed';
    if (!this.#frozen && !peer.#frozen) peer.#later(() => deliver(peer));
    return 'sent';
  }

  #later(task: () => void): void {
    queueMicrotask(() => {
      if (!this.closed) task();
    });
  }
}

function idOf(sdp: string): string | undefined {
  return /^a=fake-id:(\S+)$/m.exec(sdp)?.[1];
}

function fingerprintText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
}
