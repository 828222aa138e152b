/** The closed list of signed documents, with the payload type and the size that each may have. */

/** Every kind travels only where it is expected: a config envelope can never be read as a root, or the reverse. */
export type DocumentKind =
  | 'root'
  | 'claim'
  | 'hello'
  | 'reply'
  | 'member'
  | 'config'
  | 'fresh'
  | 'revoked'
  | 'ack'
  | 'status';

/**
 * Largest envelope per kind, looked at before anything is parsed. A claim carries a root and a CA in PEM; a config and
 * the revocation list stay under the 64 KiB that every broker takes; the others are a few hundred bytes.
 */
export const MAX_DOCUMENT_BYTES: Readonly<Record<DocumentKind, number>> = {
  root: 16 * 1024,
  claim: 48 * 1024,
  hello: 4 * 1024,
  reply: 4 * 1024,
  member: 4 * 1024,
  config: 64 * 1024,
  fresh: 2 * 1024,
  revoked: 64 * 1024,
  ack: 4 * 1024,
  status: 2 * 1024,
};

/** The DSSE payload type of a kind. A change of a document's shape is a new `v`. */
export function payloadTypeOf(kind: DocumentKind): string {
  return `application/vnd.tincan.${kind}+json;v=1`;
}
