/** The machine's underlay addresses from the kernel, and the news when they change. */
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock, Timer } from '../ports/clock.ts';
import type { HostNetwork } from '../ports/host-network.ts';

/** Polling costs about 0.1 ms; a netlink socket would need native code for the same news half a second earlier. */
const POLL_MS = 500;

export interface LinuxHostNetworkOptions {
  /** Interfaces that are the overlay's own, by name: the TAP. */
  tapName: string;
  /** True for addresses of the overlay, wherever they stand. */
  isOverlayAddress: (address: string) => boolean;
  clock: Clock;
}

type Interfaces = ReturnType<typeof networkInterfaces>;

export class LinuxHostNetwork implements HostNetwork {
  readonly #options: LinuxHostNetworkOptions;
  readonly #interfaces: () => Interfaces;
  readonly #listeners: Array<() => void> = [];
  readonly #poll: Timer;
  #addresses: string[];

  constructor(options: LinuxHostNetworkOptions, interfaces: () => Interfaces = networkInterfaces) {
    this.#options = options;
    this.#interfaces = interfaces;
    this.#addresses = this.#read();
    this.#poll = options.clock.every(POLL_MS, () => this.#look());
  }

  underlayAddresses(): string[] {
    return [...this.#addresses];
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#poll.cancel();
    this.#listeners.length = 0;
  }

  #look(): void {
    const addresses = this.#read();
    if (addresses.join() === this.#addresses.join()) return;
    this.#addresses = addresses;
    for (const listener of this.#listeners) listener();
  }

  #read(): string[] {
    const found = Object.entries(this.#interfaces()).flatMap(([name, addresses]) =>
      name === this.#options.tapName ? [] : (addresses ?? []).filter((entry) => !entry.internal),
    );
    const usable = found
      .map((entry) => entry.address)
      .filter(
        (address) =>
          !LINK_LOCAL.check(address, familyOf(address)) && !this.#options.isOverlayAddress(address),
      );
    return [...new Set(usable)].sort();
  }
}

const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');

/** A test for addresses inside any of these networks (`10.64.0.0/16`, `fd12::/64`). */
export function addressesWithin(cidrs: readonly string[]): (address: string) => boolean {
  const networks = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', length = ''] = cidr.split('/');
    networks.addSubnet(network, Number(length), familyOf(network));
  }
  return (address) => isIP(address) !== 0 && networks.check(address, familyOf(address));
}

/** Whether every core has AES instructions (x86 `flags`, arm64 `Features`); false where the kernel does not tell. */
export function readAesHardware(readCpuInfo = () => readFileSync('/proc/cpuinfo', 'utf8')): boolean {
  try {
    const lines = readCpuInfo()
      .split('\n')
      .filter((line) => /^(flags|Features)\s*:/.test(line));
    return lines.length > 0 && lines.every((line) => /\saes(\s|$)/.test(line));
  } catch {
    return false;
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
