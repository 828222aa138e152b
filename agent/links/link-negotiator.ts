/** Runs one link's negotiation: feeds events to the pure machine, does what it asks, owns its transport and timers. */
import { randomBytes } from 'node:crypto';
import { Refusal, sentenceOf } from '../errors.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { PeerTransportFactory } from '../ports/peer-transport.ts';
import type { Signal } from '../ports/signal-service.ts';
import { LinkConnection } from './link-connection.ts';
import { negotiate, startNegotiation } from './link-negotiation.ts';
import type {
  Negotiation,
  NegotiationAction,
  NegotiationEvent,
  NegotiationMemory,
} from './negotiation-types.ts';

export interface NegotiatorParts {
  selfId: string;
  peerId: string;
  memory: NegotiationMemory;
  transports: PeerTransportFactory;
  iceServers: readonly string[];
  clock: Clock;
  send(signal: Signal): void;
  /** The transport is ready and authentic. */
  up(connection: LinkConnection): void;
  /** The peer's newer session replaces the current one, which may have been up. */
  replaced(): void;
  ended(reason: string, by: 'self' | 'peer'): void;
  /** The peer's reason for the end of the session before the current attempt. */
  endedBefore(reason: string): void;
  doubt(): void;
  control(message: string): void;
  frame(frame: Uint8Array): void;
}

export class LinkNegotiator {
  readonly #parts: NegotiatorParts;
  #state: Negotiation;
  #connection: LinkConnection | null = null;
  #retransmit: Timer | null = null;
  #expiry: Timer | null = null;
  #lingers = false;
  #careful = false;

  constructor(parts: NegotiatorParts) {
    this.#parts = parts;
    this.#state = startNegotiation(parts.selfId, parts.peerId, parts.memory);
  }

  get idle(): boolean {
    return this.#state.phase === 'idle';
  }

  get memory(): NegotiationMemory {
    return this.#state.memory;
  }

  /** Starts an attempt of ours, unless one is under way. `careful`: see LinkConnection.offer. */
  want(careful: boolean): void {
    this.#careful = careful;
    this.#step({ kind: 'wanted', session: randomBytes(16).toString('hex') });
  }

  receive(signal: Signal, sequence: number): void {
    this.#step({ kind: 'signal', signal, sequence });
  }

  /** The peer said bye over the transport itself. */
  byeOfPeer(reason: string): void {
    const { session, memory } = this.#state;
    if (session !== null) this.receive({ kind: 'bye', session, reason }, memory.peerSequence);
  }

  /** Nothing is heard of the peer: it may have restarted, and know nothing of the session. */
  inquire(): void {
    this.#step({ kind: 'silent' });
  }

  /** The current session is of no more use. */
  fail(reason: string): void {
    if (this.#state.session !== null) this.#step({ kind: 'failed', session: this.#state.session, reason });
  }

  /** Says bye; the transport lives on for a moment, so that what was said over it arrives. */
  close(reason: string): void {
    this.#lingers = true;
    this.#step({ kind: 'close', reason });
    this.#lingers = false;
  }

  #step(event: NegotiationEvent): void {
    const { state, actions } = negotiate(this.#state, event);
    this.#state = state;
    for (const action of actions) this.#perform(action);
  }

  #perform(action: NegotiationAction): void {
    switch (action.do) {
      case 'send':
        this.#parts.send(action.signal);
        break;
      case 'create-offer':
        this.#connect(action.session, (made) => made.offer(this.#careful));
        break;
      case 'create-answer':
        this.#connect(action.session, (made) => made.acceptOffer(action.sdp, action.candidates));
        break;
      case 'accept-answer':
        this.#current(action.session)?.acceptAnswer(action.sdp, action.candidates);
        break;
      case 'add-candidates':
        this.#current(action.session)?.addCandidates(action.candidates);
        break;
      case 'drop-transport':
        this.#drop(action.session);
        break;
      case 'up':
        this.#up(action.session);
        break;
      case 'replaced':
        this.#parts.replaced();
        break;
      case 'down':
        this.#parts.ended(action.reason, action.by);
        break;
      case 'ended-before':
        this.#parts.endedBefore(action.reason);
        break;
      default:
        this.#setTimers(action);
    }
  }

  #setTimers(action: Extract<NegotiationAction, { do: 'arm-retransmit' | 'arm-expiry' | 'disarm' }>): void {
    if (action.do !== 'arm-expiry') this.#retransmit?.cancel();
    if (action.do !== 'arm-retransmit') this.#expiry?.cancel();
    if (action.do === 'disarm') return;
    const kind = action.do === 'arm-expiry' ? 'expired' : 'retransmit';
    const timer = this.#parts.clock.after(action.delayMs, () =>
      this.#step({ kind, session: action.session }),
    );
    if (action.do === 'arm-expiry') this.#expiry = timer;
    else this.#retransmit = timer;
  }

  #connect(session: string, begin: (connection: LinkConnection) => void): void {
    const { peerId, iceServers, transports, clock } = this.#parts;
    const mine = () => this.#connection?.session === session;
    try {
      this.#connection = new LinkConnection(session, { name: peerId, iceServers }, transports, clock, {
        described: (sdp, candidates) => this.#step({ kind: 'described', session, sdp, candidates }),
        gathered: (candidates) => this.#step({ kind: 'gathered', session, candidates }),
        ready: () => this.#step({ kind: 'ready', session }),
        failed: (reason) => this.#step({ kind: 'failed', session, reason }),
        doubt: () => mine() && this.#parts.doubt(),
        control: (message) => mine() && this.#parts.control(message),
        frame: (frame) => mine() && this.#parts.frame(frame),
      });
      begin(this.#connection);
    } catch (error) {
      const reason = error instanceof Refusal ? error.reason : sentenceOf(error);
      this.#step({ kind: 'failed', session, reason });
    }
  }

  #current(session: string): LinkConnection | null {
    return this.#connection?.session === session ? this.#connection : null;
  }

  #up(session: string): void {
    const connection = this.#current(session);
    if (connection) this.#parts.up(connection);
  }

  #drop(session: string): void {
    const connection = this.#current(session);
    if (!connection) return;
    this.#connection = null;
    connection.close(this.#lingers);
  }
}
