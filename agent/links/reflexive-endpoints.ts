/**
 * Where the world sees this node's datapath: its port as the NATs in front of it show it, learnt from STUN servers by
 * requests from that very port. Asked while there are links, when the network changes, and often enough to keep the
 * NAT's mapping.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Datapath, Endpoint } from '../ports/datapath.ts';
import { bindingRequest, readBindingAnswer, stunServer, TRANSACTION_ID_BYTES } from '../wire/stun.ts';
import { pathKey } from './path-candidate.ts';

/** RFC 8489 section 6.2.1's first wait and doubling; a request that is lost is asked again soon enough by REFRESH_MS. */
const REPEAT_MS = [500, 1_000, 2_000];
/** Below the 30 s of the most forgetful NATs (RFC 4787 wants 2 min). */
const REFRESH_MS = 25_000;
/** More servers tell nothing new. */
const MAX_SERVERS = 4;

export interface ReflexiveParts {
  /** `stun:host:port`; others are passed over. */
  iceServers: readonly string[];
  datapath: Pick<Datapath, 'sendStun'>;
  clock: Clock;
  /** The addresses of a name; empty when there are none. */
  resolve(host: string): Promise<string[]>;
  /** The endpoints are others than they were. */
  changed(): void;
}

interface Question {
  transactionId: string;
  server: Endpoint;
}

export class ReflexiveEndpoints {
  readonly #parts: ReflexiveParts;
  readonly #servers: ReadonlyArray<{ host: string; port: number }>;
  /** By server: what it saw. */
  readonly #seen = new Map<string, Endpoint>();
  #questions: Question[] = [];
  #timer: Timer | null = null;
  #running = false;

  constructor(parts: ReflexiveParts) {
    this.#parts = parts;
    this.#servers = parts.iceServers
      .map(stunServer)
      .filter((server) => server !== null)
      .slice(0, MAX_SERVERS);
  }

  get endpoints(): Endpoint[] {
    return [...new Map([...this.#seen.values()].map((seen) => [pathKey(seen), seen])).values()];
  }

  /** Idempotent. */
  start(): void {
    if (this.#running || this.#servers.length === 0) return;
    this.#running = true;
    void this.#ask();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
    this.#timer = null;
    this.#questions = [];
  }

  networkChanged(): void {
    if (!this.#running) return;
    this.#seen.clear();
    void this.#ask();
  }

  /** A STUN message came to the datapath's port: from a server that was asked, or from anybody. */
  receive(from: Endpoint, message: Uint8Array): void {
    const answer = readBindingAnswer(message);
    if (!answer) return;
    const id = Buffer.from(answer.transactionId).toString('hex');
    const asked = this.#questions.find(
      ({ transactionId, server }) => transactionId === id && pathKey(server) === pathKey(from),
    );
    if (!asked) return;
    this.#questions = this.#questions.filter((question) => question !== asked);
    const seen = { address: answer.address, port: answer.port };
    const before = this.#seen.get(pathKey(from));
    this.#seen.set(pathKey(from), seen);
    if (!before || pathKey(before) !== pathKey(seen)) this.#parts.changed();
  }

  async #ask(): Promise<void> {
    this.#timer?.cancel();
    // Due in any case, also when a name server does not answer.
    this.#timer = this.#parts.clock.after(REFRESH_MS, () => void this.#ask());
    const found = await Promise.all(this.#servers.map((server) => this.#endpointsOf(server)));
    if (!this.#running) return;
    this.#questions = found.flat().map((server) => ({
      transactionId: randomBytes(TRANSACTION_ID_BYTES).toString('hex'),
      server,
    }));
    this.#say(0);
  }

  /** One of each family: the name's first IPv4 and its first IPv6 address. */
  async #endpointsOf({ host, port }: { host: string; port: number }): Promise<Endpoint[]> {
    const addresses = await this.#parts.resolve(host);
    const ip4 = addresses.find((address) => !address.includes(':'));
    const ip6 = addresses.find((address) => address.includes(':'));
    return [ip4, ip6].filter((address) => address !== undefined).map((address) => ({ address, port }));
  }

  /** Every open question, and again after a while. */
  #say(round: number): void {
    this.#timer?.cancel();
    for (const { transactionId, server } of this.#questions) {
      this.#parts.datapath.sendStun(server, bindingRequest(Buffer.from(transactionId, 'hex')));
    }
    const delayMs = REPEAT_MS[round];
    const next = () => (delayMs === undefined ? void this.#ask() : this.#again(round + 1));
    this.#timer = this.#parts.clock.after(delayMs ?? REFRESH_MS, next);
  }

  #again(round: number): void {
    if (this.#questions.length > 0) this.#say(round);
    else this.#timer = this.#parts.clock.after(REFRESH_MS, () => void this.#ask());
  }
}
