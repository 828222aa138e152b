/**
 * Who may ask: members of the overlay, known by their address. Binding to the overlay address alone protects nothing,
 * because Linux answers for any of its addresses on any interface (the weak host model, RFC 1122 section 3.3.4.2): a
 * stranger on the board's Wi-Fi can address the overlay's IP to the board's own MAC. His source address gives him
 * away; and if he forges one of the overlay, the answer goes into the TAP and he never completes a TCP handshake.
 */
import type { Clock } from '../agent/ports/clock.ts';
import type { Log } from '../agent/ports/log.ts';
import { inNetwork } from '../agent/wire/ip-network.ts';

/** A scanner on the Wi-Fi must not fill the log. */
const LOG_INTERVAL_MS = 60_000;

export class OverlayGuard {
  readonly #networks: readonly string[];
  readonly #clock: Clock;
  readonly #log: Log;
  #refused = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  /** `networks` in CIDR form, of both IP versions. */
  constructor(networks: readonly string[], clock: Clock, log: Log) {
    this.#networks = networks;
    this.#clock = clock;
    this.#log = log;
  }

  admits(remoteAddress: string): boolean {
    if (this.#networks.some((network) => inNetwork(remoteAddress, network))) return true;
    this.#refused++;
    const now = this.#clock.monotonicMs();
    if (now - this.#loggedAtMs >= LOG_INTERVAL_MS) {
      this.#loggedAtMs = now;
      this.#log.warn('sensors.stranger-refused', { remote: remoteAddress, refused: this.#refused });
    }
    return false;
  }
}
