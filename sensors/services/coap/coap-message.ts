/** CoAP messages (RFC 7252) as this service reads and writes them, over the codec `coap-packet`. */
import { generate, type ParsedPacket, parse } from 'coap-packet';

/** Content-Formats (IANA, CoRE parameters). */
export const FORMATS = { text: 0, linkFormat: 40, json: 50, senmlJson: 110, senmlCbor: 112 } as const;
export type Format = (typeof FORMATS)[keyof typeof FORMATS];

export type CoapMethod = 'GET' | 'PUT' | 'other';

/** A request in which everything critical was understood. */
export interface CoapRequest {
  method: CoapMethod;
  /** `/sensors/cpu-temperature`. */
  path: string;
  query: readonly string[];
  accept: number | null;
  contentFormat: number | null;
  /** Register (0), deregister (1); RFC 7641. */
  observe: number | null;
  /** Which block of the answer, and how long blocks may be at most; RFC 7959. */
  block: { number: number; bytes: number } | null;
  payload: Buffer;
}

export interface CoapAnswer {
  /** `2.05`. */
  code: string;
  format?: Format;
  maxAgeS?: number;
  payload?: Uint8Array | string;
}

/** What an answer has beside its resource's. */
export interface AnswerOptions {
  observe?: number;
  block?: { number: number; more: boolean; bytes: number };
  /** How long the whole is. */
  size?: number;
  etag?: Uint8Array;
}

/** How a message travels: whose answer it is, or under which number it is told. */
export interface Envelope {
  kind: 'confirmable' | 'non-confirmable' | 'acknowledgement';
  messageId: number;
  token: Buffer;
}

export const LARGEST_BLOCK_BYTES = 1024;
const SMALLEST_BLOCK_EXPONENT = 4;
const LONGEST_TOKEN_BYTES = 8;
const LONGEST_PATH_CHARACTERS = 255;
/** What is understood of the options that must be (odd numbers are critical, RFC 7252 section 5.4.1). */
const UNDERSTOOD = new Set(['Uri-Host', 'Uri-Port', 'Uri-Path', 'Uri-Query', 'Accept', 'Block2']);
const PROXY = new Set(['Proxy-Uri', 'Proxy-Scheme']);
/** The other critical ones that the codec has names for; for the rest the number tells. */
const CRITICAL = new Set([
  ...['If-Match', 'If-None-Match', 'OSCORE', 'Block1', 'Q-Block1', 'Q-Block2'],
  ...['OCF-Accept-Content-Format-Version', 'OCF-Content-Format-Version'],
]);
const METHODS: Readonly<Record<string, CoapMethod>> = { '0.01': 'GET', '0.03': 'PUT' };

/** Null for what is no CoAP message. */
export function readPacket(bytes: Uint8Array): ParsedPacket | null {
  try {
    const packet = parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return packet.token.length > LONGEST_TOKEN_BYTES ? null : packet;
  } catch {
    return null;
  }
}

/** The request in a packet, or the answer to one that asks for what is not understood. */
export function readRequest({ code, options, payload }: ParsedPacket): CoapRequest | CoapAnswer {
  const refused = options.map(({ name }) => String(name)).find((name) => !isUnderstood(name));
  if (refused !== undefined) {
    return PROXY.has(refused)
      ? { code: '5.05', payload: 'this node is no proxy: ask for its own resources' }
      : { code: '4.02', payload: `the option ${refused} is not understood here: ask without it` };
  }
  const all = (wanted: string) => options.filter(({ name }) => name === wanted).map(({ value }) => value);
  const number = (wanted: string) => all(wanted).map(numberOf)[0] ?? null;
  const block = number('Block2');
  const path = all('Uri-Path').map((segment) => `/${segment.toString()}`);
  return {
    method: METHODS[code] ?? 'other',
    path: path.join('').slice(0, LONGEST_PATH_CHARACTERS),
    query: all('Uri-Query').map((part) => part.toString()),
    accept: number('Accept'),
    contentFormat: number('Content-Format'),
    observe: number('Observe'),
    block: block === null ? null : { number: block >>> 4, bytes: blockBytes(block & 7) },
    payload,
  };
}

export function writeAnswer(envelope: Envelope, answer: CoapAnswer, extra: AnswerOptions = {}): Buffer {
  const options: Array<{ name: string; value: Buffer }> = [];
  const add = (name: string, value: number | undefined) => {
    if (value !== undefined) options.push({ name, value: bytesOf(value) });
  };
  add('Observe', extra.observe);
  add('Content-Format', answer.format);
  add('Max-Age', answer.maxAgeS);
  add('Block2', extra.block && blockValue(extra.block));
  add('Size2', extra.size);
  if (extra.etag) options.push({ name: 'ETag', value: Buffer.from(extra.etag) });
  return generate(
    {
      code: answer.code,
      confirmable: envelope.kind === 'confirmable',
      ack: envelope.kind === 'acknowledgement',
      messageId: envelope.messageId,
      token: envelope.token,
      options,
      payload: Buffer.from(answer.payload ?? ''),
    },
    2 * LARGEST_BLOCK_BYTES,
  );
}

/** Refuses a message, which is also how an empty one is answered: a "ping" (RFC 7252 section 4.3). */
export function writeReset(messageId: number): Buffer {
  return generate({ code: '0.00', reset: true, messageId });
}

/** Whether `readRequest` found a request that is answered without looking further. */
export function isAnswer(read: CoapRequest | CoapAnswer): read is CoapAnswer {
  return 'code' in read;
}

function isUnderstood(name: string): boolean {
  if (UNDERSTOOD.has(name)) return true;
  const number = Number(name);
  const isCritical = Number.isNaN(number) ? CRITICAL.has(name) || PROXY.has(name) : number % 2 === 1;
  return !isCritical;
}

/** An option of format uint, most significant byte first and without leading zeros; 0 has no byte. */
function numberOf(value: Buffer): number {
  return value.length === 0 || value.length > 4 ? 0 : value.readUIntBE(0, value.length);
}

function bytesOf(value: number): Buffer {
  const hex = value.toString(16);
  return value === 0 ? Buffer.alloc(0) : Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

/** 7 is reserved, and means as much as there can be. */
function blockBytes(exponent: number): number {
  return Math.min(LARGEST_BLOCK_BYTES, 2 ** (exponent + SMALLEST_BLOCK_EXPONENT));
}

function blockValue({ number, more, bytes }: { number: number; more: boolean; bytes: number }): number {
  return number * 16 + (more ? 8 : 0) + Math.log2(bytes) - SMALLEST_BLOCK_EXPONENT;
}
