/** The CLI's side of what members serve: one request over the overlay, bounded in time and size. */
import { type IncomingMessage, request } from 'node:http';
import { servedRefusal } from '../../sensors/services/served-reading.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { check, type Schema } from '../control/schema-check.ts';
import { EnvironmentFault, Refusal, sentenceOf, TincanError } from '../errors.ts';
import { jsonIn, textWithin } from './answer-text.ts';
import { harmless } from './terminal-text.ts';

/** Some thousand readings. */
const MOST_ANSWER_MB = 2;

const PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it serves no sensors there: see "sensors" in its config',
  EHOSTUNREACH: 'no link to it: "tincan ping" tells whether it is there',
  ENETUNREACH: 'this machine has no route to the overlay: see "tincan status"',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'it closed the connection',
};

export interface OverlayRequest {
  url: URL;
  /** GET where there is none. */
  method?: 'GET' | 'PUT';
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: object;
  /** For the head of the answer; the link may have to be made first. */
  limitMs: number;
  signal: AbortSignal;
}

/**
 * The answer with status 200, its body yet to be read. Throws Refusal (`status-403`) with the device's own sentence, and
 * EnvironmentFault (`no-answer`, `bad-answer`, `interrupted`).
 */
export async function openOverlay(asked: OverlayRequest): Promise<IncomingMessage> {
  const incoming = await answerTo(asked);
  const { statusCode = 0 } = incoming;
  if (statusCode === 200) return incoming;
  const limit = systemClock.after(asked.limitMs, () => incoming.destroy(lateFault(asked.limitMs)));
  const text = await textWithin(incoming, MOST_ANSWER_MB).finally(() => limit.cancel());
  const refused = check(servedRefusal, jsonIn(text));
  const sentence = refused.ok ? harmless(refused.value.error) : `it answered with status ${statusCode}`;
  throw new Refusal(`status-${statusCode}`, sentence);
}

/** A whole JSON answer, checked. Throws as `openOverlay` does. */
export async function askOverlay<Output>(asked: OverlayRequest, schema: Schema<Output>): Promise<Output> {
  const late = AbortSignal.timeout(asked.limitMs);
  const signal = AbortSignal.any([asked.signal, late]);
  try {
    const incoming = await openOverlay({ ...asked, signal });
    const checked = check(schema, jsonIn(await textWithin(incoming, MOST_ANSWER_MB)));
    if (checked.ok) return checked.value;
    throw new EnvironmentFault(
      'bad-answer',
      `what it serves is no Tincan of this version (${checked.sentence})`,
    );
  } catch (error) {
    if (late.aborted && !asked.signal.aborted) throw lateFault(asked.limitMs, error);
    throw faultOf(error, asked.signal);
  }
}

/** One sentence of anything that went wrong on the way. */
export function faultOf(error: unknown, signal: AbortSignal): TincanError {
  if (error instanceof TincanError) return error;
  if (signal.aborted) return new EnvironmentFault('interrupted', 'interrupted', { cause: error });
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  return new EnvironmentFault('no-answer', PROBLEMS[errno] ?? sentenceOf(error), { cause: error });
}

function answerTo({ url, method = 'GET', headers, body, limitMs, signal }: OverlayRequest) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const described =
      body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const outgoing = request(url, { method, agent: false, headers: { ...described, ...headers }, signal });
    const limit = systemClock.after(limitMs, () => outgoing.destroy(lateFault(limitMs)));
    outgoing.on('error', (error) => {
      limit.cancel();
      reject(faultOf(error, signal));
    });
    outgoing.on('response', (incoming) => {
      limit.cancel();
      resolve(incoming);
    });
    outgoing.end(text);
  });
}

function lateFault(limitMs: number, cause?: unknown): EnvironmentFault {
  return new EnvironmentFault('no-answer', `no answer within ${limitMs / 1000} s`, { cause });
}
