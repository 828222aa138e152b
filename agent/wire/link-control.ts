/**
 * Messages of the `control` channel of a link, JSON text with a version. The channel is authenticated by the link's
 * DTLS; the peer may still be faulty, so sizes and shapes are checked like anything from a network.
 *
 *   resume      the first message on a PeerConnection: the sender's session and the one it believes the peer has
 *   fast-offer  one generation of fast-path keys: how the peer is to seal packets for us, and where to send them
 *   fast-ready  how far the sender is with one generation: it receives on it, it seals with it (links/fast-sessions.ts)
 *   endpoints   the sender's underlay endpoints have changed
 *   ping, pong  sign of life and round trip over the slow path
 *   quiet       the sender has had nothing of its own to send for a while: both quiet closes the link
 *   bye         the link ends, also while no broker could carry the signal
 */
import * as v from 'valibot';

export const LINK_CONTROL_VERSION = 1;
/** A fast-offer with the most endpoints is about 2 KiB. */
export const MAX_CONTROL_BYTES = 8 * 1024;
export const MAX_ENDPOINTS = 16;
const KEY_BYTES = 32;

const uint32 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
const endpoints = v.pipe(
  v.array(
    v.strictObject({
      address: v.pipe(v.string(), v.ip()),
      port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535)),
    }),
  ),
  v.maxLength(MAX_ENDPOINTS),
);
const sessionName = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/));
const key = v.pipe(
  v.string(),
  v.base64(),
  v.length(44),
  v.transform((text): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))),
  v.check((bytes) => bytes.length === KEY_BYTES),
);

const message = v.variant('type', [
  v.strictObject({
    v: v.literal(LINK_CONTROL_VERSION),
    type: v.literal('resume'),
    own: sessionName,
    /** Null: none. */
    peer: v.nullable(sessionName),
  }),
  v.strictObject({
    v: v.literal(LINK_CONTROL_VERSION),
    type: v.literal('fast-offer'),
    /** Counts from 1; both sides install the session once they hold both offers of one generation. */
    generation: uint32,
    receiveIndex: uint32,
    receiveKey: key,
    ciphers: v.pipe(v.array(v.pipe(v.string(), v.maxLength(32))), v.maxLength(8)),
    /** AES-256-GCM is the quicker cipher on the sender's CPU. */
    aesHardware: v.boolean(),
    endpoints,
  }),
  v.strictObject({
    v: v.literal(LINK_CONTROL_VERSION),
    type: v.literal('fast-ready'),
    generation: uint32,
    step: v.picklist(['receive', 'send']),
  }),
  v.strictObject({ v: v.literal(LINK_CONTROL_VERSION), type: v.literal('endpoints'), endpoints }),
  v.strictObject({ v: v.literal(LINK_CONTROL_VERSION), type: v.literal('ping'), id: uint32 }),
  v.strictObject({ v: v.literal(LINK_CONTROL_VERSION), type: v.literal('pong'), id: uint32 }),
  v.strictObject({ v: v.literal(LINK_CONTROL_VERSION), type: v.literal('quiet') }),
  v.strictObject({
    v: v.literal(LINK_CONTROL_VERSION),
    type: v.literal('bye'),
    reason: v.pipe(v.string(), v.maxLength(64)),
  }),
]);

type Versioned = v.InferOutput<typeof message>;
/** `receiveKey` is 32 raw bytes here and base64 on the wire. */
export type LinkControl = Versioned extends infer M ? (M extends Versioned ? Omit<M, 'v'> : never) : never;
export type FastOffer = Extract<LinkControl, { type: 'fast-offer' }>;
export type FastReady = Extract<LinkControl, { type: 'fast-ready' }>;

export function encodeLinkControl(control: LinkControl): string {
  const plain =
    control.type === 'fast-offer'
      ? { ...control, receiveKey: Buffer.from(control.receiveKey).toString('base64') }
      : control;
  return JSON.stringify({ v: LINK_CONTROL_VERSION, ...plain });
}

/** Null where it is not exactly one of the messages above, of this version. */
export function decodeLinkControl(text: string): LinkControl | null {
  if (text.length > MAX_CONTROL_BYTES) return null;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const result = v.safeParse(message, json);
  if (!result.success) return null;
  const { v: _version, ...control } = result.output;
  return control;
}
