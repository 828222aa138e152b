/**
 * Whether a link's peer is there, is lost, or came back a moment ago. Around an outage TCP needs help, and for that the
 * controller must see its segments: while the peer is lost no frame has a fast path, and for a while after its return
 * the datapath hands every frame up (fast-path.ts), so that agent/overlay/tcp-outage.ts may look at them.
 */
import type { LinkCondition } from '../ports/link-table.ts';

/** TCP tries again every 200 to 400 ms while it is told of the outage: two tries and their answers. */
export const SETTLE_MS = 1_500;

export class OutageWatch {
  #lostAtMs: number | null = null;
  #backAtMs = Number.NEGATIVE_INFINITY;

  lost(nowMs: number): void {
    this.#lostAtMs ??= nowMs;
  }

  /** An answer to something that we said: what the peer says by itself proves only its own direction. */
  answered(atMs: number): void {
    if (this.#lostAtMs === null || atMs <= this.#lostAtMs) return;
    this.#lostAtMs = null;
    this.#backAtMs = atMs;
  }

  lostForMs(nowMs: number): number {
    return this.#lostAtMs === null ? 0 : nowMs - this.#lostAtMs;
  }

  condition(nowMs: number): LinkCondition {
    if (this.#lostAtMs !== null) return 'lost';
    return nowMs - this.#backAtMs < SETTLE_MS ? 'back' : 'steady';
  }
}
