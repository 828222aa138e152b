import type { DropReason } from '../wire/drop-reason.ts';

/**
 * The datapath that the controller programs: a TAP device, one UDP port, and a table of peers. Frames of established
 * flows pass in it without touching TypeScript; what it has no entry for comes up as an event.
 * The real one is C (agent/native/); adapters/native-datapath.ts binds it.
 */
export interface Datapath {
  /** The kernel's name of the TAP device. */
  readonly tapName: string;
  /** The UDP port bound on every underlay address. */
  readonly udpPort: number;
  /** False where the kernel has IPv6 switched off: the device then has its IPv4 address only. */
  readonly ip6Configured: boolean;
  /** Adds or replaces a peer: frames to `mac` go to it, and frames from it must bear these addresses. */
  setPeer(peer: DatapathPeer): void;
  /** Forgets the peer, its sessions and its path; wipes the keys. */
  removePeer(slot: number): void;
  /**
   * New keys: receives on them at once, and on the session before until the next call. Sends with them at once where
   * there are no others, else from useSession on: the peer must have them first.
   */
  addSession(slot: number, session: FastSession): void;
  /** Sends with the newest session from now on; wipes the keys that it sent with before. Idempotent. */
  useSession(slot: number): void;
  /** Receives on the newest session only; wipes the keys of the one before. Idempotent. */
  forgetPreviousSession(slot: number): void;
  /**
   * Where frames to this peer go. Null: there is no fast path, they come up as `slow-path` events. Frames larger than
   * `maxFrameBytes` (none: no limit) come up as `oversize`.
   */
  setPath(slot: number, endpoint: Endpoint | null, maxFrameBytes?: number): void;
  /**
   * Seals one frame to the peer over its fast path; false (and a counted drop) when it has none. The limit of setPath is
   * not applied. Borrowed.
   */
  sendFrame(slot: number, frame: Uint8Array): boolean;
  /**
   * Writes a frame into the TAP. With a slot the frame came from that peer over the slow path and passes the same
   * source check as a fast one; null: the controller made it itself (an ARP reply). Borrowed until return.
   */
  deliver(slot: number | null, frame: Uint8Array): boolean;
  /**
   * The same for a frame of this peer's that is one of many: it is in the TAP at the end of this turn of the event loop,
   * joined with those before it where they are of one flow, as fast ones are. Borrowed until return.
   */
  deliverSoon(slot: number, frame: Uint8Array): void;
  /**
   * Sends a sealed probe to `endpoint`; the peer's datapath echoes it, which comes back as `probe-reply`. `id` is
   * uint32; where a reply proves that the peer is at an endpoint, choose it at random. With `frameBytes` the probe is
   * as long as a packet with such a frame and must not be fragmented; the echo is short.
   */
  sendProbe(slot: number, endpoint: Endpoint, id: number, frameBytes?: number): void;
  /** Sends a STUN message from the datapath's own port, as it is. Answers come as `stun` events. */
  sendStun(endpoint: Endpoint, message: Uint8Array): void;
  /**
   * Gives the TAP device its MAC, MTU and addresses again and brings it up, whatever another program did to it. Throws
   * EnvironmentFault where that fails.
   */
  restoreInterface(): void;
  stats(): DatapathStats;
  /** Stops the thread, wipes keys, removes the TAP. Idempotent. */
  close(): Promise<void>;
}

export interface DatapathOptions {
  /** Name of the TAP device, at most 15 bytes; `%d` lets the kernel number it. */
  tapName: string;
  mac: string;
  mtuBytes: number;
  ip4: { address: string; prefixLength: number };
  ip6: { address: string; prefixLength: number };
  /** 0: the kernel chooses. */
  udpPort: number;
  /**
   * What of segmentation and joining may be left to the kernel, on the TAP and on the UDP socket: all that it grants,
   * unless switched off here. Frames are the same either way; only their cost is not.
   */
  offloads?: { tap?: boolean; udp?: boolean };
}

/** Throws EnvironmentFault: `no-tun-device`, `no-privilege`, `tap-name-in-use`, `address-in-use`, `port-in-use`. */
export type OpenDatapath = (options: DatapathOptions, receive: (events: DatapathEvent[]) => void) => Datapath;

export interface DatapathPeer {
  /** Small number that the controller chose, 0–1023. */
  slot: number;
  mac: string;
  ip4: string;
  ip6: string;
}

export type AeadCipher = 'aes-256-gcm' | 'chacha20-poly1305';

/** One generation of fast-path keys; the wire form is in agent/native/packet.h. */
export interface FastSession {
  cipher: AeadCipher;
  /** Index that the peer puts into packets for us, chosen by us; unique among our sessions. */
  receiveIndex: number;
  /** 32 bytes, chosen by us: the peer seals with it. */
  receiveKey: Uint8Array;
  sendIndex: number;
  sendKey: Uint8Array;
}

export interface Endpoint {
  /** IPv4 or IPv6 address of the underlay. */
  address: string;
  port: number;
}

/** Frames in events are the receiver's to keep, though some share a buffer: what is kept for long is better copied. */
export type DatapathEvent =
  | { kind: 'frame'; why: 'unknown-destination' | 'neighbour' | 'flood'; frame: Uint8Array }
  /** A frame for a peer that has no fast path now. */
  | { kind: 'slow-path'; slot: number; frame: Uint8Array }
  /** A frame that is larger than the peer's path carries (setPath). */
  | { kind: 'oversize'; slot: number; frame: Uint8Array }
  /** A STUN message came to the datapath's port, from anybody; at most 20 a second. */
  | { kind: 'stun'; endpoint: Endpoint; message: Uint8Array }
  | { kind: 'probe-reply'; slot: number; endpoint: Endpoint; id: number; rttUs: number }
  /** An authentic packet came from an endpoint other than the current path's (at most one a second per peer). */
  | { kind: 'heard'; slot: number; endpoint: Endpoint }
  /** The datapath's thread ended by itself: the TAP was deleted, or its socket failed. */
  | { kind: 'stopped'; problem: string };

export interface DatapathStats {
  fromTap: TrafficCount;
  toTap: TrafficCount;
  /** Turns of the datapath's thread: more every few seconds, even when nothing comes. */
  turns: number;
  drops: Partial<Record<DropReason, number>>;
  peers: ReadonlyMap<number, PeerTraffic>;
}

export interface TrafficCount {
  frames: number;
  bytes: number;
}

/** Fast-path traffic of one peer. Ages are null before the first packet. */
export interface PeerTraffic {
  sent: TrafficCount;
  received: TrafficCount;
  /** Packets of every kind that were sealed with the keys in use: the counter that must never run out. */
  sealedPackets: number;
  lastSentAgeMs: number | null;
  /** Age of the last authentic packet of any kind: the only sign of life. */
  lastReceivedAgeMs: number | null;
}
