/**
 * What a link carried, over both paths, and whether anybody still uses it. Only unicast that we send ourselves counts
 * as use: multicast goes to every link for ever, and what the peer sends counts on its own side.
 */
import type { PeerTraffic, TrafficCount } from '../ports/datapath.ts';

export class LinkTraffic {
  readonly #slowSent: TrafficCount = { frames: 0, bytes: 0 };
  readonly #slowReceived: TrafficCount = { frames: 0, bytes: 0 };
  #fast: PeerTraffic | null = null;
  /** Multicast frames that went into the fast path through us, and not yet set off against its counter. */
  #fastMulticast = 0;
  #usedAtMs: number;

  constructor(nowMs: number) {
    this.#usedAtMs = nowMs;
  }

  /** When we last had unicast for the peer. */
  get usedAtMs(): number {
    return this.#usedAtMs;
  }

  used(nowMs: number): void {
    this.#usedAtMs = nowMs;
  }

  sent(frame: Uint8Array, path: 'fast' | 'slow', nowMs: number): void {
    if (path === 'slow') count(this.#slowSent, frame);
    if (!isMulticast(frame)) this.#usedAtMs = nowMs;
    else if (path === 'fast') this.#fastMulticast += 1;
  }

  receivedSlow(frame: Uint8Array): void {
    count(this.#slowReceived, frame);
  }

  /** The datapath's counters, which only rise while the peer is set. */
  observe(fast: PeerTraffic | undefined, nowMs: number): void {
    if (!fast) return;
    const before = this.#fast?.sent.frames ?? 0;
    const fresh = Math.max(0, fast.sent.frames - before);
    const multicast = Math.min(fresh, this.#fastMulticast);
    this.#fastMulticast = 0;
    if (fresh > multicast) this.#usedAtMs = nowMs;
    this.#fast = fast;
  }

  totals(): { sent: TrafficCount; received: TrafficCount } {
    return {
      sent: sum(this.#slowSent, this.#fast?.sent),
      received: sum(this.#slowReceived, this.#fast?.received),
    };
  }
}

/** The group bit of the destination MAC (IEEE 802 section 8.2.2). */
function isMulticast(frame: Uint8Array): boolean {
  return ((frame[0] ?? 0) & 1) === 1;
}

function count(into: TrafficCount, frame: Uint8Array): void {
  into.frames += 1;
  into.bytes += frame.length;
}

function sum(slow: TrafficCount, fast: TrafficCount | undefined): TrafficCount {
  return { frames: slow.frames + (fast?.frames ?? 0), bytes: slow.bytes + (fast?.bytes ?? 0) };
}
