/**
 * Putting a device out of its fleet. `revoked/NODE.json` is the commit point: from then on the registrar publishes the node
 * on the revocation list and nothing else of it; what follows frees the device's name and address. A revocation that was
 * interrupted goes on where it is asked for again.
 */
import * as v from 'valibot';
import { Refusal } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { ip6OfNode } from '../../agent/wire/node-address.ts';
import type { Topics } from '../../agent/wire/topics.ts';
import { idField, ip4Field, labelField, serialField, timeField } from '../documents/document-fields.ts';
import { MAX_REVOKED, signRevocationList } from '../documents/revocation-list.ts';
import { createJson, readJson } from '../documents/stored-json.ts';
import type { FleetDirectory } from './fleet-directory.ts';

const RevokedNodeSchema = v.strictObject({
  nodeId: idField,
  name: labelField,
  ip4: ip4Field,
  revokedAt: timeField,
  /** Of the first list that has it. */
  serial: serialField,
});

export type RevokedNode = v.InferOutput<typeof RevokedNodeSchema>;

/** Everybody that was revoked, the last one last. Throws EnvironmentFault('state-corrupt'). */
export async function revokedNodes(store: FileStore): Promise<RevokedNode[]> {
  const files = (await store.list('revoked')).filter((file) => file.endsWith('.json'));
  const nodes = await Promise.all(files.map((file) => readJson(store, `revoked/${file}`, RevokedNodeSchema)));
  return nodes.filter((node) => node !== null).sort((one, other) => one.serial - other.serial);
}

/**
 * Revokes the device, or only its claim where that was not used: then null. Throws Refusal: `no-such-device`,
 * `too-many-revoked`.
 */
export async function revoke(
  directory: FleetDirectory,
  name: string,
  nowMs: number,
): Promise<RevokedNode | null> {
  const { store } = directory;
  const device = await directory.device(name);
  if (!device) {
    throw new Refusal('no-such-device', `there is no device ${name} in this fleet; see "tincan fleet list"`);
  }
  const node = await directory.enrolled(name);
  const revoked = node && (await record(store, { nodeId: node.nodeId, name, ip4: device.ip4 }, nowMs));
  for (const file of await store.list(`issued/${name}`)) await store.remove(`issued/${name}/${file}`);
  for (const path of [`seen/${name}.json`, `enrolled/${name}.json`, `addresses/${device.ip4}`]) {
    await store.remove(path);
  }
  // The last one: without it there is no device to ask for again.
  await store.remove(`devices/${name}.json`);
  await directory.changed();
  return revoked;
}

async function record(
  store: FileStore,
  node: Pick<RevokedNode, 'nodeId' | 'name' | 'ip4'>,
  nowMs: number,
): Promise<RevokedNode> {
  const before = await revokedNodes(store);
  const same = before.find(({ nodeId }) => nodeId === node.nodeId);
  if (same) return same;
  if (before.length >= MAX_REVOKED) {
    throw new Refusal(
      'too-many-revoked',
      `${MAX_REVOKED} devices of this fleet were revoked, and the list has no room for more: make a new fleet`,
    );
  }
  // Beginning at the time leaves a directory that came back from an old copy ahead of what it had said.
  const serial = Math.max((before.at(-1)?.serial ?? 0) + 1, Math.floor(nowMs / 1000));
  const revoked = { ...node, revokedAt: nowMs, serial };
  await createJson(store, `revoked/${node.nodeId}.json`, RevokedNodeSchema, revoked);
  return revoked;
}

/** What the broker may still have of a revoked node. Its name and IPv4 address may be another device's by now. */
export function topicsOfRevoked(
  topics: Topics,
  fleetId: string,
  { nodeId, name, ip4 }: RevokedNode,
): string[] {
  return [
    ...[topics.member(nodeId), topics.config(nodeId), topics.ack(nodeId), topics.status(nodeId)],
    ...[topics.name(name), topics.address(ip4), topics.address(ip6OfNode(fleetId, nodeId))],
  ];
}

/** The list as the broker shall have it; the same bytes whoever signs it. Null while nobody was revoked. */
export function listOf(
  { fleet, root }: FleetDirectory,
  revoked: readonly RevokedNode[],
  configKey: SigningKey,
): Uint8Array | null {
  const last = revoked.at(-1);
  if (!last) return null;
  const list = {
    fleetId: fleet.fleetId,
    epoch: root.document.epoch,
    serial: last.serial,
    issuedAt: last.revokedAt,
    nodes: revoked.map(({ nodeId }) => nodeId),
  };
  return signRevocationList(list, configKey);
}
