/**
 * The peer's endpoints and what probes tell about them: learns endpoints, probes them all in rounds until one answers,
 * keeps probing the proven ones while the link is used, and keeps the figures that path-selection.ts chooses by.
 */
import type { Clock, Timer } from '../ports/clock.ts';
import type { Endpoint } from '../ports/datapath.ts';
import { echoed, newPath, type PathCandidate, pathKey, probed } from './path-candidate.ts';
import { choosePath, holdAfter, MAX_PATHS, NO_HOLD, searchDelayMs } from './path-selection.ts';
import { ProbeIds } from './probe-ids.ts';

/** Rounds over every endpoint after a path is found, so that the best one is found and not only the first. */
const FULL_ROUNDS = 6;

export interface PathSearchParts {
  clock: Clock;
  /** False for addresses that must not be probed: the overlay's own. */
  allowed(address: string): boolean;
  sendProbe(endpoint: Endpoint, id: number, frameBytes: number): void;
}

export class PathSearch {
  readonly #parts: PathSearchParts;
  readonly #paths = new Map<string, PathCandidate>();
  readonly #probeIds = new ProbeIds();
  #current: string | null = null;
  #hold = NO_HOLD;
  #round = 0;
  #timer: Timer | null = null;

  constructor(parts: PathSearchParts) {
    this.#parts = parts;
  }

  at(key: string | null): PathCandidate | undefined {
    return key === null ? undefined : this.#paths.get(key);
  }

  /** The path in use, which is never forgotten; the search ends some rounds after there is one. */
  use(key: string | null): void {
    const moves = key !== null && this.#current !== null;
    if (moves) this.#hold = holdAfter(this.#hold, this.#parts.clock.monotonicMs());
    this.#current = key;
  }

  learn(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) {
      const key = pathKey(endpoint);
      if (this.#paths.has(key) || !this.#parts.allowed(endpoint.address)) continue;
      if (this.#paths.size >= MAX_PATHS) this.#forgetOne();
      this.#paths.set(key, newPath(endpoint));
    }
  }

  /** Probes every endpoint, at first in quick rounds. */
  restart(): void {
    this.#timer?.cancel();
    this.#round = 0;
    this.#searchRound();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Probes what has answered before: keeps round trips and losses of the alternatives true. */
  compare(): void {
    for (const [key, path] of this.#paths) if (path.rttMs !== null) this.probe(key);
  }

  /** Every path must prove itself again. */
  forgetEchoes(): void {
    for (const [key, path] of this.#paths) this.#paths.set(key, { ...path, echoedAtMs: null });
  }

  /** The probe's id; null for a path that is not known. Padded probes say nothing about loss. */
  probe(key: string, frameBytes = 0): number | null {
    const path = this.#paths.get(key);
    if (!path) return null;
    const id = this.#probeIds.next(key);
    if (frameBytes === 0) this.#paths.set(key, probed(path, id, this.#parts.clock.monotonicMs()));
    this.#parts.sendProbe(path.endpoint, id, frameBytes);
    return id;
  }

  /** The path that an echo proves; null for an echo that answers no probe of ours to there. */
  echo(endpoint: Endpoint, id: number, rttMs: number): string | null {
    const key = pathKey(endpoint);
    const path = this.#paths.get(key);
    if (!path || !this.#probeIds.take(id, key)) return null;
    this.#paths.set(key, echoed(path, id, rttMs, this.#parts.clock.monotonicMs()));
    return key;
  }

  choose(doubtedSinceMs: number | null): string | null {
    const nowMs = this.#parts.clock.monotonicMs();
    return choosePath({
      paths: this.#paths,
      current: this.#current,
      doubtedSinceMs,
      hold: this.#hold,
      nowMs,
    });
  }

  /** The oldest that never answered and is not in use. */
  #forgetOne(): void {
    const keys = [...this.#paths.keys()].filter((key) => key !== this.#current);
    const victim = keys.find((key) => this.#paths.get(key)?.rttMs === null) ?? keys[0];
    if (victim !== undefined) this.#paths.delete(victim);
  }

  #searchRound(): void {
    this.#timer = null;
    for (const key of [...this.#paths.keys()]) this.probe(key);
    if (this.#current !== null && this.#round >= FULL_ROUNDS) return;
    const hopeful = [...this.#paths.values()].some((path) => path.rttMs !== null);
    const delayMs = searchDelayMs(this.#round++, hopeful);
    this.#timer = this.#parts.clock.after(delayMs, () => this.#searchRound());
  }
}
