/**
 * Which underlay endpoint of the peer carries the frames. Pure: candidates collect probes and echoes, and the best one
 * that echoed lately is chosen, with hysteresis so that noise does not move a flow.
 */
import type { Endpoint } from '../ports/datapath.ts';

/** An echo proves a path for this long; a live path is probed at least every 5 s. */
export const VALID_MS = 12_000;
/** Another path must be better by this share and this much to take over. */
const BETTER_SHARE = 0.8;
const BETTER_MS = 1;
/** The longest wait between rounds over endpoints that have answered before. */
export const HOPEFUL_ROUND_MS = 1_500;
/** Probes that the loss is estimated over; one of them may be on its way, or lost by chance. */
const LOSS_WINDOW = 16;
const FORGIVEN_PROBES = 1;
/** What the loss of a frame costs its flow: TCP_RTO_MIN, where nothing follows that would show it sooner. */
const LOST_FRAME_MS = 200;
/** Endpoints of a peer: those that it lists, and those that it was heard from. */
export const MAX_PATHS = 32;

export interface PathCandidate {
  endpoint: Endpoint;
  /** Smoothed round trip; null before the first echo. */
  rttMs: number | null;
  echoedAtMs: number | null;
  probes: number;
  echoes: number;
}

export function pathKey(endpoint: Endpoint): string {
  return endpoint.address.includes(':')
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;
}

export function newPath(endpoint: Endpoint): PathCandidate {
  return { endpoint, rttMs: null, echoedAtMs: null, probes: 0, echoes: 0 };
}

export function probed(path: PathCandidate): PathCandidate {
  const full = path.probes >= LOSS_WINDOW;
  return full
    ? { ...path, probes: path.probes / 2 + 1, echoes: path.echoes / 2 }
    : { ...path, probes: path.probes + 1 };
}

export function echoed(path: PathCandidate, rttMs: number, nowMs: number): PathCandidate {
  // RFC 6298's gain of 1/8 for the smoothed round trip.
  const smoothed = path.rttMs === null ? rttMs : path.rttMs + (rttMs - path.rttMs) / 8;
  return { ...path, rttMs: smoothed, echoedAtMs: nowMs, echoes: Math.min(path.probes, path.echoes + 1) };
}

export interface PathChoice {
  paths: ReadonlyMap<string, PathCandidate>;
  /** The path in use now. */
  current: string | null;
  /** Something says that the current path may be gone; an echo from it after this moment clears it. */
  doubtedSinceMs: number | null;
  nowMs: number;
}

/** The key of the path to use; null: none is proven. */
export function choosePath(choice: PathChoice): string | null {
  const { paths, current, doubtedSinceMs, nowMs } = choice;
  const others = [...paths].filter(([key]) => key !== current).map(([key, path]) => ({ key, path }));
  const proven = others.filter(({ path }) => (path.echoedAtMs ?? -1) >= (doubtedSinceMs ?? 0));
  let best: { key: string; cost: number } | null = null;
  for (const { key, path } of proven) {
    const cost = costOf(path, nowMs);
    if (cost !== null && (!best || cost < best.cost)) best = { key, cost };
  }
  if (!best) return current;
  const now = current === null ? undefined : paths.get(current);
  const currentCost = now ? costOf(now, nowMs) : null;
  if (currentCost === null || doubtedSinceMs !== null) return best.key;
  const better = best.cost < currentCost * BETTER_SHARE && currentCost - best.cost > BETTER_MS;
  return better ? best.key : current;
}

/** What a frame's way there and its answer's way back take on average, losses included. */
function costOf(path: PathCandidate, nowMs: number): number | null {
  if (path.rttMs === null || path.echoedAtMs === null || nowMs - path.echoedAtMs > VALID_MS) return null;
  const lost = Math.max(0, path.probes - path.echoes - FORGIVEN_PROBES);
  return path.rttMs + (lost / Math.max(1, path.probes)) * LOST_FRAME_MS;
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
