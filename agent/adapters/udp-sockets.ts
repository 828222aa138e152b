/**
 * DatagramSockets over Node's UDP sockets. One that hears a group is bound to the group's address and not to a wildcard,
 * so that it takes no unicast from another program on the same port (avahi-daemon, systemd-resolved).
 */
import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import type {
  DatagramBinding,
  DatagramEndpoint,
  DatagramOptions,
  DatagramSockets,
} from '../ports/datagram.ts';
import { listenFault } from './listen-fault.ts';

/** What mDNS wants on everything it sends (RFC 6762 section 11): no router lowered it. */
const GROUP_HOP_LIMIT = 255;

/** Opens real sockets. */
export class UdpSockets implements DatagramSockets {
  async bind(options: DatagramOptions): Promise<DatagramBinding> {
    const { address, port, group } = options;
    const type = address.includes(':') ? 'udp6' : 'udp4';
    const socket = createSocket({ type, reuseAddr: group !== undefined, ipv6Only: type === 'udp6' });
    try {
      if (group === undefined) await bound(socket, address, port);
      else await joined(socket, options, group);
    } catch (error) {
      socket.close();
      throw listenFault(address, port, error instanceof Error ? error : new Error(String(error)));
    }
    socket.on('message', (message, from) => options.receive(message, from));
    // ICMP's answers to what was sent; the socket stays good.
    socket.on('error', () => undefined);
    return new UdpBinding(socket, address);
  }
}

class UdpBinding implements DatagramBinding {
  readonly address: string;
  readonly port: number;
  readonly #socket: Socket;
  #sending = 0;
  #closing: Promise<void> | null = null;
  #sentAll = (): void => undefined;

  constructor(socket: Socket, address: string) {
    this.#socket = socket;
    this.address = address;
    this.port = socket.address().port;
  }

  send(message: Uint8Array, to: DatagramEndpoint): void {
    if (this.#closing !== null) return;
    this.#sending++;
    this.#socket.send(message, to.port, to.address, () => {
      if (--this.#sending === 0) this.#sentAll();
    });
  }

  /** What was sent before leaves before. */
  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => {
      this.#sentAll = () => this.#socket.close(() => resolve());
      if (this.#sending === 0) this.#sentAll();
    });
    return this.#closing;
  }
}

async function joined(socket: Socket, { address, port }: DatagramOptions, group: string): Promise<void> {
  const zone = address.includes(':') ? `%${interfaceOf(address)}` : '';
  await bound(socket, `${group}${zone}`, port);
  // IPv6 names the interface by its zone, IPv4 by its address.
  const through = zone === '' ? address : `::${zone}`;
  socket.addMembership(group, through);
  socket.setMulticastInterface(through);
  socket.setMulticastTTL(GROUP_HOP_LIMIT);
  // Other programs of this machine ask as well.
  socket.setMulticastLoopback(true);
}

function interfaceOf(address: string): string {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some((own) => own.address === address)) return name;
  }
  throw Object.assign(new Error(`no interface has ${address}`), { code: 'EADDRNOTAVAIL' });
}

function bound(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
