/**
 * The `frames` data channel: frames that are sent in the same turn of the event loop go out as one message, at the
 * turn's end or when the message is full; nothing waits for company beyond that.
 */
import type { DataChannel } from 'node-datachannel';
import type { SendResult } from '../ports/peer-transport.ts';
import { FrameBundle, framesIn } from '../wire/frame-bundle.ts';

/** Messages wait here while SCTP's window is shut; more would only be stale when it opens. */
const MAX_BUFFERED_BYTES = 256 * 1024;
/**
 * No packet is sent again, so a message is lost with any one of its packets: few enough of them that a path that loses
 * some percent still carries TCP.
 */
const MAX_MESSAGE_BYTES = 16 * 1024;

/** Nothing is caught here: whoever calls guards against what the library throws. */
export class FrameChannel {
  readonly #channel: DataChannel;
  readonly #guard: (task: () => void) => void;
  readonly #bundle = new FrameBundle(MAX_MESSAGE_BYTES);

  /** `guard` runs what happens at a turn's end, when there is no caller. */
  constructor(channel: DataChannel, guard: (task: () => void) => void) {
    this.#channel = channel;
    this.#guard = guard;
  }

  /** 'sent': it will leave in this turn. */
  send(frame: Uint8Array): SendResult {
    if (this.#bundle.isEmpty) return this.#begin(frame);
    if (this.#bundle.add(frame)) return 'sent';
    this.#flush();
    return this.#begin(frame);
  }

  /** Hands over the frames of each message that comes; a message that is none hands over nothing. */
  onFrames(receive: (frame: Uint8Array) => void): void {
    this.#channel.onMessage((message) => {
      if (message instanceof Uint8Array) for (const frame of framesIn(message)) receive(frame);
    });
  }

  /** The channel is asked once for a message, not for every frame: each question crosses into another language. */
  #begin(frame: Uint8Array): SendResult {
    if (!this.#channel.isOpen()) return 'closed';
    if (this.#channel.bufferedAmount() >= MAX_BUFFERED_BYTES) return 'full';
    if (!this.#bundle.add(frame)) return 'full';
    queueMicrotask(() => this.#guard(() => this.#flush()));
    return 'sent';
  }

  #flush(): void {
    if (!this.#bundle.isEmpty) this.#channel.sendMessageBinary(this.#bundle.take());
  }
}
