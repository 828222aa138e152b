/** The CLI's side of what a member serves: one request over the overlay, its answer read whole and as JSON. */
import { type IncomingMessage, request } from 'node:http';
import { EnvironmentFault, sentenceOf } from '../errors.ts';

/** A device has some hundred actuators at most. */
const MAX_ANSWER_BYTES = 1024 * 1024;
/** The link may have to be made first, and the hardware may take two seconds. */
const LIMIT_MS = 15_000;

export interface OverlayExchange {
  method: 'GET' | 'PUT';
  url: URL;
  /** For PUT: sent as JSON. */
  body?: object;
  signal: AbortSignal;
}

/** Status and body; undefined for one that is no JSON. Throws EnvironmentFault: `no-answer`, `bad-answer`, `interrupted`. */
export async function exchangeOverOverlay(
  asked: OverlayExchange,
): Promise<{ status: number; body: unknown }> {
  const signal = AbortSignal.any([asked.signal, AbortSignal.timeout(LIMIT_MS)]);
  try {
    const incoming = await responseTo(asked, signal);
    return { status: incoming.statusCode ?? 0, body: parsed(await textOf(incoming)) };
  } catch (error) {
    if (error instanceof EnvironmentFault) throw error;
    const { host } = asked.url;
    if (asked.signal.aborted) {
      throw new EnvironmentFault('interrupted', 'interrupted before the device answered', { cause: error });
    }
    const why = signal.aborted ? `nothing within ${LIMIT_MS / 1000} s` : sentenceOf(error);
    throw new EnvironmentFault(
      'no-answer',
      `${host} does not answer (${why}): see "tincan ping", and "sensors" in its config`,
      { cause: error },
    );
  }
}

function responseTo({ method, url, body }: OverlayExchange, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      accept: 'application/json',
      ...(text === ''
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const outgoing = request(url, { method, agent: false, headers, signal });
    outgoing.on('response', resolve).on('error', reject);
    outgoing.end(text);
  });
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    if (!(chunk instanceof Buffer)) continue;
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new EnvironmentFault('bad-answer', 'the answer is larger than 1 MB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
