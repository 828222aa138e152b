/** GET /v1/events: the event history as a stream of server-sent events (WHATWG HTML, "Server-sent events"). */
import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import type { EventHistory } from './event-history.ts';

/** After how long a browser's EventSource comes back. */
const RECONNECT_MS = 1000;

/** Streams from Last-Event-ID (else from the oldest kept event) until the client leaves or the API closes. */
export function streamEvents(context: Context, history: EventHistory, closing: AbortSignal): Response {
  const lastId = context.req.header('Last-Event-ID');
  return streamSSE(context, async (stream) => {
    const left = new AbortController();
    stream.onAbort(() => left.abort());
    const done = AbortSignal.any([left.signal, closing]);
    // Goes out at once: a client sees that it is connected although nothing happens.
    await stream.write(`retry: ${RECONNECT_MS}\n\n`);
    await follow(stream, history, history.positionAfter(lastId), done);
  });
}

async function follow(
  stream: SSEStreamingApi,
  history: EventHistory,
  from: number,
  done: AbortSignal,
): Promise<void> {
  let position = from;
  while (!done.aborted) {
    const batch = history.since(position);
    if (batch.missed > 0) {
      await stream.writeSSE({ event: 'missed', data: JSON.stringify({ missed: batch.missed }) });
    }
    for (const { id, event } of batch.events) {
      if (done.aborted) return;
      await stream.writeSSE({ id, event: 'happening', data: JSON.stringify(event) });
    }
    position = batch.position;
    if (batch.events.length === 0) await history.next(done);
  }
}
