/**
 * Which probe went where. An echo counts only when it comes from the endpoint that its probe was sent to, with an id
 * that only somebody there could have seen: else a member could make others flood an address that it merely names.
 */
import { randomBytes } from 'node:crypto';

/** Probes in flight: several endpoints, a few rounds. */
const MAX_REMEMBERED = 256;

export class ProbeIds {
  readonly #sentTo = new Map<number, string>();

  /** A fresh id for a probe to the path `key`. */
  next(key: string): number {
    const id = randomBytes(4).readUInt32LE();
    this.#sentTo.set(id, key);
    const oldest = this.#sentTo.keys().next();
    if (this.#sentTo.size > MAX_REMEMBERED && !oldest.done) this.#sentTo.delete(oldest.value);
    return id;
  }

  /** True once for each probe that was sent to `key`. */
  take(id: number, key: string): boolean {
    return this.#sentTo.get(id) === key && this.#sentTo.delete(id);
  }
}
