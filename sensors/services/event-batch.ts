/**
 * Events of one moment in the forms in which they go out, each made once for all followers: server-sent events (WHATWG
 * HTML, "Server-sent events"; JSON has no line breaks, so one `data:` line does), and one JSON message each for WebSockets.
 */
import type { EventIds } from './event-ids.ts';
import type { ServedEvent } from './served-events.ts';

/** After how long a browser's EventSource comes back. */
const RECONNECT_MS = 3_000;

export class EventBatch {
  readonly events: readonly ServedEvent[];
  readonly #ids: EventIds;
  #sse: Uint8Array | null = null;
  #messages: readonly string[] | null = null;

  constructor(events: readonly ServedEvent[], ids: EventIds) {
    this.events = events;
    this.#ids = ids;
  }

  /** For an event stream. */
  get sse(): Uint8Array {
    this.#sse ??= new TextEncoder().encode(
      this.events.map((event) => sseText(event, this.#ids.of(event.seq))).join(''),
    );
    return this.#sse;
  }

  /** For a WebSocket: `{"event": "reading", "id": "3f9c02ab17de.12", "data": {...}}`, where `id` is what a client resumes at. */
  get messages(): readonly string[] {
    this.#messages ??= this.events.map((event) =>
      JSON.stringify({ event: event.kind, id: this.#ids.of(event.seq) || null, data: dataOf(event) }),
    );
    return this.#messages;
  }
}

/** Goes out at once: a client sees that it is connected although nothing happens. */
export const SSE_RETRY = new TextEncoder().encode(`retry: ${RECONNECT_MS}\n\n`);

function sseText(event: ServedEvent, eventId: string): string {
  const id = eventId === '' ? '' : `id: ${eventId}\n`;
  const name = event.kind === 'ping' || event.kind === 'actuator' ? `event: ${event.kind}\n` : '';
  return `${name}${id}data: ${JSON.stringify(dataOf(event))}\n\n`;
}

function dataOf(event: ServedEvent): unknown {
  if (event.kind === 'ping') return { time: event.time };
  if (event.kind === 'actuator') return event.state;
  return event.kind === 'value' ? event.value : event.reading;
}
