/**
 * A bound on MQTT packets where they enter the broker: aedes collects a whole packet, up to 256 MB by its own header,
 * before it looks at it. Only the fixed header is read here (MQTT 3.1.1, section 2.2: type, then 1–4 length bytes).
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Follows packet borders through a stream of bytes. */
export class PacketBound {
  readonly #maxBytes: number;
  /** Body bytes that are still to come; null: in the fixed header. */
  #bodyLeft: number | null = null;
  #length = 0;
  /** Bytes of the fixed header that have been read. */
  #headerBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False as soon as a header tells of a packet larger than the bound, or is no MQTT header. */
  admits(bytes: Uint8Array): boolean {
    let at = 0;
    while (at < bytes.length) {
      if (this.#bodyLeft === null) {
        if (!this.#readHeaderByte(bytes[at] ?? 0)) return false;
        at += 1;
      } else {
        const taken = Math.min(this.#bodyLeft, bytes.length - at);
        at += taken;
        this.#bodyLeft -= taken;
      }
      if (this.#bodyLeft === 0) this.#startPacket();
    }
    return true;
  }

  #startPacket(): void {
    this.#bodyLeft = null;
    this.#length = 0;
    this.#headerBytes = 0;
  }

  #readHeaderByte(byte: number): boolean {
    this.#headerBytes += 1;
    if (this.#headerBytes === 1) return true;
    this.#length += (byte & 0x7f) * 128 ** (this.#headerBytes - 2);
    if (this.#length > this.#maxBytes) return false;
    if ((byte & 0x80) !== 0) return this.#headerBytes < 5;
    this.#bodyLeft = this.#length;
    return true;
  }
}

/** The socket as aedes sees it; it is destroyed by the first packet beyond the bound. */
export class BoundedConnection extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket, maxBytes: number) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    const bound = new PacketBound(maxBytes);
    socket.on('data', (chunk: Buffer) => {
      if (!bound.admits(chunk)) {
        this.destroy(new Error(`a packet is larger than ${maxBytes} bytes`));
      } else if (!this.push(chunk)) {
        socket.pause();
      }
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
