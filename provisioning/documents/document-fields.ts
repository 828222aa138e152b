/** The fields that signed documents are made of, each with its limits. Everything from outside passes through these. */
import ipaddr from 'ipaddr.js';
import * as v from 'valibot';
import { ID_PATTERN } from '../../agent/wire/node-address.ts';

/** A DNS label (RFC 1123) in lower case: device names become `NAME.local`. */
export const LABEL_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const CLAIM_ID_PATTERN = /^[0-9a-f]{32}$/;
const BROKER_URL_PATTERN = /^(?:mqtt|mqtts|ws|wss):\/\/[^\s/]+(?:\/\S*)?$/;

export const labelField = v.pipe(v.string(), v.regex(LABEL_PATTERN));
export const idField = v.pipe(v.string(), v.regex(ID_PATTERN));
export const claimIdField = v.pipe(v.string(), v.regex(CLAIM_ID_PATTERN));
export const tagsField = v.pipe(v.array(labelField), v.maxLength(32));

export const integerField = (min: number, max: number) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max));

/** Serials and versions start at 1; zero is never issued. */
export const serialField = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/** Unix milliseconds. */
export const timeField = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Plain text for people: bounded, and without control characters that could play with a terminal. */
export const textField = (maxLength: number) =>
  v.pipe(
    v.string(),
    v.maxLength(maxLength),
    v.check((text) => !hasControlCharacter(text), 'control character'),
  );
/** Kebab-case names that scripts match on. */
export const reasonField = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,63}$/));

export const brokerUrlField = v.pipe(v.string(), v.maxLength(512), v.regex(BROKER_URL_PATTERN));
/** PEM, one or several certificates. */
export const caField = v.pipe(v.string(), v.maxLength(16 * 1024), v.includes('-----BEGIN CERTIFICATE-----'));

export const ip4Field = v.pipe(
  v.string(),
  v.check((text) => ipaddr.IPv4.isValidFourPartDecimal(text) && ipaddr.IPv4.parse(text).toString() === text),
);
export const ip6Field = v.pipe(
  v.string(),
  v.check((text) => ipaddr.IPv6.isValid(text) && ipaddr.IPv6.parse(text).toRFC5952String() === text),
);
/** `a.b.c.d/n` with zero host bits, n from 8 to 30: room for two members at least. */
export const ip4NetworkField = v.pipe(v.string(), v.check(isIp4Network, 'not an IPv4 network'));
/** `prefix::/64`. */
export const ip6NetworkField = v.pipe(v.string(), v.maxLength(45), v.regex(/^fd[0-9a-f:]+::\/64$/));

/** Exactly `length` bytes, in canonical base64 so that a value has one form only. */
export const bytesField = (length: number) =>
  v.pipe(
    v.string(),
    v.check((text) => decodedBase64(text)?.length === length, `not ${length} bytes in base64`),
    v.transform((text): Uint8Array => Buffer.from(text, 'base64')),
  );
/** Up to `maxBytes` bytes in canonical base64. */
export const blobField = (maxBytes: number) =>
  v.pipe(
    v.string(),
    v.check((text) => (decodedBase64(text)?.length ?? Number.POSITIVE_INFINITY) <= maxBytes, 'not base64'),
    v.transform((text): Uint8Array => Buffer.from(text, 'base64')),
  );

/** The form in which bytes stand in documents. */
export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function decodedBase64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

function hasControlCharacter(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\u007f');
}

function isIp4Network(text: string): boolean {
  try {
    const [address, prefixLength] = ipaddr.IPv4.parseCIDR(text);
    const network = ipaddr.IPv4.networkAddressFromCIDR(text);
    return (
      `${address}/${prefixLength}` === text &&
      `${network}` === `${address}` &&
      8 <= prefixLength &&
      prefixLength <= 30
    );
  } catch {
    return false;
  }
}
