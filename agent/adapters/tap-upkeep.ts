/**
 * Keeps the TAP device as the agent made it. Peers take frames with the node's own MAC address only, and udev, network
 * managers and people change devices that they think are theirs: a board would be linked, and never answer.
 */
import { networkInterfaces } from 'node:os';
import { sentenceOf } from '../errors.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Datapath } from '../ports/datapath.ts';
import type { Log } from '../ports/log.ts';

const LOOK_MS = 1_000;
/** As many repairs in this time are another program's doing, and no accident. */
const CONTEST = { repairs: 3, withinMs: 60_000 };

export interface TapUpkeepOptions {
  datapath: Pick<Datapath, 'tapName' | 'ip6Configured' | 'restoreInterface'>;
  mac: string;
  ip4: string;
  ip6: string;
  clock: Clock;
  log: Log;
}

type Interfaces = ReturnType<typeof networkInterfaces>;

export class TapUpkeep {
  readonly #options: TapUpkeepOptions;
  readonly #interfaces: () => Interfaces;
  readonly #looking: Timer;
  /** When the device was repaired, monotonic; the newest last. */
  #repairsMs: number[] = [];
  #change = '';
  #failure: string | null = null;

  constructor(options: TapUpkeepOptions, interfaces: () => Interfaces = networkInterfaces) {
    this.#options = options;
    this.#interfaces = interfaces;
    this.#looking = options.clock.every(LOOK_MS, () => this.#look());
  }

  /** Null, or why the device does not stay as it must be, in one sentence. */
  problem(): string | null {
    if (this.#failure !== null) return this.#failure;
    if (!this.#contested()) return null;
    const { tapName } = this.#options.datapath;
    return `another program keeps changing ${tapName} (${this.#change}): tell it to leave ${tapName} alone`;
  }

  close(): void {
    this.#looking.cancel();
  }

  #look(): void {
    const change = this.#changeOf(this.#interfaces()[this.#options.datapath.tapName] ?? []);
    if (change !== null) this.#repair(change);
    else this.#failure = null;
  }

  /** What is not as it was made; null: nothing. Node.js lists no devices that are down. */
  #changeOf(entries: NonNullable<Interfaces[string]>): string | null {
    const { datapath, mac, ip4, ip6 } = this.#options;
    const [first] = entries;
    if (!first) return 'it is down or without addresses';
    if (first.mac !== mac) return `its MAC address is ${first.mac} and not ${mac}`;
    const wanted = datapath.ip6Configured ? [ip4, ip6] : [ip4];
    const lost = wanted.filter((address) => !entries.some((entry) => entry.address === address));
    return lost.length > 0 ? `it lost ${lost.join(' and ')}` : null;
  }

  #repair(change: string): void {
    const { datapath, clock, log } = this.#options;
    const known = this.#contested() || this.#failure !== null;
    this.#change = change;
    try {
      datapath.restoreInterface();
      this.#failure = null;
      const nowMs = clock.monotonicMs();
      this.#repairsMs = [...this.#repairsMs, nowMs].slice(-CONTEST.repairs);
    } catch (error) {
      this.#failure = `${datapath.tapName} was changed (${change}), and cannot be repaired: ${sentenceOf(error)}`;
    }
    // Once it is contested, status says so; a line each second would push all else out of a journal in RAM.
    if (!known) log.warn('tap.repaired', { tap: datapath.tapName, change, problem: this.problem() });
  }

  #contested(): boolean {
    const [oldest] = this.#repairsMs;
    if (oldest === undefined || this.#repairsMs.length < CONTEST.repairs) return false;
    return this.#options.clock.monotonicMs() - oldest < CONTEST.withinMs;
  }
}
