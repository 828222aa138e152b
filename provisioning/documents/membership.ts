/**
 * Membership certificates: public, one per node, signed by the config key. The fleet's root is all that a peer needs
 * to believe one, so it does not matter who hands it over.
 */
import * as v from 'valibot';
import { Refusal } from '../../agent/errors.ts';
import type { Membership } from '../../agent/ports/member-directory.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { idOfPublicKey, ip6OfNode } from '../../agent/wire/node-address.ts';
import { contains } from './address-plan.ts';
import {
  base64Of,
  bytesField,
  idField,
  ip4Field,
  ip6Field,
  labelField,
  serialField,
  tagsField,
  timeField,
} from './document-fields.ts';
import type { RootDocument } from './root-document.ts';
import { openDocument, readUnverified, signDocument } from './signed-document.ts';

const MemberSchema = v.strictObject({
  fleetId: idField,
  nodeId: idField,
  name: labelField,
  publicKey: bytesField(32),
  sealingKey: bytesField(32),
  ip4: ip4Field,
  ip6: ip6Field,
  tags: tagsField,
  epoch: serialField,
  serial: serialField,
  issuedAt: timeField,
  expires: v.nullable(timeField),
});

/** A verified certificate with what only its keeper needs. */
export interface Certificate {
  readonly member: Membership;
  readonly epoch: number;
  readonly issuedAt: number;
  readonly expires: number | null;
}

export type CertificateContent = Omit<v.InferOutput<typeof MemberSchema>, 'ip6' | 'nodeId'>;

/** Node id and IPv6 address follow from the key and are not for the caller to choose. */
export function signCertificate(content: CertificateContent, configKey: SigningKey): Uint8Array {
  const nodeId = idOfPublicKey(content.publicKey);
  const payload = {
    ...content,
    nodeId,
    ip6: ip6OfNode(content.fleetId, nodeId),
    publicKey: base64Of(content.publicKey),
    sealingKey: base64Of(content.sealingKey),
  };
  return signDocument('member', MemberSchema, payload, [configKey]);
}

/**
 * Throws Refusal: those of openDocument, `other-fleet`, `wrong-epoch`, `node-id-mismatch` (not the id of its public
 * key), `address-mismatch` (IPv6 not the node's, IPv4 outside the network), `member-expired`.
 */
export function readCertificate(
  bytes: Uint8Array,
  root: RootDocument,
  isPast: (unixMs: number) => boolean,
): Certificate {
  const { config } = root.roles;
  const document = openDocument('member', MemberSchema, bytes, config.keys, config.threshold);
  const { fleetId, nodeId, epoch, issuedAt, expires, ...fields } = document;
  if (fleetId !== root.fleetId) throw new Refusal('other-fleet', `${fields.name} is of fleet ${fleetId}`);
  if (epoch !== root.epoch) {
    throw new Refusal(
      'wrong-epoch',
      `the certificate of ${fields.name} is of epoch ${epoch}, not ${root.epoch}`,
    );
  }
  if (idOfPublicKey(fields.publicKey) !== nodeId) {
    throw new Refusal('node-id-mismatch', `the certificate of ${fields.name} names a key of another node`);
  }
  if (fields.ip6 !== ip6OfNode(fleetId, nodeId) || !contains(root.network.ip4, fields.ip4)) {
    throw new Refusal('address-mismatch', `the addresses of ${fields.name} are not its own`);
  }
  if (expires !== null && isPast(expires)) {
    throw new Refusal('member-expired', `the certificate of ${fields.name} has ended`);
  }
  return { member: { ...fields, nodeId, certificate: bytes }, epoch, issuedAt, expires };
}

/** A certificate out of our own state, which was verified when it came. Throws Refusal like readUnverified. */
export function readKeptCertificate(bytes: Uint8Array): Membership {
  const { fleetId, epoch, issuedAt, expires, ...fields } = readUnverified(
    'member',
    MemberSchema,
    bytes,
  ).document;
  return { ...fields, certificate: bytes };
}

/** Whether `next` replaces `known`. Serials order one node's certificates; across nodes only the time of issue can. */
export function isNewer(next: Certificate, known: Certificate): boolean {
  if (next.member.nodeId === known.member.nodeId) return next.member.serial > known.member.serial;
  return next.issuedAt > known.issuedAt;
}
