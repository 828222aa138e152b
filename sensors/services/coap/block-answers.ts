/**
 * Answers that are larger than a datagram should be, in blocks (RFC 7959, Block2). The whole is kept for the client that
 * fetches it, so that all its blocks are of one moment; the ETag tells when they are not.
 */
import type { Clock } from '../../../agent/ports/clock.ts';
import {
  type AnswerOptions,
  type CoapAnswer,
  type CoapRequest,
  LARGEST_BLOCK_BYTES,
} from './coap-message.ts';

/** A transfer of 50 blocks over a slow link takes some seconds. */
const KEPT_MS = 30_000;
/** Of some kilobytes each. */
const MOST_KEPT = 16;
const LONGEST_BYTES = 262_144;

interface Kept {
  answer: CoapAnswer;
  whole: Uint8Array;
  etag: Uint8Array;
  atMs: number;
}

export class BlockAnswers {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  #etags = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The whole of which a client fetches a later block; null: ask the resource. */
  recall(client: string, { block, path, accept }: CoapRequest): CoapAnswer | null {
    const kept = this.#kept.get(`${client} ${path} ${accept}`);
    if (!block || block.number === 0 || !kept) return null;
    return this.#clock.monotonicMs() - kept.atMs <= KEPT_MS ? kept.answer : null;
  }

  /** The block that was asked for; the answer itself where it is small. */
  cut(client: string, request: CoapRequest, answer: CoapAnswer): [CoapAnswer, AnswerOptions] {
    const whole = Buffer.from(answer.payload ?? '');
    const { number, bytes } = request.block ?? { number: 0, bytes: LARGEST_BLOCK_BYTES };
    if (whole.length <= bytes && number === 0) return [answer, {}];
    if (whole.length > LONGEST_BYTES)
      return [{ code: '5.00', payload: 'there is more than can be told' }, {}];
    const from = number * bytes;
    if (from >= whole.length) return [{ code: '4.02', payload: `there is no block ${number}` }, {}];
    const { etag } = this.#keep(`${client} ${request.path} ${request.accept}`, answer, whole);
    const more = from + bytes < whole.length;
    const payload = whole.subarray(from, from + bytes);
    const size = number === 0 ? { size: whole.length } : {};
    return [
      { ...answer, payload },
      { block: { number, more, bytes }, etag, ...size },
    ];
  }

  #keep(key: string, answer: CoapAnswer, whole: Uint8Array): Kept {
    const known = this.#kept.get(key);
    const atMs = this.#clock.monotonicMs();
    if (known?.answer === answer) {
      known.atMs = atMs;
      return known;
    }
    const etag = Buffer.alloc(4);
    etag.writeUInt32BE(++this.#etags % 2 ** 32);
    const kept = { answer, whole, etag, atMs };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const eldest = this.#kept.keys().next().value;
    if (this.#kept.size > MOST_KEPT && eldest !== undefined) this.#kept.delete(eldest);
    return kept;
  }
}
