/**
 * Whether a path, and the link as a whole, is alive. Authentic packets of the peer are the only sign of life; silence
 * counts only from the first thing that we sent and that was not answered. Pure: the caller keeps the watch.
 *
 *   fast path  quiet 2 s: probe;  unanswered 0.5 s: probe every 250 ms;  1 s: lost, frames take the slow path
 *   link       fast path in doubt, or silent 5 s: ask over `control` every second;  6 s without any answer: down
 *
 * On a path with a long round trip each of the first two takes three of these longer. TCP tries again 1.4 s after a path
 * is blocked, and then only after 3 s: by the first of them the slow path is to be in use.
 *
 * So a killed peer loses its fast path within 2 + 1 s and its link within 2 + 0.5 + 6 s, each a tick more at most. A peer
 * that is stopped for 5 s and continues looks the same for these 5 s: it is doubted at once, because the slow path costs
 * little, and its link goes down only after 6.5 s, because that would cost its connections.
 */
export const SUSPECT_AFTER_MS = 500;
export const LOST_AFTER_MS = 1_000;
const ROUND_TRIPS = 3;
/** Of the fast path. Also what keeps a NAT's mapping open; the shortest in use is about 30 s. */
export const KEEP_ALIVE_MS = 2_000;
/** Of a link that has no fast path: a question over `control` costs ten times a probe. */
export const SILENT_AFTER_MS = 5_000;
export const ASK_EVERY_MS = 1_000;
export const DEAD_AFTER_MS = 6_000;
/** A tick that comes this late means that we ourselves were stopped: silence cannot be held against the peer. */
const STOPPED_AFTER_MS = 1_000;

export interface FastWatch {
  unansweredSinceMs: number | null;
  tickMs: number;
}

export interface FastSigns {
  nowMs: number;
  /** Of the datapath's counters for this peer; null: never. */
  lastSentAgeMs: number | null;
  lastReceivedAgeMs: number | null;
  /** Of the path; null: not known. */
  rttMs: number | null;
}

export type FastVerdict = 'alive' | 'keep-alive' | 'suspect' | 'lost';

export function startFastWatch(nowMs: number): FastWatch {
  return { unansweredSinceMs: null, tickMs: nowMs };
}

export function watchFastPath(
  watch: FastWatch,
  signs: FastSigns,
): { watch: FastWatch; verdict: FastVerdict } {
  const { nowMs, lastSentAgeMs, lastReceivedAgeMs } = signs;
  const patienceMs = ROUND_TRIPS * (signs.rttMs ?? 0);
  const sentMs = lastSentAgeMs === null ? null : nowMs - lastSentAgeMs;
  const heardMs = lastReceivedAgeMs === null ? Number.NEGATIVE_INFINITY : nowMs - lastReceivedAgeMs;
  let since = watch.unansweredSinceMs;
  if (since !== null && heardMs >= since) since = null;
  if (since === null && sentMs !== null && sentMs > heardMs) since = Math.max(sentMs, watch.tickMs);
  if (since !== null && nowMs - watch.tickMs > STOPPED_AFTER_MS) since = nowMs;
  const silentMs = since === null ? 0 : nowMs - since;
  const next = { unansweredSinceMs: since, tickMs: nowMs };
  if (silentMs >= LOST_AFTER_MS + patienceMs) return { watch: next, verdict: 'lost' };
  if (silentMs >= SUSPECT_AFTER_MS + patienceMs) return { watch: next, verdict: 'suspect' };
  const quiet = since === null && nowMs - heardMs >= KEEP_ALIVE_MS;
  return { watch: next, verdict: quiet ? 'keep-alive' : 'alive' };
}

export interface LinkWatch {
  /** When the question that is still open was first asked. */
  askedSinceMs: number | null;
  lastAskMs: number;
  tickMs: number;
}

export interface LinkSigns {
  nowMs: number;
  /** The last authentic thing heard on any path. */
  heardMs: number;
  /** The transport reports trouble, or the fast path is silent. */
  inDoubt: boolean;
}

export function startLinkWatch(nowMs: number): LinkWatch {
  return { askedSinceMs: null, lastAskMs: Number.NEGATIVE_INFINITY, tickMs: nowMs };
}

export function watchLink(
  watch: LinkWatch,
  signs: LinkSigns,
): { watch: LinkWatch; verdict: 'alive' | 'ask' | 'dead' } {
  const { nowMs, heardMs, inDoubt } = signs;
  let asked = watch.askedSinceMs;
  if (asked !== null && heardMs > asked) asked = null;
  if (asked !== null && nowMs - watch.tickMs > STOPPED_AFTER_MS) asked = nowMs;
  const mustAsk = asked !== null || inDoubt || nowMs - heardMs >= SILENT_AFTER_MS;
  if (!mustAsk) return { watch: { ...watch, askedSinceMs: null, tickMs: nowMs }, verdict: 'alive' };
  asked ??= nowMs;
  if (nowMs - asked >= DEAD_AFTER_MS)
    return { watch: { ...watch, askedSinceMs: asked, tickMs: nowMs }, verdict: 'dead' };
  const due = nowMs - watch.lastAskMs >= ASK_EVERY_MS;
  const next = { askedSinceMs: asked, lastAskMs: due ? nowMs : watch.lastAskMs, tickMs: nowMs };
  return { watch: next, verdict: due ? 'ask' : 'alive' };
}

/** How long the open question has been open. */
export function unansweredMs(watch: LinkWatch, nowMs: number): number {
  return watch.askedSinceMs === null ? 0 : nowMs - watch.askedSinceMs;
}

/** Probes of the path in use, while frames flow: a way that is cut in our direction only still brings the peer's packets. */
const PROVE_EVERY_MS = 500;
const UNPROVEN_AFTER_MS = 1_000;

export interface EchoWatch {
  /** When the first probe went out that no echo has answered. */
  askedSinceMs: number | null;
  lastAskMs: number;
  frames: number;
  tickMs: number;
}

export function startEchoWatch(nowMs: number): EchoWatch {
  return { askedSinceMs: null, lastAskMs: nowMs, frames: 0, tickMs: nowMs };
}

/** `ask`: send a probe over the path. The caller sets `askedSinceMs` to null at every echo. */
export function watchEchoes(
  watch: EchoWatch,
  signs: { nowMs: number; sentFrames: number; rttMs: number | null },
): { watch: EchoWatch; verdict: 'alive' | 'ask' | 'lost' } {
  const { nowMs, sentFrames } = signs;
  const lostAfterMs = UNPROVEN_AFTER_MS + ROUND_TRIPS * (signs.rttMs ?? 0);
  let asked = watch.askedSinceMs;
  if (asked !== null && nowMs - watch.tickMs > STOPPED_AFTER_MS) asked = nowMs;
  const flows = sentFrames !== watch.frames && nowMs - watch.lastAskMs >= PROVE_EVERY_MS;
  const next = { ...watch, askedSinceMs: asked, tickMs: nowMs };
  if (asked === null && !flows) return { watch: next, verdict: 'alive' };
  if (asked !== null && nowMs - asked >= lostAfterMs) return { watch: next, verdict: 'lost' };
  const since = asked ?? nowMs;
  return { watch: { ...next, askedSinceMs: since, lastAskMs: nowMs, frames: sentFrames }, verdict: 'ask' };
}
