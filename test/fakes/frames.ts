/** Ethernet frames as a Linux kernel writes them into the TAP of the node 02:00:00:00:00:01. */
import { macBytes } from '../../agent/wire/ethernet-frame.ts';

export const OWN_MAC = '02:00:00:00:00:01';

export function arpRequestFrame(senderIp: string, targetIp: string): Uint8Array {
  const ip = (text: string) => text.split('.').map(Number);
  return Uint8Array.from([
    ...[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...macBytes(OWN_MAC), 0x08, 0x06],
    ...[0, 1, 8, 0, 6, 4, 0, 1, ...macBytes(OWN_MAC), ...ip(senderIp), 0, 0, 0, 0, 0, 0, ...ip(targetIp)],
  ]);
}

/** `target` without `::`, for simplicity. */
export function solicitationFrame(target: string): Uint8Array {
  const address = target.split(':').flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
  const source = [0xfd, ...new Array<number>(14).fill(0), 1];
  const group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...address.slice(13)];
  return Uint8Array.from([
    ...[0x33, 0x33, ...group.slice(12), ...macBytes(OWN_MAC), 0x86, 0xdd],
    ...[0x60, 0, 0, 0, 0, 32, 58, 255, ...source, ...group],
    ...[135, 0, 0, 0, 0, 0, 0, 0, ...address, 1, 1, ...macBytes(OWN_MAC)],
  ]);
}

export interface UdpFrame {
  to: string;
  destination: string;
  port?: number;
  bytes?: number;
  protocol?: number;
}

/** An IPv4 frame from 10.64.0.1 with `bytes` bytes of payload. */
export function ip4Frame({ to, destination, port = 9, bytes = 8, protocol = 17 }: UdpFrame): Uint8Array {
  const header = [0x45, 0, 0, 28 + bytes, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 64, 0, 1];
  return Uint8Array.from([
    ...[...macBytes(to), ...macBytes(OWN_MAC), 0x08, 0x00],
    ...[...header, ...destination.split('.').map(Number)],
    ...[0x30, 0x39, port >> 8, port & 255, 0, 8 + bytes, 0, 0, ...new Array<number>(bytes).fill(0)],
  ]);
}
