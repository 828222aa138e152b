/** What is changed in the descriptions and candidates between libdatachannel and a peer. */
import { isIP } from 'node:net';
import type { CandidateType } from '../ports/peer-transport.ts';

const TYPES: ReadonlySet<string> = new Set<CandidateType>(['host', 'srflx', 'prflx', 'relay']);

/**
 * True for a candidate that may be used: an address, not a host name (which would make the library resolve names that
 * a peer chose), and not one of the overlay's own, which libjuice gathers from the TAP.
 */
export function isUsableCandidate(
  candidate: string,
  isOverlayAddress: (address: string) => boolean,
): boolean {
  const address = candidate.trim().split(/\s+/)[4] ?? '';
  return isIP(address) !== 0 && !isOverlayAddress(address);
}

export function withUsableCandidates(sdp: string, isOverlayAddress: (address: string) => boolean): string {
  return sdp
    .split(/\r\n|\n/)
    .filter((line) => !line.startsWith('a=candidate:') || isUsableCandidate(line, isOverlayAddress))
    .join('\r\n');
}

/**
 * An offer as the answering library shall see it: the offerer begins DTLS. By default the answerer does (RFC 8842
 * section 5.3), but ICE tells the answerer first that it is connected, so its first flight often reaches an offerer
 * that is not listening yet and is repeated only after a second.
 */
export function withOffererFirst(sdp: string): string {
  return sdp.replace(/^a=setup:actpass\s*$/m, 'a=setup:active\r');
}

/** `turn:user:password@host` without its credentials. */
export function withoutCredentials(server: string): string {
  return server.replace(/^(\w+:)(?:\/\/)?.*@/, '$1');
}

/** A type that the library may add one day is taken for one that only ICE itself found. */
export function candidateTypeOf(type: string): CandidateType {
  return TYPES.has(type) ? (type as CandidateType) : 'prflx';
}

/** `address:port`, IPv6 in brackets. */
export function endpointText(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
