/**
 * A datapath without a kernel: packets are objects that pass through a FakeUnderlay, keys are compared and not used.
 * Decisions, drop reasons and events are those of the real one; test/contract/datapath.contract.ts holds both to it.
 */
import { Refusal } from '../../agent/errors.ts';
import type {
  Datapath,
  DatapathEvent,
  DatapathOptions,
  DatapathPeer,
  DatapathStats,
  Endpoint,
  FastSession,
  TrafficCount,
} from '../../agent/ports/datapath.ts';
import type { DropReason } from '../../agent/wire/drop-reason.ts';
import { destinationMac } from '../../agent/wire/ethernet-frame.ts';
import { count, eventOf, newPeer, openingFault, type Peer, trafficOf } from './fake-peer.ts';
import { type FakePacket, FakeUnderlay } from './fake-underlay.ts';
import { isGroup, sourceFault } from './frame-rules.ts';

const HEADER_BYTES = 14;
const VLAN_TAG_BYTES = 4;

export interface FakeDatapathExtras {
  underlay?: FakeUnderlay;
  /** This node's address in the underlay. */
  underlayAddress?: string;
  /** Monotonic; ages and the `heard` limit follow it. */
  nowMs?: () => number;
}

export class FakeDatapath implements Datapath {
  readonly tapName: string;
  readonly udpPort: number;
  ip6Configured = true;
  closed = false;
  /** Frames written into the TAP, in order. */
  readonly toKernel: Uint8Array[] = [];
  readonly #options: DatapathOptions;
  readonly #receive: (events: DatapathEvent[]) => void;
  readonly #underlay: FakeUnderlay;
  readonly #address: string;
  readonly #nowMs: () => number;
  readonly #peers = new Map<number, Peer>();
  readonly #drops: Partial<Record<DropReason, number>> = {};
  readonly #fromTap: TrafficCount = { frames: 0, bytes: 0 };
  readonly #toTap: TrafficCount = { frames: 0, bytes: 0 };

  constructor(
    options: DatapathOptions,
    receive: (events: DatapathEvent[]) => void,
    extras: FakeDatapathExtras = {},
  ) {
    this.#options = options;
    this.#receive = receive;
    this.#underlay = extras.underlay ?? new FakeUnderlay();
    this.#address = extras.underlayAddress ?? '192.0.2.1';
    this.#nowMs = extras.nowMs ?? (() => 0);
    this.tapName = options.tapName.replace('%d', '0');
    this.udpPort = this.#underlay.bind(this.#address, options.udpPort, (packet, from) =>
      this.#arrive(packet, from),
    );
  }

  /** The kernel sends a frame out of the TAP. */
  fromKernel(frame: Uint8Array): void {
    if (this.closed) return;
    count(this.#fromTap, frame);
    const fault = this.#sizeFault(frame);
    const peer = [...this.#peers.values()].find(({ mac }) => mac === destinationMac(frame));
    const event = fault ? null : eventOf(peer, frame.slice());
    if (fault) this.#drop(fault);
    else if (event) this.#emit(event);
    else if (peer) this.sendFrame(peer.slot, frame);
  }

  setPeer(peer: DatapathPeer): void {
    if (this.closed) return;
    const holder = [...this.#peers.values()].find(({ mac }) => mac === peer.mac);
    if (holder && holder.slot !== peer.slot) throw new Refusal('mac-in-use', `Another peer has ${peer.mac}.`);
    this.#peers.set(peer.slot, { ...(holder ?? newPeer(peer)), ...peer });
  }

  removePeer(slot: number): void {
    this.#peers.delete(slot);
  }

  addSession(slot: number, given: FastSession): void {
    if (this.closed) return;
    // Copied, as the real one does: the caller wipes its keys.
    const session = { ...given, receiveKey: given.receiveKey.slice(), sendKey: given.sendKey.slice() };
    const peer = this.#existing(slot);
    if (this.#sessionOf(session.receiveIndex)) {
      throw new Refusal('index-in-use', `Another session has receive index ${session.receiveIndex}.`);
    }
    if (peer.sending) peer.nextSending = { session, counter: 0 };
    else peer.sending = { session, counter: 0 };
    peer.receiving = [{ session, seen: new Set<number>() }, ...peer.receiving].slice(0, 2);
  }

  useSession(slot: number): void {
    const peer = this.#peers.get(slot);
    if (!peer?.nextSending) return;
    peer.sending = peer.nextSending;
    peer.nextSending = null;
  }

  forgetPreviousSession(slot: number): void {
    this.#peers.get(slot)?.receiving.splice(1);
  }

  setPath(slot: number, endpoint: Endpoint | null, maxFrameBytes = Number.POSITIVE_INFINITY): void {
    const peer = this.#peers.get(slot);
    if (peer) Object.assign(peer, { path: endpoint, maxFrameBytes });
    else if (endpoint && !this.closed) this.#existing(slot);
  }

  /** What setPath set: for tests that look at where frames go. */
  pathOf(slot: number): Endpoint | null {
    return this.#peers.get(slot)?.path ?? null;
  }

  sendFrame(slot: number, frame: Uint8Array): boolean {
    const peer = this.#peers.get(slot);
    const unsent = peer?.path && peer.sending ? null : 'no-path';
    const fault = this.#sizeFault(frame) ?? unsent;
    if (fault || !peer?.path) {
      this.#drop(fault ?? 'no-path');
      return false;
    }
    this.#seal(peer, peer.path, { type: 'frame', frame: frame.slice() });
    count(peer.sent, frame);
    peer.sentAtMs = this.#nowMs();
    return true;
  }

  deliver(slot: number | null, frame: Uint8Array): boolean {
    const fault = this.closed ? 'tap-write-failed' : this.#deliveryFault(slot, frame);
    if (fault) {
      this.#drop(fault);
      return false;
    }
    count(this.#toTap, frame);
    this.toKernel.push(frame.slice());
    return true;
  }

  deliverSoon(slot: number, frame: Uint8Array): void {
    this.deliver(slot, frame);
  }

  sendProbe(slot: number, endpoint: Endpoint, id: number, frameBytes = 0): void {
    const peer = this.#peers.get(slot);
    if (!peer?.sending) {
      this.#drop('no-path');
      return;
    }
    this.#seal(peer, endpoint, { type: 'probe', id, sentAtMs: this.#nowMs(), bytes: frameBytes });
    peer.sentAtMs = this.#nowMs();
  }

  sendStun(endpoint: Endpoint, message: Uint8Array): void {
    const own = { address: this.#address, port: this.udpPort };
    const answer = this.closed ? null : this.#underlay.onStun(message, own, endpoint);
    if (answer) this.#emit({ kind: 'stun', endpoint, message: answer });
  }

  restoreInterface(): void {
    // No other program can change a device that there is not.
  }

  stats(): DatapathStats {
    const nowMs = this.#nowMs();
    const peers = [...this.#peers.values()].map((peer) => [peer.slot, trafficOf(peer, nowMs)] as const);
    return {
      fromTap: { ...this.#fromTap },
      toTap: { ...this.#toTap },
      turns: Math.floor(nowMs / 4_000),
      drops: { ...this.#drops },
      peers: new Map(peers),
    };
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.#peers.clear();
    this.#underlay.unbind(this.#address, this.udpPort);
  }

  #seal(peer: Peer, to: Endpoint, payload: FakePacket['payload']): void {
    const { sending } = peer;
    if (!sending) return;
    const { sendIndex, sendKey, cipher } = sending.session;
    const packet = { index: sendIndex, key: sendKey, cipher, counter: sending.counter++, payload };
    this.#underlay.send({ address: this.#address, port: this.udpPort }, to, packet);
  }

  #arrive(packet: FakePacket, from: Endpoint): void {
    const found = this.#sessionOf(packet.index);
    const fault = found ? openingFault(found.receiving, packet) : 'packet-unknown-index';
    if (fault) this.#drop(fault);
    if (fault || !found) return;
    found.receiving.seen.add(packet.counter);
    this.#noteSignOfLife(found.peer, from);
    this.#take(found.peer, packet.payload, from);
  }

  #take(peer: Peer, payload: FakePacket['payload'], from: Endpoint): void {
    if (payload.type === 'frame') {
      count(peer.received, payload.frame);
      this.deliver(peer.slot, payload.frame);
    } else if (payload.type === 'probe') {
      this.#seal(peer, from, { ...payload, type: 'echo', bytes: 0 });
    } else {
      const rttUs = (this.#nowMs() - payload.sentAtMs) * 1000;
      this.#emit({ kind: 'probe-reply', slot: peer.slot, endpoint: from, id: payload.id, rttUs });
    }
  }

  #noteSignOfLife(peer: Peer, from: Endpoint): void {
    peer.receivedAtMs = this.#nowMs();
    if (peer.path?.address === from.address && peer.path.port === from.port) return;
    if (peer.heardAtMs !== null && this.#nowMs() - peer.heardAtMs < 1000) return;
    peer.heardAtMs = this.#nowMs();
    this.#emit({ kind: 'heard', slot: peer.slot, endpoint: from });
  }

  #deliveryFault(slot: number | null, frame: Uint8Array): DropReason | null {
    const fault = this.#sizeFault(frame);
    if (fault || slot === null) return fault;
    const peer = this.#peers.get(slot);
    if (!peer) return 'source-mac-mismatch';
    const meant = isGroup(frame) || destinationMac(frame) === this.#options.mac;
    return sourceFault(peer, frame) ?? (meant ? null : 'not-for-this-node');
  }

  #sizeFault(frame: Uint8Array): DropReason | null {
    if (frame.length < HEADER_BYTES) return 'frame-too-short';
    return frame.length > HEADER_BYTES + VLAN_TAG_BYTES + this.#options.mtuBytes ? 'frame-too-long' : null;
  }

  #existing(slot: number): Peer {
    const peer = this.#peers.get(slot);
    if (!peer) throw new Refusal('no-such-peer', `There is no peer in slot ${slot}.`);
    return peer;
  }

  #sessionOf(index: number) {
    for (const peer of this.#peers.values()) {
      const receiving = peer.receiving.find(({ session }) => session.receiveIndex === index);
      if (receiving) return { peer, receiving };
    }
    return null;
  }

  #drop(reason: DropReason): void {
    this.#drops[reason] = (this.#drops[reason] ?? 0) + 1;
  }

  /** Later, as the real one's events are: never while the controller is in a call of its own. */
  #emit(event: DatapathEvent): void {
    queueMicrotask(() => {
      if (!this.closed) this.#receive([event]);
    });
  }
}
