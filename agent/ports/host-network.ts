/** What the controller may know of the machine's own (underlay) network. */
export interface HostNetwork {
  /** Usable underlay addresses: no loopback, no link-local, nothing of the overlay's own TAP. */
  underlayAddresses(): string[];
  /** Calls when the set of addresses changed; at most twice a second. */
  onChange(listener: () => void): void;
  close(): void;
}
