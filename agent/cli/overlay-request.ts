/** The CLI's side of what other members serve: one GET over the overlay, bounded in time and size. */
import { type IncomingMessage, request } from 'node:http';
import { systemClock } from '../adapters/system-clock.ts';
import { check, type Schema } from '../control/schema-check.ts';
import { EnvironmentFault, sentenceOf } from '../errors.ts';

/** Some thousand readings. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

const PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it serves no sensors there: see "sensors" in its config',
  EHOSTUNREACH: 'no link to it: "tincan ping" tells whether it is there',
  ENETUNREACH: 'this machine has no route to the overlay: see "tincan status"',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'it closed the connection',
};

export interface OverlayRequest {
  url: URL;
  headers?: Record<string, string>;
  /** For the head of the answer; the link may have to be made first. */
  limitMs: number;
  signal: AbortSignal;
}

/** The answer with status 200, its body yet to be read. Throws EnvironmentFault ('no-answer', 'bad-answer', 'interrupted'). */
export function openOverlay({ url, headers, limitMs, signal }: OverlayRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false, headers: { ...headers }, signal });
    const limit = systemClock.after(limitMs, () => {
      outgoing.destroy(new EnvironmentFault('no-answer', `no answer within ${limitMs / 1000} s`));
    });
    outgoing.on('error', (error) => {
      limit.cancel();
      reject(faultOf(error, signal));
    });
    outgoing.on('response', (incoming) => {
      limit.cancel();
      if (incoming.statusCode === 200) return resolve(incoming);
      incoming.resume();
      outgoing.destroy();
      reject(new EnvironmentFault('bad-answer', refusalText(incoming.statusCode ?? 0)));
    });
    outgoing.end();
  });
}

/** A whole JSON answer, checked. Throws as `openOverlay` does. */
export async function askOverlay<Output>(asked: OverlayRequest, schema: Schema<Output>): Promise<Output> {
  const late = AbortSignal.timeout(asked.limitMs);
  const signal = AbortSignal.any([asked.signal, late]);
  try {
    const checked = check(schema, JSON.parse(await textOf(await openOverlay({ ...asked, signal }))));
    if (checked.ok) return checked.value;
    throw new EnvironmentFault(
      'bad-answer',
      `what it serves is no Tincan of this version (${checked.sentence})`,
    );
  } catch (error) {
    if (late.aborted && !asked.signal.aborted) {
      throw new EnvironmentFault('no-answer', `no answer within ${asked.limitMs / 1000} s`, { cause: error });
    }
    if (error instanceof SyntaxError) {
      throw new EnvironmentFault('bad-answer', 'what it serves is no Tincan (no JSON)', { cause: error });
    }
    throw faultOf(error, asked.signal);
  }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    if (!(chunk instanceof Buffer)) continue;
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new EnvironmentFault('bad-answer', 'its answer is larger than 2 MB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusalText(status: number): string {
  if (status === 503) return 'it is busy: as many clients follow it as it can serve (status 503)';
  if (status === 403) return "the fleet's policy does not let this node read it (status 403)";
  return `it answered with status ${status}`;
}

/** One sentence of anything that went wrong on the way. */
export function faultOf(error: unknown, signal: AbortSignal): EnvironmentFault {
  if (error instanceof EnvironmentFault) return error;
  if (signal.aborted) return new EnvironmentFault('interrupted', 'interrupted', { cause: error });
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  return new EnvironmentFault('no-answer', PROBLEMS[errno] ?? sentenceOf(error), { cause: error });
}
