/**
 * Ids of events: `3f9c02ab17de.42` is number 42 of the run `3f9c02ab17de` of the service. Numbers begin anew when the
 * agent starts or gets a new config, so a number alone would let a client resume in the middle of what he never saw.
 */
import { randomBytes } from 'node:crypto';

const INSTANCE_BYTES = 6;

export class EventIds {
  readonly #instance: string;

  /** `instance`: one that no other run has had; letters and digits. */
  constructor(instance: string = randomBytes(INSTANCE_BYTES).toString('hex')) {
    this.#instance = instance;
  }

  /** Empty for number 0: of a sensor that was never read. */
  of(seq: number): string {
    return seq > 0 ? `${this.#instance}.${seq}` : '';
  }

  /** The number in an id that this run has given; null for any other text. */
  seqOf(id: string): number | null {
    const [, instance, seq] = /^([0-9a-z]+)\.(\d{1,15})$/.exec(id) ?? [];
    return instance === this.#instance ? Number(seq) : null;
  }
}
