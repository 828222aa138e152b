/**
 * Which underlay endpoint of the peer carries the frames: the best one that echoed lately. Pure. What keeps a flow from
 * being moved to and fro:
 *
 *   better     means by a fifth and by more than a millisecond; the round trip is the least of the last ones
 *   a loss     that is measured moves the flow at once, but only to a path without: one that was left for its losses
 *              has first to answer so many probes that these are forgotten (path-candidate.ts)
 *   the hold   any other move waits until the last one is long enough ago, each time twice as long
 *   a doubt    ("the peer was heard from elsewhere") moves it only when probes that were sent since are lost
 */
import { answeredUntilMs, lossCostMs, lostSince, type PathCandidate, roundTripMs } from './path-candidate.ts';

/** Another path must be better by this share and this much to take over. */
const BETTER_SHARE = 0.8;
const BETTER_MS = 1;
/** Lost probes that confirm a doubt. */
const DOUBT_PROBES = 2;
/** After a move; the longest one is also how often a flow is moved that will not settle. */
const FIRST_HOLD_MS = 2_000;
const LONGEST_HOLD_MS = 300_000;
/** So long after a hold a move is a first one again. */
const CALM_MS = 60_000;
/** The longest wait between rounds over endpoints that have answered before. */
const HOPEFUL_ROUND_MS = 1_000;
/** Endpoints of a peer: those that it lists, and those that it was heard from. */
export const MAX_PATHS = 32;

export interface PathHold {
  lengthMs: number;
  untilMs: number;
}

export const NO_HOLD: PathHold = { lengthMs: 0, untilMs: Number.NEGATIVE_INFINITY };

/** The hold after a move from one path to another. */
export function holdAfter(hold: PathHold, nowMs: number): PathHold {
  const first = nowMs >= hold.untilMs + CALM_MS;
  const lengthMs = first ? FIRST_HOLD_MS : Math.min(LONGEST_HOLD_MS, 2 * hold.lengthMs);
  return { lengthMs, untilMs: nowMs + lengthMs };
}

export interface PathChoice {
  paths: ReadonlyMap<string, PathCandidate>;
  /** The path in use now. */
  current: string | null;
  /** Something says that the current path may be gone; an echo from it after this moment clears it. */
  doubtedSinceMs: number | null;
  hold: PathHold;
  nowMs: number;
}

interface Cost {
  key: string;
  path: PathCandidate;
  lossMs: number;
  totalMs: number;
}

/** The key of the path to use; null: none is proven. */
export function choosePath(choice: PathChoice): string | null {
  const { paths, current, doubtedSinceMs, nowMs } = choice;
  const answeredMs = answeredUntilMs(paths.values());
  const costs = [...paths].flatMap(([key, path]) => costOf(key, path, nowMs, answeredMs));
  const others = costs.filter(({ key }) => key !== current);
  const now = costs.find(({ key }) => key === current);
  if (!now) return cheapest(others)?.key ?? current;
  if (doubtedSinceMs !== null && lostSince(now.path, doubtedSinceMs, answeredMs) >= DOUBT_PROBES) {
    const proven = others.filter(({ path }) => (path.echoedAtMs ?? 0) >= doubtedSinceMs);
    return cheapest(proven)?.key ?? current;
  }
  const best = cheapest(others);
  return best && isBetter(best, now) && mayMove(best, now, choice) ? best.key : current;
}

function costOf(key: string, path: PathCandidate, nowMs: number, answeredMs: number): Cost[] {
  const rttMs = roundTripMs(path, nowMs);
  if (rttMs === null) return [];
  const lossMs = lossCostMs(path, answeredMs);
  return [{ key, path, lossMs, totalMs: rttMs + lossMs }];
}

function cheapest(costs: readonly Cost[]): Cost | null {
  return costs.reduce<Cost | null>(
    (best, cost) => (best && best.totalMs <= cost.totalMs ? best : cost),
    null,
  );
}

function isBetter(best: Cost, now: Cost): boolean {
  return best.totalMs < now.totalMs * BETTER_SHARE && now.totalMs - best.totalMs > BETTER_MS;
}

function mayMove(best: Cost, now: Cost, { hold, nowMs }: PathChoice): boolean {
  return nowMs >= hold.untilMs || (now.lossMs > 0 && best.lossMs === 0);
}

/**
 * Waits between rounds that probe every path: quick at first, then ever more rarely while nothing answers; `hopeful`:
 * something did once, and traffic is to resume soon after it does again.
 */
export function searchDelayMs(round: number, hopeful: boolean): number {
  const first = [20, 40, 80, 160];
  if (round < first.length) return first[round] ?? 250;
  if (round < 16) return 250;
  return Math.min(hopeful ? HOPEFUL_ROUND_MS : 30_000, 500 * 2 ** Math.min(round - 16, 6));
}
