/**
 * `struct input_event` (include/uapi/linux/input.h): two words of time, type and code of 16 bits, a signed value of 32.
 * 24 bytes on 64-bit machines and 16 on 32-bit ones, in the machine's own byte order.
 */
export interface InputEvent {
  type: number;
  code: number;
  value: number;
}

/** Of `InputEvent.type` (input-event-codes.h). */
export const EV_SYN = 0;
export const EV_KEY = 1;
export const EV_SW = 5;
/** Codes of EV_SYN: the end of a report, and that the kernel's buffer ran over. */
export const SYN_REPORT = 0;
export const SYN_DROPPED = 3;

/** Cuts a stream of bytes, however it comes, into events. Keeps less than one event. */
export class InputEventReader {
  readonly #timeBytes: number;
  readonly #littleEndian: boolean;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(wordBytes: 4 | 8, littleEndian: boolean) {
    this.#timeBytes = 2 * wordBytes;
    this.#littleEndian = littleEndian;
  }

  take(bytes: Uint8Array): InputEvent[] {
    const size = this.#timeBytes + 8;
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const view = new DataView(all.buffer);
    const whole = all.length - (all.length % size);
    const events: InputEvent[] = [];
    for (let at = this.#timeBytes; at < whole; at += size) {
      events.push({
        type: view.getUint16(at, this.#littleEndian),
        code: view.getUint16(at + 2, this.#littleEndian),
        value: view.getInt32(at + 4, this.#littleEndian),
      });
    }
    this.#rest = all.slice(whole);
    return events;
  }
}
