/**
 * Frames that the fast path of their peer does not carry whole. Whoever may be told is told by ICMP, and then sends
 * smaller packets; what must not be answered, or may be fragmented, takes the slow path, which carries any size.
 */
import type { Clock } from '../ports/clock.ts';
import type { Datapath } from '../ports/datapath.ts';
import type { LinkTable } from '../ports/link-table.ts';
import { tooBigAnswer } from '../wire/icmp.ts';
import type { DropCounters } from './drop-counters.ts';

/** One answer is enough for a connection; a burst of frames for many of them is answered over a second or two. */
export const ANSWERS_PER_SECOND = 50;
export const ANSWER_BURST = 50;

export interface OversizeDependencies {
  links: Pick<LinkTable, 'frameLimit' | 'sendFrame'>;
  datapath: Pick<Datapath, 'deliver'>;
  drops: DropCounters;
  clock: Clock;
}

export class OversizeFrames {
  readonly #parts: OversizeDependencies;
  #tokens = ANSWER_BURST;
  #filledAtMs: number;

  constructor(parts: OversizeDependencies) {
    this.#parts = parts;
    this.#filledAtMs = parts.clock.monotonicMs();
  }

  /** `sendSlow`: what to do with a frame that nobody is told about. */
  receive(slot: number, frame: Uint8Array, sendSlow: (frame: Uint8Array) => void): void {
    const limit = this.#parts.links.frameLimit(slot);
    const answer = limit?.settled ? tooBigAnswer(frame, limit.bytes) : null;
    if (answer === null) {
      sendSlow(frame);
      return;
    }
    this.#parts.drops.count('path-mtu-exceeded');
    if (this.#mayAnswer()) this.#parts.datapath.deliver(null, answer);
  }

  #mayAnswer(): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    const earned = ((nowMs - this.#filledAtMs) * ANSWERS_PER_SECOND) / 1000;
    this.#tokens = Math.min(ANSWER_BURST, this.#tokens + earned);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
