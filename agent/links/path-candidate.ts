/**
 * What probes have told of one endpoint of a peer: its round trip, and how many of its probes were lost. Pure.
 *
 * A probe without an echo is lost only once the echo of a later one has come, over whichever path to this peer, later by
 * more than its own round trip. Time alone proves nothing: on a busy machine every echo is late.
 */
import type { Endpoint } from '../ports/datapath.ts';

/** An echo proves a path for this long; a live path is probed at least every 5 s. */
export const VALID_MS = 12_000;
/** Probes that the loss is estimated over; one of them may be lost by chance. */
const LOSS_WINDOW = 16;
const FORGIVEN_PROBES = 1;
/** Beside this many round trips: how much later another probe must have been sent whose echo shows that one is lost. */
const PATIENCE_MS = 100;
const ROUND_TRIPS = 2;
/** What the loss of a frame costs its flow: TCP_RTO_MIN, where nothing follows that would show it sooner. */
const LOST_FRAME_MS = 200;

interface Probe {
  id: number;
  sentMs: number;
  /** Null: no echo has come. */
  rttMs: number | null;
}

export interface PathCandidate {
  endpoint: Endpoint;
  /** Smoothed round trip; null before the first echo. */
  rttMs: number | null;
  echoedAtMs: number | null;
  /** The last ones, oldest first. */
  probes: readonly Probe[];
}

export function pathKey(endpoint: Endpoint): string {
  return endpoint.address.includes(':')
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;
}

export function newPath(endpoint: Endpoint): PathCandidate {
  return { endpoint, rttMs: null, echoedAtMs: null, probes: [] };
}

export function probed(path: PathCandidate, id: number, nowMs: number): PathCandidate {
  const before = path.probes.slice(1 - LOSS_WINDOW);
  return { ...path, probes: [...before, { id, sentMs: nowMs, rttMs: null }] };
}

/** The echo of a probe proves the path also where the probe itself was not counted. */
export function echoed(path: PathCandidate, id: number, rttMs: number, nowMs: number): PathCandidate {
  // RFC 6298's gain of 1/8 for the smoothed round trip.
  const smoothed = path.rttMs === null ? rttMs : path.rttMs + (rttMs - path.rttMs) / 8;
  const probes = path.probes.map((probe) => (probe.id === id ? { ...probe, rttMs } : probe));
  return { ...path, rttMs: smoothed, echoedAtMs: nowMs, probes };
}

/** When the newest probe was sent, over any of these paths, whose echo has come. */
export function answeredUntilMs(paths: Iterable<PathCandidate>): number {
  let untilMs = Number.NEGATIVE_INFINITY;
  for (const { probes } of paths) {
    for (const { sentMs, rttMs } of probes) if (rttMs !== null) untilMs = Math.max(untilMs, sentMs);
  }
  return untilMs;
}

/** Probes sent from that moment on that are lost; `answeredMs`: answeredUntilMs of all paths to the peer. */
export function lostSince(path: PathCandidate, sinceMs: number, answeredMs: number): number {
  return path.probes.filter((probe) => probe.sentMs >= sinceMs && isLost(path, probe, answeredMs)).length;
}

/** What a frame's way there and its answer's way back take; null for a path that no echo proves now. */
export function roundTripMs(path: PathCandidate, nowMs: number): number | null {
  if (path.rttMs === null || path.echoedAtMs === null || nowMs - path.echoedAtMs > VALID_MS) return null;
  // The least of the last ones: what is more than that is the flow's own queue, or a busy machine.
  const fresh = path.probes.flatMap(({ sentMs, rttMs }) =>
    rttMs !== null && nowMs - sentMs <= VALID_MS ? [rttMs] : [],
  );
  return fresh.length === 0 ? path.rttMs : Math.min(...fresh);
}

/** What losses add to that on average; 0 for a path without. */
export function lossCostMs(path: PathCandidate, answeredMs: number): number {
  const lost = lostSince(path, Number.NEGATIVE_INFINITY, answeredMs);
  const answered = path.probes.filter(({ rttMs }) => rttMs !== null).length;
  return (Math.max(0, lost - FORGIVEN_PROBES) / Math.max(1, lost + answered)) * LOST_FRAME_MS;
}

function isLost(path: PathCandidate, probe: Probe, answeredMs: number): boolean {
  const overdueMs = probe.sentMs + PATIENCE_MS + ROUND_TRIPS * (path.rttMs ?? 0);
  return probe.rttMs === null && overdueMs <= answeredMs;
}
