/**
 * The clients that are told of events. What one has not read yet waits in a bounded queue, and who lets it overflow is
 * cut.
 */
import type { ClientSocket } from '../../agent/ports/http.ts';
import { type EventBatch, SSE_RETRY } from './event-batch.ts';

/** What a client may have before him: a snapshot or replay with room for a minute's readings. */
const QUEUE_BYTES = 262_144;

/** One client, in whichever form he is told. */
export interface EventFollower {
  /** False: the queue is full, so the client was cut. */
  offer(batch: EventBatch): boolean;
  end(): void;
}

/** A client of an event stream (SSE). */
export class StreamFollower implements EventFollower {
  /** Body of the answer. */
  readonly body: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  readonly #cut: () => void;

  /** `cut` cuts the client's connection; `onLeft`: he went away. */
  constructor(cut: () => void, onLeft: (follower: EventFollower) => void) {
    this.#cut = cut;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          controller.enqueue(SSE_RETRY);
        },
        cancel: () => {
          this.#controller = null;
          onLeft(this);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: QUEUE_BYTES }),
    );
  }

  offer({ sse }: EventBatch): boolean {
    if (this.#controller === null) return false;
    if (sse.byteLength <= (this.#controller.desiredSize ?? 0)) {
      if (sse.byteLength > 0) this.#controller.enqueue(sse);
      return true;
    }
    this.end();
    // An end alone would wait for him to read what is queued, here and in the kernel.
    this.#cut();
    return false;
  }

  end(): void {
    this.#controller?.close();
    this.#controller = null;
  }
}

/** A client on a WebSocket. */
export class SocketFollower implements EventFollower {
  readonly #socket: ClientSocket;

  constructor(socket: ClientSocket) {
    this.#socket = socket;
  }

  offer({ messages }: EventBatch): boolean {
    const bytes = messages.reduce((sum, message) => sum + message.length, 0);
    if (this.#socket.waitingBytes + bytes <= QUEUE_BYTES) {
      this.#socket.send(messages);
      return true;
    }
    this.#socket.cut();
    return false;
  }

  end(): void {
    this.#socket.close();
  }
}
