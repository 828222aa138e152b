/**
 * UDP sockets on single addresses of this machine.
 * Throws EnvironmentFault: `address-not-here` and `port-in-use` (both retryable), `no-privilege`, `cannot-listen`.
 */
export interface DatagramSockets {
  bind(options: DatagramOptions): Promise<DatagramBinding>;
}

export interface DatagramOptions {
  /** IPv4 or IPv6 address of this machine, never a wildcard. */
  address: string;
  /** 0: the kernel chooses. */
  port: number;
  /** A multicast group to hear and to speak to, on the interface that has `address`, beside others who do the same. */
  group?: string;
  /** Must not throw. `message` is the receiver's to keep. */
  receive(message: Uint8Array, from: DatagramEndpoint): void;
}

export interface DatagramEndpoint {
  address: string;
  port: number;
}

export interface DatagramBinding {
  readonly address: string;
  /** The port really bound. */
  readonly port: number;
  /** Datagrams may get lost, so a failure to send is no more than that. */
  send(message: Uint8Array, to: DatagramEndpoint): void;
  /** Idempotent. */
  close(): Promise<void>;
}
