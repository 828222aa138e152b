/** Input devices whose events a test writes, as a 64-bit little-endian kernel would. */
import { EnvironmentFault } from '../../agent/errors.ts';
import type { InputEvents } from '../../agent/ports/input-events.ts';

interface Followed {
  onBytes: (bytes: Uint8Array) => void;
  onEnd: () => void;
}

export class FakeInputEvents implements InputEvents {
  readonly wordBytes = 8;
  readonly littleEndian = true;
  readonly open = new Map<string, Followed>();
  readonly missing = new Set<string>();

  async follow(path: string, onBytes: (bytes: Uint8Array) => void, onEnd: () => void) {
    if (this.missing.has(path)) throw new EnvironmentFault('device-gone', `cannot open ${path} (ENOENT)`);
    this.open.set(path, { onBytes, onEnd });
    return { close: () => void this.open.delete(path) };
  }

  send(path: string, ...events: [type: number, code: number, value: number][]): void {
    for (const event of events) this.open.get(path)?.onBytes(eventBytes(...event));
  }

  unplug(path: string): void {
    this.missing.add(path);
    this.open.get(path)?.onEnd();
  }
}

export function eventBytes(type: number, code: number, value: number, wordBytes = 8): Uint8Array {
  const bytes = Buffer.alloc(2 * wordBytes + 8);
  bytes.writeUInt32LE(1_790_000_000);
  bytes.writeUInt16LE(type, 2 * wordBytes);
  bytes.writeUInt16LE(code, 2 * wordBytes + 2);
  bytes.writeInt32LE(value, 2 * wordBytes + 4);
  return bytes;
}
