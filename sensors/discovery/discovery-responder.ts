/**
 * Tells of this node's services and of its own name by mDNS on the overlay (RFC 6762):
 *
 *   start      announced twice, a second apart; not probed for: signed membership has settled whose name it is
 *   question   answered to the group within a moment, but each record at most once a second, so that nobody is amplified;
 *              a program that asks from another port (section 6.7) is answered alone
 *   new link   announced again when its other end can hear it, which heard nothing before: a question of its own is answered
 *   stop       taken back with a TTL of zero
 */
import type { Clock, Timer } from '../../agent/ports/clock.ts';
import type { DatagramBinding, DatagramEndpoint, DatagramSockets } from '../../agent/ports/datagram.ts';
import { inNetwork } from '../../agent/wire/ip-network.ts';
import {
  asksFor,
  knownKey,
  MDNS_GROUP4,
  MDNS_GROUP6,
  MDNS_PORT,
  type MdnsQuery,
  type MdnsRecord,
  readMdnsQuery,
  writeMdnsAnswer,
} from '../../agent/wire/mdns-message.ts';
import { additionalsFor, recordsOf, type ServedEndpoints } from './service-records.ts';

const LINK_LOCAL = 'fe80::/10';
/** Before the second announcement, and after a link is up: by then both ends let frames through. */
const ANNOUNCE_DELAY_MS = 1_000;
/** Shared records are answered after 20–120 ms, so that a fleet does not answer at once (section 6). */
const LEAST_DELAY_MS = 20;
const DELAY_SPREAD_MS = 100;
/** Section 6: a record is not sent again to the group within a second. */
const LEAST_INTERVAL_MS = 1_000;
/** Links that come and go. */
const ANNOUNCE_INTERVAL_MS = 5_000;
/** Programs that ask from another port, each for itself. */
const MOST_LEGACY_PER_SECOND = 20;

export interface DiscoveryOptions {
  sockets: DatagramSockets;
  clock: Clock;
  random: () => number;
  /** In CIDR form; a socket that hears a group hears it on the machine's other interfaces, too. */
  overlayNetworks: readonly string[];
}

export class DiscoveryResponder {
  readonly #options: DiscoveryOptions;
  #bindings: DatagramBinding[] = [];
  #records: readonly MdnsRecord[] = [];
  /** To be sent to the group. */
  readonly #due = new Set<MdnsRecord>();
  readonly #toldAtMs = new Map<MdnsRecord, number>();
  #telling: Timer | null = null;
  #again: Timer | null = null;
  #announcedAtMs = Number.NEGATIVE_INFINITY;
  #legacy = { sinceMs: Number.NEGATIVE_INFINITY, count: 0 };

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** Tells of exactly these endpoints from now on. Throws EnvironmentFault where a group cannot be heard. */
  async start(endpoints: ServedEndpoints): Promise<void> {
    const { addresses } = endpoints;
    this.#records = recordsOf(endpoints);
    const leaving = this.#bindings.filter(({ address }) => !addresses.includes(address));
    this.#bindings = this.#bindings.filter(({ address }) => addresses.includes(address));
    await Promise.all(leaving.map((binding) => binding.close()));
    for (const address of addresses) {
      if (!this.#bindings.some((binding) => binding.address === address)) await this.#bind(address);
    }
    this.#announceNow();
    this.#again?.cancel();
    this.#announceIn(ANNOUNCE_DELAY_MS);
  }

  /** Says everything once more, for those who just came; each 5 s at most. */
  announce(): void {
    this.#toldAtMs.clear();
    if (this.#again) return;
    const sinceMs = this.#options.clock.monotonicMs() - this.#announcedAtMs;
    this.#announceIn(Math.max(ANNOUNCE_DELAY_MS, ANNOUNCE_INTERVAL_MS - sinceMs));
  }

  #announceIn(delayMs: number): void {
    this.#again = this.#options.clock.after(delayMs, () => {
      this.#again = null;
      this.#announceNow();
    });
  }

  #announceNow(): void {
    this.#announcedAtMs = this.#options.clock.monotonicMs();
    this.#tell(this.#records);
  }

  async stop(): Promise<void> {
    this.#again?.cancel();
    this.#again = null;
    this.#telling?.cancel();
    this.#telling = null;
    this.#due.clear();
    // The host's addresses may be other programs' too.
    const mine = this.#records.filter(({ type }) => type !== 'A' && type !== 'AAAA');
    this.#sendToGroup({ answers: mine.map((record) => ({ ...record, ttlS: 0 })) });
    await Promise.all(this.#bindings.splice(0).map((binding) => binding.close()));
  }

  async #bind(address: string): Promise<void> {
    const group = address.includes(':') ? MDNS_GROUP6 : MDNS_GROUP4;
    const binding: DatagramBinding = await this.#options.sockets.bind({
      address,
      port: MDNS_PORT,
      group,
      receive: (message, from) => this.#receive(binding, message, from),
    });
    this.#bindings.push(binding);
  }

  #receive(binding: DatagramBinding, message: Uint8Array, from: DatagramEndpoint): void {
    if (!this.#isFromOverlay(from.address)) return;
    const query = readMdnsQuery(message);
    const asked = query ? this.#askedFor(query) : [];
    if (!query || asked.length === 0) return;
    if (from.port !== MDNS_PORT) this.#answerAlone(binding, query, asked, from);
    else for (const record of asked) this.#tellSoon(record);
  }

  /** A link-local address is one of the interface that the IPv6 group was joined on. */
  #isFromOverlay(address: string): boolean {
    const networks = [...this.#options.overlayNetworks, LINK_LOCAL];
    return networks.some((network) => inNetwork(address.split('%')[0] ?? '', network));
  }

  #askedFor({ questions, known }: MdnsQuery): MdnsRecord[] {
    return this.#records.filter(
      (record) => questions.some((question) => asksFor(question, record)) && !known.has(knownKey(record)),
    );
  }

  #answerAlone(
    binding: DatagramBinding,
    query: MdnsQuery,
    answers: MdnsRecord[],
    to: DatagramEndpoint,
  ): void {
    const now = this.#options.clock.monotonicMs();
    if (now - this.#legacy.sinceMs >= 1_000) this.#legacy = { sinceMs: now, count: 0 };
    if (++this.#legacy.count > MOST_LEGACY_PER_SECOND) return;
    const questions = query.questions.filter((question) =>
      answers.some((record) => asksFor(question, record)),
    );
    const additionals = additionalsFor(answers, this.#records);
    binding.send(writeMdnsAnswer({ answers, additionals, legacy: { id: query.id, questions } }), to);
  }

  #tellSoon(record: MdnsRecord): void {
    const { clock, random } = this.#options;
    const toldAtMs = this.#toldAtMs.get(record) ?? Number.NEGATIVE_INFINITY;
    if (clock.monotonicMs() - toldAtMs < LEAST_INTERVAL_MS) return;
    this.#due.add(record);
    this.#telling ??= clock.after(LEAST_DELAY_MS + random() * DELAY_SPREAD_MS, () => {
      this.#telling = null;
      const answers = [...this.#due];
      this.#due.clear();
      this.#tell(answers);
    });
  }

  #tell(answers: readonly MdnsRecord[]): void {
    const now = this.#options.clock.monotonicMs();
    const additionals = additionalsFor(answers, this.#records);
    for (const record of [...answers, ...additionals]) this.#toldAtMs.set(record, now);
    this.#sendToGroup({ answers, additionals });
  }

  #sendToGroup(answer: Parameters<typeof writeMdnsAnswer>[0]): void {
    if (answer.answers.length === 0) return;
    const message = writeMdnsAnswer(answer);
    for (const binding of this.#bindings) {
      const address = binding.address.includes(':') ? MDNS_GROUP6 : MDNS_GROUP4;
      binding.send(message, { address, port: MDNS_PORT });
    }
  }
}
