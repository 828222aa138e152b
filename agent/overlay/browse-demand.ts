/**
 * Whoever browses for services is about to talk to members, and multicast reaches only those that a link leads to: so the
 * question makes links to members that are known, as an ARP question does to the one it names. Bounded, because a
 * desktop may browse all day.
 */
import type { Clock } from '../ports/clock.ts';
import type { LinkTable } from '../ports/link-table.ts';
import type { MemberDirectory } from '../ports/member-directory.ts';
import type { MdnsQuery } from '../wire/mdns-message.ts';
import { requestLink } from './link-request.ts';

/** What members offer (sensors/discovery/service-records.ts), and the question for all that anybody offers. */
const BROWSED: ReadonlySet<string> = new Set([
  ...['_wot._tcp.local', '_http._tcp.local', '_coap._udp.local', '_services._dns-sd._udp.local'],
]);
/** Each link costs some hundred kilobytes; who has more members names them. */
const MOST_LINKS = 16;
/** Browsers repeat their question after 1, 2, 4 … s, so that the one after the link is up is heard there. */
const INTERVAL_MS = 30_000;

export interface BrowseDemandDependencies {
  self: { nodeId: string };
  directory: Pick<MemberDirectory, 'known'>;
  links: Pick<LinkTable, 'request'>;
  clock: Clock;
}

export class BrowseDemand {
  readonly #parts: BrowseDemandDependencies;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: BrowseDemandDependencies) {
    this.#parts = parts;
  }

  /** Takes a question of this machine's own. */
  look({ questions }: MdnsQuery): void {
    const { self, directory, links, clock } = this.#parts;
    const now = clock.monotonicMs();
    const browses = questions.some(({ name, type }) => type === 'PTR' && BROWSED.has(name));
    if (!browses || now - this.#askedAtMs < INTERVAL_MS) return;
    this.#askedAtMs = now;
    const others = directory.known().filter(({ nodeId }) => nodeId !== self.nodeId);
    // Known members stand in the order of use: the last are those that were seen lately.
    for (const member of others.slice(-MOST_LINKS)) requestLink(links, member);
  }
}
