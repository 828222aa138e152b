/** `tincan ping`: probes over a link, one after another, and what they say together. */
import { systemClock } from '../adapters/system-clock.ts';
import { pingReport } from '../control/report-schema.ts';
import { Refusal } from '../errors.ts';
import type { PingReport } from '../ports/agent-control.ts';
import type { CliIo } from './cli-io.ts';
import { askAgent } from './control-client.ts';
import { socketToAsk } from './socket-path.ts';
import { harmless } from './terminal-text.ts';
import { rttText } from './units.ts';

/** A link over TURN on another continent needs some 2 s for its first probe. */
const ANSWER_WITHIN_MS = 5000;

export interface PingOptions {
  socket?: string;
  json?: boolean;
  count: number;
  /** Seconds between probes. */
  interval: number;
}

/** Exit code 0 when something answered, 1 when nothing did. Throws Refusal for a target that is no member. */
export async function runPing(target: string, options: PingOptions, io: CliIo): Promise<number> {
  const socketPath = socketToAsk(options.socket, process.env);
  const replies: PingReport[] = [];
  let sent = 0;
  while (sent < options.count && !io.signal.aborted) {
    if (sent > 0) await pause(options.interval * 1000, io.signal);
    if (io.signal.aborted) break;
    sent += 1;
    const reply = await probe(socketPath, target, io.signal);
    if (reply) replies.push(reply);
    else if (io.signal.aborted) sent -= 1;
    if (!options.json && !io.signal.aborted) io.out(`${harmless(lineOf(target, sent, reply))}\n`);
  }
  const summary = summaryOf(target, sent, replies);
  io.out(options.json ? `${JSON.stringify({ ...summary, replies })}\n` : `${summaryText(summary)}\n`);
  return replies.length > 0 ? 0 : 1;
}

/** Null: no answer, or the user stopped waiting for it. */
async function probe(socketPath: string, target: string, signal: AbortSignal): Promise<PingReport | null> {
  try {
    return await askAgent(socketPath, {
      method: 'POST',
      path: '/v1/ping',
      body: { target, timeoutMs: ANSWER_WITHIN_MS },
      answer: pingReport,
      workMs: ANSWER_WITHIN_MS,
      signal,
    });
  } catch (error) {
    if (signal.aborted || (error instanceof Refusal && error.reason === 'no-answer')) return null;
    throw error;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = systemClock.after(ms, resolve);
    signal.addEventListener('abort', () => {
      timer.cancel();
      resolve();
    });
  });
}

function lineOf(target: string, number: number, reply: PingReport | null): string {
  if (!reply) return `${number}: no answer from ${target} within ${ANSWER_WITHIN_MS / 1000} s`;
  return `${number}: ${reply.name} answered in ${rttText(reply.rttMs)} over the ${reply.path} path`;
}

interface PingSummary {
  target: string;
  sent: number;
  answered: number;
  lossPercent: number;
  rttMs: { min: number; avg: number; max: number } | null;
}

function summaryOf(target: string, sent: number, replies: readonly PingReport[]): PingSummary {
  const rtts = replies.map((reply) => reply.rttMs);
  const answered = rtts.length;
  return {
    target,
    sent,
    answered,
    lossPercent: sent === 0 ? 0 : Math.round(((sent - answered) / sent) * 1000) / 10,
    rttMs:
      answered === 0
        ? null
        : {
            min: Math.min(...rtts),
            avg: rtts.reduce((sum, rtt) => sum + rtt, 0) / answered,
            max: Math.max(...rtts),
          },
  };
}

function summaryText({ sent, answered, lossPercent, rttMs }: PingSummary): string {
  const trip = rttMs
    ? `; round trip min ${rttText(rttMs.min)}, average ${rttText(rttMs.avg)}, max ${rttText(rttMs.max)}`
    : '';
  return `${sent} sent, ${answered} answered, ${lossPercent} % lost${trip}`;
}
