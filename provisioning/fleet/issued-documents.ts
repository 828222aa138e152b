/**
 * Certificates and configs as the registrar issues them. A serial is a file that can be created once: of two
 * registrars one wins, and the other publishes the winner's document, so a serial never means two things.
 */
import { createHash } from 'node:crypto';
import type { Sealer } from '../../agent/ports/sealer.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { ip6OfNode } from '../../agent/wire/node-address.ts';
import { signConfig } from '../documents/config-document.ts';
import { base64Of } from '../documents/document-fields.ts';
import { signCertificate } from '../documents/membership.ts';
import { createJson, readJson } from '../documents/stored-json.ts';
import { policyFor } from './device-policy.ts';
import { type FleetDirectory, numbersIn } from './fleet-directory.ts';
import { type Device, type EnrolledNode, IssuedSchema, type Settings } from './fleet-records.ts';

/** Earlier serials that stay in the directory, for the owner to look at. */
const KEPT = 3;

/** What the broker shall hold for one device. */
export interface IssuedPair {
  ip6: string;
  member: Uint8Array;
  config: Uint8Array;
  configSerial: number;
}

interface Issued {
  serial: number;
  envelope: Uint8Array;
}

/** Issues what is missing or out of date, and returns what is current. */
export async function issueFor(
  directory: FleetDirectory,
  device: Device,
  node: EnrolledNode,
  configKey: SigningKey,
  sealer: Sealer,
  nowMs: number,
): Promise<IssuedPair> {
  const member = await issueMember(directory, device, node, configKey, nowMs);
  const config = await issueConfig(directory, device, node, member, configKey, sealer, nowMs);
  const ip6 = ip6OfNode(directory.fleet.fleetId, node.nodeId);
  return { ip6, member: member.envelope, config: config.envelope, configSerial: config.serial };
}

async function issueMember(
  directory: FleetDirectory,
  device: Device,
  node: EnrolledNode,
  configKey: SigningKey,
  nowMs: number,
): Promise<Issued> {
  const content = {
    fleetId: directory.fleet.fleetId,
    name: device.name,
    publicKey: node.publicKey,
    sealingKey: node.sealingKey,
    ip4: device.ip4,
    tags: device.tags,
    epoch: directory.root.document.epoch,
    expires: null,
  };
  const keys = [base64Of(node.publicKey), base64Of(node.sealingKey), configKey.keyId];
  return issue(directory, device.name, 'member', [content, keys], nowMs, async (serial, issuedAt) =>
    signCertificate({ ...content, serial, issuedAt }, configKey),
  );
}

async function issueConfig(
  directory: FleetDirectory,
  device: Device,
  node: EnrolledNode,
  member: Issued,
  configKey: SigningKey,
  sealer: Sealer,
  nowMs: number,
): Promise<Issued> {
  const { fleet, root } = directory;
  const { settings, secrets } = wishesFor(directory, directory.settingsOf(device.name), device, node);
  const content = {
    fleetId: fleet.fleetId,
    nodeId: node.nodeId,
    rootVersion: root.document.version,
    epoch: root.document.epoch,
    expires: null,
    certificate: member.envelope,
    settings,
  };
  const inputs = [{ ...content, certificate: member.serial }, secrets, configKey.keyId];
  return issue(directory, device.name, 'config', inputs, nowMs, (serial, issuedAt) =>
    signConfig({ ...content, serial, issuedAt }, secrets, node.sealingKey, sealer, configKey),
  );
}

/** What the device shall be, with everything secret apart. */
export function wishesFor(
  directory: FleetDirectory,
  wanted: Settings,
  device: Device,
  node: Pick<EnrolledNode, 'nodeId'>,
) {
  const { fleet } = directory;
  const { password, ...broker } = directory.deviceBroker();
  const { mtuBytes, links, sensors, deviceSensors, policy, confirm, wifi } = wanted;
  const { homeAssistant, homeAssistantPassword } = homeAssistantOf(wanted);
  const { name, ip4, tags } = device;
  // A server with a login would give it to every reader of the broker.
  const isSecret = (server: string): boolean => server.includes('@');
  const settings = {
    device: { name, ip4, ip6: ip6OfNode(fleet.fleetId, node.nodeId), tags },
    network: { ...fleet.network, mtuBytes },
    broker,
    links: { ...links, iceServers: links.iceServers.filter((server) => !isSecret(server)) },
    sensors: { ...sensors, ...deviceSensors?.[name] },
    ...(policy === undefined ? {} : { policy: policyFor(device, policy) }),
    ...(homeAssistant ? { homeAssistant } : {}),
    confirm,
  };
  const secrets = {
    ...(password === undefined ? {} : { brokerPassword: password }),
    ...(homeAssistantPassword === undefined ? {} : { homeAssistantPassword }),
    iceServers: links.iceServers.filter(isSecret),
    ...(wifi === undefined ? {} : { wifi }),
  };
  return { settings, secrets };
}

/** What of it every reader of the broker may see, and the password. */
function homeAssistantOf({ homeAssistant: wanted }: Settings) {
  if (!wanted) return {};
  const { password: homeAssistantPassword, ...homeAssistant } = wanted;
  return { homeAssistant, homeAssistantPassword };
}

async function issue(
  directory: FleetDirectory,
  name: string,
  kind: 'member' | 'config',
  inputs: readonly unknown[],
  nowMs: number,
  sign: (serial: number, issuedAt: number) => Promise<Uint8Array>,
): Promise<Issued> {
  const wanted = createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
  const { store } = directory;
  for (;;) {
    const serials = numbersIn(await store.list(`issued/${name}`), new RegExp(`^${kind}-(\\d+)\\.json$`));
    const newest = serials.at(-1) ?? 0;
    const issued = newest ? await readJson(store, pathOf(name, kind, newest), IssuedSchema) : null;
    if (issued?.inputs === wanted) return { serial: newest, envelope: issued.envelope };
    const serial = newest + 1;
    // A laptop whose clock was set back must not issue a certificate that looks older than the last one.
    const issuedAt = Math.max(nowMs, (issued?.issuedAt ?? 0) + 1);
    const envelope = await sign(serial, issuedAt);
    const record = { inputs: wanted, issuedAt, envelope: base64Of(envelope) };
    if (!(await createJson(store, pathOf(name, kind, serial), IssuedSchema, record))) continue;
    for (const old of serials.filter((before) => before <= serial - KEPT)) {
      await store.remove(pathOf(name, kind, old));
    }
    return { serial, envelope };
  }
}

function pathOf(name: string, kind: string, serial: number): string {
  return `issued/${name}/${kind}-${serial}.json`;
}
