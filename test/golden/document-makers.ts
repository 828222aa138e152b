/** One document of every kind from fixed keys and fixed words, to compare with the bytes in signed-documents.json. */
import { createPrivateKey } from 'node:crypto';
import { HpkeSealer } from '../../agent/adapters/hpke-sealer.ts';
import type { DocumentKind } from '../../agent/trust/document-kinds.ts';
import { type SigningKey, signingKeyOfPem } from '../../agent/trust/signed-envelope.ts';
import { ip6NetworkOfFleet, ip6OfNode } from '../../agent/wire/node-address.ts';
import { readClaim, signClaim } from '../../provisioning/documents/claim.ts';
import { ConfigSchema, signConfig } from '../../provisioning/documents/config-document.ts';
import { readAck, readPresence, signAck, signPresence } from '../../provisioning/documents/device-reports.ts';
import { base64Of } from '../../provisioning/documents/document-fields.ts';
import {
  readHello,
  readReply,
  signHello,
  signReply,
} from '../../provisioning/documents/enrolment-messages.ts';
import { readFresh, signFresh } from '../../provisioning/documents/fresh-statement.ts';
import { readCertificate, signCertificate } from '../../provisioning/documents/membership.ts';
import { readRevocationList, signRevocationList } from '../../provisioning/documents/revocation-list.ts';
import { adoptRoot, signRoot } from '../../provisioning/documents/root-document.ts';
import { openDocument } from '../../provisioning/documents/signed-document.ts';

const AT = Date.UTC(2026, 10, 1);
const never = (): boolean => false;
const filled = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);

/** An Ed25519 key whose seed is one byte 32 times (RFC 8410 section 7). */
function keyOf(byte: number): SigningKey {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), filled(byte)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return signingKeyOfPem(key.export({ type: 'pkcs8', format: 'pem' }).toString());
}

const [rootKey, configKey, freshKey, deviceKey] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)];
const fleetId = rootKey.keyId;
const nodeId = deviceKey.keyId;
const claimId = '00112233445566778899aabbccddeeff';
const nonce = filled(7, 16);
const network = { ip4: '10.64.0.0/16', ip6: ip6NetworkOfFleet(fleetId) };
const role = (key: SigningKey) => ({ threshold: 1, keys: [base64Of(key.publicKey)] });
const report = { fleetId, nodeId, bootCount: 3, at: AT };
const certificateContent = {
  fleetId,
  name: 'greenhouse',
  publicKey: deviceKey.publicKey,
  sealingKey: filled(5),
  ip4: '10.64.0.7',
  tags: ['sensor'],
  epoch: 1,
  serial: 1,
  issuedAt: AT,
  expires: null,
};

const makeRoot = (): Uint8Array =>
  signRoot(
    {
      fleetId,
      fleetName: 'home',
      version: 1,
      epoch: 1,
      issuedAt: AT,
      network,
      roles: { root: role(rootKey), config: role(configKey), fresh: role(freshKey) },
    },
    [rootKey],
  );

const root = adoptRoot(makeRoot()).document;

const settings = {
  device: { name: 'greenhouse', ip4: '10.64.0.7', ip6: ip6OfNode(fleetId, nodeId), tags: ['sensor'] },
  network: { ...network, mtuBytes: 1400 },
  broker: { url: 'mqtts://broker.example' },
  links: { iceServers: ['stun:stun.example:3478'], idleCloseMs: 300_000, udpPort: 0 },
  sensors: { enabled: true, intervalMs: 5_000, httpPort: 80 },
  confirm: { timeoutMs: 60_000 },
};

/** How each kind is made from the fixed words. */
export const makers: Readonly<Record<DocumentKind, () => Uint8Array | Promise<Uint8Array>>> = {
  root: makeRoot,
  claim: () =>
    signClaim(
      {
        fleetId,
        fleetName: 'home',
        device: 'greenhouse',
        claimId,
        secret: filled(6),
        root: makeRoot(),
        broker: { url: 'mqtts://broker.example', username: 'board', password: 'swordfish' },
        issuedAt: AT,
        expires: AT + 2_592_000_000,
      },
      configKey,
    ),
  hello: () =>
    signHello(
      {
        fleetId,
        claimId,
        nonce,
        publicKey: deviceKey.publicKey,
        sealingKey: filled(5),
        bootCount: 3,
        hardware: { model: 'Raspberry Pi 4 Model B', arch: 'arm64', agent: '0.1.0' },
      },
      filled(6),
      deviceKey,
    ),
  reply: () => signReply({ fleetId, claimId, nonce, nodeId, issuedAt: AT, refusal: null }, configKey),
  member: () => signCertificate(certificateContent, configKey),
  config: () =>
    signConfig(
      {
        fleetId,
        nodeId,
        rootVersion: 1,
        epoch: 1,
        serial: 5,
        issuedAt: AT,
        expires: null,
        certificate: signCertificate(certificateContent, configKey),
        settings,
      },
      { iceServers: [] },
      filled(5),
      new HpkeSealer(),
      configKey,
    ),
  fresh: () => signFresh({ fleetId, sequence: 9, issuedAt: AT, rootVersion: 1 }, freshKey),
  revoked: () =>
    signRevocationList({ fleetId, epoch: 1, serial: 7, issuedAt: AT, nodes: [nodeId] }, configKey),
  ack: () =>
    signAck(
      { ...report, serial: 5, hash: 'ab'.repeat(32), outcome: 'committed', reason: null, problem: null },
      deviceKey,
    ),
  status: () => signPresence({ ...report, online: true, agent: '0.1.0' }, deviceKey),
};

/** How each kind is read by whoever receives it. Throws Refusal. */
export const readers: Readonly<Record<DocumentKind, (bytes: Uint8Array) => object>> = {
  root: adoptRoot,
  claim: (bytes) => readClaim(bytes, never),
  hello: readHello,
  reply: (bytes) => readReply(bytes, root, { claimId, nonce, nodeId }),
  member: (bytes) => readCertificate(bytes, root, never),
  config: (bytes) => openDocument('config', ConfigSchema, bytes, root.roles.config.keys) as object,
  fresh: (bytes) => readFresh(bytes, root),
  revoked: (bytes) => readRevocationList(bytes, root),
  ack: (bytes) => readAck(bytes, deviceKey.publicKey, nodeId),
  status: (bytes) => readPresence(bytes, deviceKey.publicKey, nodeId),
};
