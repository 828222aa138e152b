/** One client of an event stream: what was not read yet waits in a bounded queue, and who lets it overflow is cut. */

/** What a client may have before him: a snapshot or replay with room for a minute's readings. */
const QUEUE_BYTES = 262_144;

export class EventFollower {
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
        },
        cancel: () => {
          this.#controller = null;
          onLeft(this);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: QUEUE_BYTES }),
    );
  }

  /** False: the queue is full, so the client was cut. */
  offer(bytes: Uint8Array): boolean {
    if (this.#controller === null) return false;
    if (bytes.byteLength <= (this.#controller.desiredSize ?? 0)) {
      this.#controller.enqueue(bytes);
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
