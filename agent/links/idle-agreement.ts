/** Whether neither side uses the link any more: each says `quiet` over and over, and who hears it while quiet itself closes. */

/** `quiet` is said this many times per idle time, at least a second apart. */
const QUIET_SHARE = 4;
const SHORTEST_QUIET_MS = 1_000;

export class IdleAgreement {
  readonly #idleCloseMs: number;
  readonly #sayQuiet: () => void;
  #saidQuietMs = Number.NEGATIVE_INFINITY;
  #peerQuietMs = Number.NEGATIVE_INFINITY;

  /** `idleCloseMs` 0: a link never closes for being idle. */
  constructor(idleCloseMs: number, sayQuiet: () => void) {
    this.#idleCloseMs = idleCloseMs;
    this.#sayQuiet = sayQuiet;
  }

  peerIsQuiet(nowMs: number): void {
    this.#peerQuietMs = nowMs;
  }

  /** To be called every 250 ms; true when both sides are quiet. */
  reached(nowMs: number, usedAtMs: number): boolean {
    if (this.#idleCloseMs <= 0 || nowMs - usedAtMs < this.#idleCloseMs) return false;
    const everyMs = Math.max(SHORTEST_QUIET_MS, this.#idleCloseMs / QUIET_SHARE);
    if (nowMs - this.#peerQuietMs <= 2 * everyMs) return true;
    if (nowMs - this.#saidQuietMs >= everyMs) {
      this.#saidQuietMs = nowMs;
      this.#sayQuiet();
    }
    return false;
  }
}
