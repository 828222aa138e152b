/** The network below the overlay, for FakeDatapaths: delivers at once, unless a test cuts, changes or repeats packets. */
import type { AeadCipher, Endpoint } from '../../agent/ports/datapath.ts';

export interface FakePacket {
  index: number;
  key: Uint8Array;
  cipher: AeadCipher;
  counter: number;
  payload:
    | { type: 'frame'; frame: Uint8Array }
    /** `bytes`: what a probe is padded to; 0: nothing. */
    | { type: 'probe' | 'echo'; id: number; sentAtMs: number; bytes: number };
}

type Receiver = (packet: FakePacket, from: Endpoint) => void;

export class FakeUnderlay {
  /** What becomes of each packet: the packets that arrive in its place. A test sets it. */
  onTheWay: (packet: FakePacket, from: Endpoint, to: Endpoint) => FakePacket[] = (packet) => [packet];
  /** A STUN server: what it answers to a message from `from`. A test sets it. */
  onStun: (message: Uint8Array, from: Endpoint, to: Endpoint) => Uint8Array | null = () => null;
  readonly #receivers = new Map<string, Receiver>();
  #nextPort = 40_000;

  /** The port, chosen here where it is 0. */
  bind(address: string, port: number, receive: Receiver): number {
    const bound = port || this.#nextPort++;
    this.#receivers.set(`${address} ${bound}`, receive);
    return bound;
  }

  unbind(address: string, port: number): void {
    this.#receivers.delete(`${address} ${port}`);
  }

  send(from: Endpoint, to: Endpoint, packet: FakePacket): void {
    for (const arriving of this.onTheWay(packet, from, to)) {
      queueMicrotask(() => this.#receivers.get(`${to.address} ${to.port}`)?.(arriving, from));
    }
  }
}
