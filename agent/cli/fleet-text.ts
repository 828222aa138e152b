/** Devices and registrar events as text for people, and devices as JSON for programs. */
import type { DeviceStatus } from '../../provisioning/fleet/fleet-observer.ts';
import type { Fleet } from '../../provisioning/fleet/fleet-records.ts';
import type { RegistrarEvent } from '../../provisioning/fleet/registrar.ts';
import type { Rollout } from '../../provisioning/fleet/rollout.ts';
import { factsText, harmless, tableText } from './terminal-text.ts';

/** No secret in it: the claim appears only as its id and its end. */
export function deviceJson({ device, node, seen }: DeviceStatus): object {
  return {
    name: device.name,
    ip4: device.ip4,
    tags: device.tags,
    addedAt: device.addedAt,
    claim: { id: device.claim.id, expires: device.claim.expires, used: node !== null },
    node: node && { id: node.nodeId, enrolledAt: node.enrolledAt, hardware: node.hardware },
    presence: seen.presence,
    ack: seen.ack,
  };
}

export function deviceTable(rows: readonly DeviceStatus[]): string {
  const cells = rows.map(({ device, node }) => [
    device.name,
    device.ip4,
    device.tags.join(',') || '-',
    node ? 'enrolled' : 'claim not used',
    node?.nodeId ?? '-',
  ]);
  return tableText(['device', 'address', 'tags', 'state', 'node'], cells, []);
}

export function statusTable(rows: readonly DeviceStatus[]): string {
  const cells = rows.map(({ device, node, seen }) => [
    device.name,
    device.ip4,
    node ? (seen.presence?.online ? 'online' : 'offline') : 'not enrolled',
    seen.ack?.serial ? String(seen.ack.serial) : '-',
    seen.ack ? [seen.ack.outcome, seen.ack.reason].filter(Boolean).join(': ') : '-',
    seen.presence ? new Date(seen.presence.at).toISOString() : '-',
  ]);
  return tableText(['device', 'address', 'presence', 'config', 'outcome', 'since'], cells, [3]);
}

/** How far new settings have come. */
export function rolloutText({ waves, released, problem }: Rollout): string {
  if (problem !== null) {
    return `settings: taken back from all devices, because ${problem}; apply others, or --stop to be rid of this note`;
  }
  return `settings: wave ${released} of ${waves.length} has the new ones: ${waves.slice(0, released).flat().join(', ')}`;
}

export function deviceFacts({ device, node, seen }: DeviceStatus): string {
  const end = new Date(device.claim.expires).toISOString();
  return factsText([
    ['device', device.name],
    ['address', device.ip4],
    ['tags', device.tags.join(', ') || 'none'],
    ['claim', `${device.claim.id}, ${node ? 'used' : `to be used before ${end}`}`],
    ['node', node?.nodeId ?? 'none yet'],
    ['hardware', node ? `${node.hardware.model}, ${node.hardware.arch}, agent ${node.hardware.agent}` : '-'],
    ['presence', seen.presence ? (seen.presence.online ? 'online' : 'offline') : 'never seen'],
    [
      'config',
      seen.ack ? `${seen.ack.serial ?? '-'} ${seen.ack.outcome} ${seen.ack.problem ?? ''}` : 'no ack yet',
    ],
  ]);
}

export function fleetFacts(fleet: Fleet, devices: number, revoked: number): string {
  return factsText([
    ['fleet', fleet.name],
    ['id', fleet.fleetId],
    ['broker', fleet.broker.url],
    ['network', `${fleet.network.ip4}, ${fleet.network.ip6}`],
    ['devices', String(devices)],
    ['revoked', String(revoked)],
  ]);
}

/** One line for each event of the registrar. */
export function eventText(event: RegistrarEvent): string {
  return `${harmless(sentenceOf(event))}\n`;
}

function sentenceOf(event: RegistrarEvent): string {
  switch (event.event) {
    case 'ready':
      return `ready: fleet ${event.fleet} (${event.fleetId}), ${event.enrolled} of ${event.devices} devices enrolled`;
    case 'broker':
      return event.connected
        ? 'broker: connected'
        : `broker: not connected: ${event.problem ?? 'unknown reason'}`;
    case 'admitted':
      return `admitted: ${event.device} as ${event.nodeId}, ${event.ip4}`;
    case 'refused':
      return `refused: claim ${event.claim}: ${event.problem}`;
    case 'rollout':
      return event.problem === null
        ? `settings: wave ${event.wave} of ${event.waves} ${event.state}`
        : `settings: taken back: ${event.problem}`;
    case 'revoked':
      return `revoked: ${event.devices} in all are on the list`;
    case 'presence':
      return `${event.online ? 'online' : 'offline'}: ${event.device}`;
    case 'ack':
      return `config: ${event.device}: ${event.serial ?? '-'} ${event.outcome}${event.reason ? `: ${event.reason}` : ''}`;
    case 'problem':
      return `problem: ${event.problem}`;
  }
}
