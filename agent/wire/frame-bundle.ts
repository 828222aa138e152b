/**
 * What one message of the `frames` channel is: Ethernet frames one after the other, each behind its length (2 bytes,
 * big-endian). SCTP and the crossings between threads cost by the message, so a message of several frames costs about as
 * much as one of a single frame.
 *
 *     | length | frame ... | length | frame ... |
 */
const LENGTH_BYTES = 2;
const MAX_FRAME_BYTES = 0xffff;

/** Frames on their way into one message, in a buffer of a fixed size that is used over and over. */
export class FrameBundle {
  readonly #bytes: Uint8Array;
  #used = 0;

  constructor(maxBytes: number) {
    this.#bytes = new Uint8Array(maxBytes);
  }

  get isEmpty(): boolean {
    return this.#used === 0;
  }

  /** Copies the frame behind the others; false where there is no room for it. */
  add(frame: Uint8Array): boolean {
    const end = this.#used + LENGTH_BYTES + frame.length;
    if (end > this.#bytes.length || frame.length > MAX_FRAME_BYTES) return false;
    this.#bytes[this.#used] = frame.length >> 8;
    this.#bytes[this.#used + 1] = frame.length & 0xff;
    this.#bytes.set(frame, this.#used + LENGTH_BYTES);
    this.#used = end;
    return true;
  }

  /** The message, valid until the next `add`; the bundle is empty then. */
  take(): Uint8Array {
    const message = this.#bytes.subarray(0, this.#used);
    this.#used = 0;
    return message;
  }
}

/** The frames of a message, as views of it; none where a length does not fit, because then nothing in it is certain. */
export function framesIn(message: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let at = 0;
  while (at < message.length) {
    const length = ((message[at] ?? 0) << 8) | (message[at + 1] ?? 0);
    const begin = at + LENGTH_BYTES;
    at = begin + length;
    if (length === 0 || at > message.length) return [];
    frames.push(message.subarray(begin, at));
  }
  return frames;
}
