/** A FakeDatapath's peers, and what it decides about them without touching anything. */
import type {
  DatapathEvent,
  DatapathPeer,
  Endpoint,
  FastSession,
  PeerTraffic,
  TrafficCount,
} from '../../agent/ports/datapath.ts';
import type { DropReason } from '../../agent/wire/drop-reason.ts';
import type { FakePacket } from './fake-underlay.ts';
import { asksForNeighbour, isGroup } from './frame-rules.ts';

/** One generation of keys to send with, and the counter of the next packet. */
export interface Sending {
  session: FastSession;
  counter: number;
}

/** One generation of keys, and the counters that came under it. */
export interface Receiving {
  session: FastSession;
  seen: Set<number>;
}

/** What a FakeDatapath knows of one peer. */
export interface Peer extends DatapathPeer {
  path: Endpoint | null;
  maxFrameBytes: number;
  sending: Sending | null;
  /** Of the newest session, until it is used. */
  nextSending: Sending | null;
  /** The newest session and the one before. */
  receiving: Receiving[];
  sent: TrafficCount;
  received: TrafficCount;
  sentAtMs: number | null;
  receivedAtMs: number | null;
  heardAtMs: number | null;
}

/** What the controller is told of a frame from the TAP; null when the datapath carries it itself. */
export function eventOf(peer: Peer | undefined, frame: Uint8Array): DatapathEvent | null {
  if (asksForNeighbour(frame)) return { kind: 'frame', why: 'neighbour', frame };
  if (isGroup(frame)) return { kind: 'frame', why: 'flood', frame };
  if (!peer) return { kind: 'frame', why: 'unknown-destination', frame };
  if (!peer.path || !peer.sending) return { kind: 'slow-path', slot: peer.slot, frame };
  return frame.length > peer.maxFrameBytes ? { kind: 'oversize', slot: peer.slot, frame } : null;
}

export function openingFault({ session, seen }: Receiving, packet: FakePacket): DropReason | null {
  if (seen.has(packet.counter)) return 'packet-replayed';
  const authentic = session.cipher === packet.cipher && Buffer.from(session.receiveKey).equals(packet.key);
  return authentic ? null : 'packet-not-authentic';
}

export function newPeer(peer: DatapathPeer): Peer {
  return {
    ...peer,
    path: null,
    maxFrameBytes: Number.POSITIVE_INFINITY,
    sending: null,
    nextSending: null,
    receiving: [],
    sent: { frames: 0, bytes: 0 },
    received: { frames: 0, bytes: 0 },
    sentAtMs: null,
    receivedAtMs: null,
    heardAtMs: null,
  };
}

/** What stats() says of a peer. */
export function trafficOf(peer: Peer, nowMs: number): PeerTraffic {
  const ageMs = (thenMs: number | null) => (thenMs === null ? null : nowMs - thenMs);
  return {
    sent: { ...peer.sent },
    received: { ...peer.received },
    sealedPackets: peer.sending?.counter ?? 0,
    lastSentAgeMs: ageMs(peer.sentAtMs),
    lastReceivedAgeMs: ageMs(peer.receivedAtMs),
  };
}

export function count(traffic: TrafficCount, frame: Uint8Array): void {
  traffic.frames++;
  traffic.bytes += frame.length;
}
