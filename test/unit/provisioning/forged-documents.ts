/** Documents of one fleet, good ones and those that an attacker would make of them. */
import { HpkeSealer } from '../../../agent/adapters/hpke-sealer.ts';
import { payloadTypeOf } from '../../../agent/trust/document-kinds.ts';
import {
  newSigningKeyPem,
  type SigningKey,
  signEnvelope,
  signingKeyOfPem,
} from '../../../agent/trust/signed-envelope.ts';
import { ip6NetworkOfFleet, ip6OfNode } from '../../../agent/wire/node-address.ts';
import { type ConfigContent, signConfig } from '../../../provisioning/documents/config-document.ts';
import { base64Of } from '../../../provisioning/documents/document-fields.ts';
import { signCertificate } from '../../../provisioning/documents/membership.ts';
import { adoptRoot, signRoot } from '../../../provisioning/documents/root-document.ts';

export const NOW = Date.UTC(2026, 10, 1);
export const sealer = new HpkeSealer();
export const sealing = await sealer.generateKeyPair();
export const newKey = (): SigningKey => signingKeyOfPem(newSigningKeyPem());
export const [rootKey, configKey, freshKey, deviceKey] = [newKey(), newKey(), newKey(), newKey()];
export const fleetId = rootKey.keyId;
export const nodeId = deviceKey.keyId;
const network = { ip4: '10.64.0.0/16', ip6: ip6NetworkOfFleet(fleetId) };

export interface Roles {
  version?: number;
  epoch?: number;
  root?: SigningKey[];
  rootThreshold?: number;
  config?: SigningKey;
}

export function rootOf({
  version = 1,
  epoch = 1,
  root = [rootKey],
  rootThreshold = 1,
  config = configKey,
}: Roles) {
  const role = (keys: SigningKey[], threshold = 1) => ({
    threshold,
    keys: keys.map((key) => base64Of(key.publicKey)),
  });
  const roles = { root: role(root, rootThreshold), config: role([config]), fresh: role([freshKey]) };
  return { fleetId, fleetName: 'home', version, epoch, issuedAt: NOW, network, roles };
}

export const root = adoptRoot(signRoot(rootOf({}), [rootKey]));

export function certificate(change: object = {}, key = configKey): Uint8Array {
  const content = {
    fleetId,
    name: 'greenhouse',
    publicKey: deviceKey.publicKey,
    sealingKey: sealing.publicKey,
    ip4: '10.64.0.2',
    tags: ['sensor'],
    epoch: 1,
    serial: 1,
    issuedAt: NOW,
    expires: null,
  };
  return signCertificate({ ...content, ...change }, key);
}

export function content(change: Partial<ConfigContent> = {}): ConfigContent {
  return {
    fleetId,
    nodeId,
    rootVersion: 1,
    epoch: 1,
    serial: 5,
    issuedAt: NOW,
    expires: null,
    certificate: certificate(),
    settings: {
      device: { name: 'greenhouse', ip4: '10.64.0.2', ip6: ip6OfNode(fleetId, nodeId), tags: ['sensor'] },
      network: { ...network, mtuBytes: 1400 },
      broker: { url: 'mqtts://broker.example' },
      links: { iceServers: [], idleCloseMs: 300_000, udpPort: 0 },
      sensors: { enabled: true, intervalMs: 5_000, httpPort: 80 },
      confirm: { timeoutMs: 60_000 },
    },
    ...change,
  };
}

export function config(
  change: Partial<ConfigContent> = {},
  key = configKey,
  to = sealing.publicKey,
): Promise<Uint8Array> {
  return signConfig(content(change), { brokerPassword: 'swordfish', iceServers: [] }, to, sealer, key);
}

/** Signs whatever it is given, past the schema: what a thief of the config key can do. */
export function rawConfig(change: object, drop: string[] = []): Uint8Array {
  const payload: Record<string, unknown> = {
    ...content(),
    certificate: base64Of(certificate()),
    secrets: null,
    ...change,
  };
  for (const name of drop) delete payload[name];
  return signEnvelope(payloadTypeOf('config'), payload, [configKey]);
}

export function envelopeWith(
  bytes: Uint8Array,
  change: (envelope: Record<string, unknown>) => void,
): Uint8Array {
  const envelope = JSON.parse(Buffer.from(bytes).toString());
  change(envelope);
  return Buffer.from(JSON.stringify(envelope));
}
