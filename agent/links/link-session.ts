/**
 * What two nodes share from the first moment their link is up: a PeerConnection, the fast path beside it, the choice
 * between the two for each frame, and the watch over whether the peer is alive.
 *
 * A session outlives its PeerConnection: while the fast path lives the link is up, and a new PeerConnection is negotiated
 * beside it; while neither lives, known endpoints are still probed, so that traffic resumes as soon as the network does.
 * On a new PeerConnection both sides say `resume` with the names of their sessions: a peer that restarted has another.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../ports/clock.ts';
import type { Endpoint, PeerTraffic } from '../ports/datapath.ts';
import type { LinkCondition } from '../ports/link-table.ts';
import type { SendResult } from '../ports/peer-transport.ts';
import { ETHERNET_HEADER_BYTES, VLAN_TAG_BYTES } from '../wire/ethernet-frame.ts';
import { decodeLinkControl, encodeLinkControl, type LinkControl } from '../wire/link-control.ts';
import { ControlPings } from './control-pings.ts';
import type { ReceiveIndexes } from './fast-keys.ts';
import { FastPath } from './fast-path.ts';
import { REKEY_LIMITS } from './fast-sessions.ts';
import { IdleAgreement } from './idle-agreement.ts';
import type { LinkConnection } from './link-connection.ts';
import { type LinkWatch, LOST_AFTER_MS, startLinkWatch, unansweredMs, watchLink } from './link-liveness.ts';
import { LinkPings, type PingAnswer } from './link-pings.ts';
import type { LinkManagerOptions } from './link-types.ts';
import { OutageWatch } from './outage-watch.ts';

export interface LinkSessionParts {
  slot: number;
  indexes: ReceiveIndexes;
  options: LinkManagerOptions;
  reflexive(): Endpoint[];
  /** The peer ends the link. */
  bye(reason: string): void;
  /** Nothing is heard of the peer: the broker may know more. */
  inquire(): void;
  /** The peer on the new connection has no session with us: it restarted. The message is the first one of its new one. */
  replaced(message: string): void;
  pathChanged(path: 'fast' | 'slow', endpoint: string | null): void;
}

export class LinkSession {
  readonly fast: FastPath;
  readonly #parts: LinkSessionParts;
  readonly #clock: Clock;
  readonly #pings: LinkPings;
  readonly #questions: ControlPings;
  readonly #name = randomBytes(8).toString('hex');
  #peerName: string | null = null;
  #connection: LinkConnection | null;
  /** False on a new connection until the peer has said that it has this session too. */
  #joined = true;
  #watch: LinkWatch;
  readonly #outage = new OutageWatch();
  readonly #idle: IdleAgreement;
  /** Last sign of life over the transport, and over both paths. */
  #heardMs: number;
  #lastHeardMs: number;
  #doubted = false;

  constructor(parts: LinkSessionParts, connection: LinkConnection) {
    this.#parts = parts;
    this.#connection = connection;
    const { clock, datapath, host, aesHardware, isOverlayAddress } = parts.options;
    this.#clock = clock;
    this.#pings = new LinkPings(clock);
    this.#questions = new ControlPings(clock);
    this.#idle = new IdleAgreement(parts.options.idleCloseMs, () => this.#say({ type: 'quiet' }));
    this.#heardMs = clock.monotonicMs();
    this.#lastHeardMs = this.#heardMs;
    this.#watch = startLinkWatch(this.#heardMs);
    this.fast = new FastPath({
      slot: parts.slot,
      indexes: parts.indexes,
      datapath,
      clock,
      aesHardware,
      maxFrameBytes: parts.options.mtuBytes + ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES,
      rekey: parts.options.rekey ?? REKEY_LIMITS,
      underlayAddresses: () => host.underlayAddresses(),
      reflexive: parts.reflexive,
      allowed: (address) => !isOverlayAddress(address),
      natAddress: () => this.#natAddress(),
      throughController: () => this.condition !== 'steady',
      send: (message) => this.#say(message),
      pathChanged: parts.pathChanged,
    });
  }

  get path(): 'fast' | 'slow' {
    return this.fast.active ? 'fast' : 'slow';
  }

  /** Frames can go one way or the other. */
  get usable(): boolean {
    return this.fast.active || this.#slowConnection !== null;
  }

  get silentMs(): number {
    const nowMs = this.#clock.monotonicMs();
    return Math.max(nowMs - this.#lastHeardMs, this.#outage.lostForMs(nowMs));
  }

  get condition(): LinkCondition {
    return this.#outage.condition(this.#clock.monotonicMs());
  }

  start(): void {
    this.#say({ type: 'resume', own: this.#name, peer: null });
    this.fast.start();
    this.#askPeer();
  }

  stop(reason: string): void {
    this.fast.stop();
    this.#pings.close(reason);
  }

  /** The connection is gone; the session lives on, by the fast path alone. */
  detach(): void {
    this.#connection = null;
  }

  /** A new connection; it is used once the peer has said that it means this session. */
  attach(connection: LinkConnection): void {
    this.#connection = connection;
    this.#joined = false;
    this.#say({ type: 'resume', own: this.#name, peer: this.#peerName });
  }

  sendFrame(frame: Uint8Array): { result: SendResult; path: 'fast' | 'slow' } {
    const { options, slot } = this.#parts;
    const fits = frame.length <= (this.fast.frameLimit?.bytes ?? 0);
    if (fits && options.datapath.sendFrame(slot, frame)) return { result: 'sent', path: 'fast' };
    return { result: this.#slowConnection?.transport.sendFrame(frame) ?? 'closed', path: 'slow' };
  }

  frameArrived(): void {
    this.#heardMs = this.#clock.monotonicMs();
  }

  /** Messages that are no link control of this version are ignored: the peer may be newer, or faulty. */
  control(text: string): void {
    this.#heardMs = this.#clock.monotonicMs();
    const message = decodeLinkControl(text);
    if (!message) return;
    if (!this.#joined) this.#join(text, message);
    else if (message.type === 'resume') this.#peerName = message.own;
    else if (message.type === 'ping') this.#say({ type: 'pong', id: message.id });
    else if (message.type === 'pong') this.#pong(message.id);
    else if (message.type === 'quiet') this.#idle.peerIsQuiet(this.#heardMs);
    else if (message.type === 'bye') this.#parts.bye(message.reason);
    else this.fast.receive(message);
  }

  sayBye(reason: string): void {
    this.#say({ type: 'bye', reason: reason.slice(0, 64) });
  }

  doubt(): void {
    this.#doubted = true;
  }

  probeReply(endpoint: Endpoint, id: number, rttUs: number): void {
    this.#outage.answered(this.#clock.monotonicMs());
    this.fast.probeReply(endpoint, id, rttUs);
    this.#pings.answered('fast', id, rttUs / 1000);
  }

  ping(timeoutMs: number): Promise<PingAnswer> {
    const id = this.fast.ping();
    if (id !== null) return this.#pings.wait('fast', id, timeoutMs);
    return this.#pings.wait('slow', this.#askPeer(), timeoutMs);
  }

  tick(nowMs: number, counters: PeerTraffic | undefined, usedAtMs: number): 'alive' | 'dead' | 'idle' {
    const fastVerdict = this.fast.tick(nowMs, counters);
    const fastHeardMs = nowMs - (counters?.lastReceivedAgeMs ?? Number.POSITIVE_INFINITY);
    this.#lastHeardMs = Math.max(this.#heardMs, fastHeardMs);
    if (fastVerdict === 'lost' || !this.usable) this.#outage.lost(nowMs);
    const asking = this.#doubted || this.condition === 'lost';
    const inDoubt = asking || fastVerdict === 'suspect';
    this.#doubted = false;
    if (!this.#slowConnection) {
      this.#watch = startLinkWatch(nowMs);
      return 'alive';
    }
    const { watch, verdict } = watchLink(this.#watch, { nowMs, heardMs: this.#lastHeardMs, inDoubt });
    this.#watch = watch;
    const overdue = unansweredMs(watch, nowMs) >= LOST_AFTER_MS;
    if (overdue) this.#outage.lost(nowMs);
    if (verdict === 'dead') return 'dead';
    if (verdict === 'ask') this.#askPeer();
    if (verdict === 'ask' && overdue) this.#parts.inquire();
    return this.#idle.reached(nowMs, usedAtMs) ? 'idle' : 'alive';
  }

  rttMs(): number | null {
    const rttMs = this.fast.rttMs ?? this.#questions.rttMs;
    return rttMs === null ? null : Math.round(rttMs * 1000) / 1000;
  }

  candidates(): { local: string; remote: string } | null {
    const pair = this.#connection?.transport.selectedPair();
    return pair ? { local: pair.localType, remote: pair.remoteType } : null;
  }

  get #slowConnection(): LinkConnection | null {
    return this.#joined ? this.#connection : null;
  }

  #join(text: string, message: LinkControl): void {
    const known = message.type === 'resume' && message.own === this.#peerName && message.peer === this.#name;
    if (!known) {
      this.#parts.replaced(text);
      return;
    }
    this.#joined = true;
    this.#watch = startLinkWatch(this.#heardMs);
    this.fast.start();
    this.#askPeer();
    this.#parts.pathChanged(this.path, this.fast.endpoint);
  }

  #askPeer(): number {
    const id = this.#questions.next();
    this.#say({ type: 'ping', id });
    return id;
  }

  #pong(id: number): void {
    const rttMs = this.#questions.answered(id);
    if (rttMs === null) return;
    this.#outage.answered(this.#clock.monotonicMs());
    this.#pings.answered('slow', id, rttMs);
  }

  #say(message: LinkControl): void {
    this.#connection?.transport.sendControl(encodeLinkControl(message));
  }

  /** The peer's address as ICE reaches it, where that is a NAT's: many NATs keep the port of another socket too. */
  #natAddress(): string | null {
    const pair = this.#connection?.transport.selectedPair();
    if (!pair || (pair.remoteType !== 'srflx' && pair.remoteType !== 'prflx')) return null;
    return pair.remote.slice(0, pair.remote.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  }
}
