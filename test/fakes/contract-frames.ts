/** Ethernet frames between any two nodes, whole enough for a kernel to look at. */
import { macBytes } from '../../agent/wire/ethernet-frame.ts';

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

interface Node {
  mac: string;
  ip4: string;
}

const ip = (text: string) => text.split('.').map(Number);

/** An IPv4 packet of an experimental protocol (RFC 3692), which no kernel answers from a stack of its own. */
export function ip4Packet({ from, to, text }: { from: Node; to: Node; text: string }): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const header = [0x45, 0, 0, 20 + payload.length, 0, 0, 0, 0, 64, 253, 0, 0, ...ip(from.ip4), ...ip(to.ip4)];
  return Uint8Array.from([...macBytes(to.mac), ...macBytes(from.mac), 0x08, 0x00, ...header, ...payload]);
}

export function arpRequest({ from, to, targetIp }: { from: Node; to: string; targetIp: string }): Uint8Array {
  return Uint8Array.from([
    ...[...macBytes(to), ...macBytes(from.mac), 0x08, 0x06],
    ...[0, 1, 8, 0, 6, 4, 0, 1, ...macBytes(from.mac), ...ip(from.ip4), 0, 0, 0, 0, 0, 0, ...ip(targetIp)],
  ]);
}
