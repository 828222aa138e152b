/**
 * Answers ARP and neighbour discovery for the whole overlay from signed membership, so that neither crosses a link
 * and nobody can claim another member's address. A question also starts the link: whoever asks is about to send.
 */
import type { Datapath } from '../ports/datapath.ts';
import type { LinkTable } from '../ports/link-table.ts';
import type { MemberDirectory, Membership } from '../ports/member-directory.ts';
import { arpReply, readArpRequest } from '../wire/arp.ts';
import { ip6Text } from '../wire/ip-text.ts';
import {
  type NeighbourSolicitation,
  neighbourAdvertisement,
  readNeighbourSolicitation,
} from '../wire/neighbour-discovery.ts';
import { macOfLinkLocal, macOfNode } from '../wire/node-address.ts';
import type { DropCounters } from './drop-counters.ts';
import { requestLink } from './link-request.ts';

/** The kernel repeats its question every second; more than this at once is a scan, not a conversation. */
export const MAX_LOOKUPS_AT_ONCE = 64;

export interface NeighbourDependencies {
  self: { nodeId: string; ip4: string; ip6: string };
  directory: MemberDirectory;
  links: Pick<LinkTable, 'request'>;
  datapath: Pick<Datapath, 'deliver'>;
  drops: DropCounters;
}

export class Neighbours {
  readonly #parts: NeighbourDependencies;
  readonly #asking = new Set<string>();

  constructor(parts: NeighbourDependencies) {
    this.#parts = parts;
  }

  /** Takes a frame that the datapath classed as `neighbour`; resolves once it is answered or given up. */
  async answer(frame: Uint8Array): Promise<void> {
    const arp = readArpRequest(frame);
    const solicitation = arp ? null : readNeighbourSolicitation(frame);
    if (arp) await this.#answerFor(arp.targetIp, (mac) => arpReply(arp, mac));
    else if (solicitation)
      await this.#answerFor(this.#targetOf(solicitation), (mac) => neighbourAdvertisement(solicitation, mac));
    else this.#parts.drops.count('flood-filtered');
  }

  async #answerFor(address: string, reply: (mac: string) => Uint8Array): Promise<void> {
    const { self, drops } = this.#parts;
    // The kernel checks its own new address for duplicates (RFC 5227, RFC 4862): membership has settled that.
    if (address === self.ip4 || address === self.ip6 || this.#asking.has(address)) return;
    if (this.#asking.size >= MAX_LOOKUPS_AT_ONCE) {
      drops.count('queue-full');
      return;
    }
    this.#asking.add(address);
    const member = await this.#memberAt(address);
    this.#asking.delete(address);
    if (!member) {
      drops.count('not-a-member');
      return;
    }
    this.#parts.datapath.deliver(null, reply(macOfNode(member.nodeId)));
    requestLink(this.#parts.links, member);
  }

  async #memberAt(address: string): Promise<Membership | null> {
    const { directory, self } = this.#parts;
    const member = await (address.includes(':') ? directory.byIp6(address) : directory.byIp4(address));
    return member?.nodeId === self.nodeId ? null : member;
  }

  /** Link-local addresses follow from MACs, MACs from node ids; so a known member's can be told without a look-up. */
  #targetOf(solicitation: NeighbourSolicitation): string {
    const mac = macOfLinkLocal(solicitation.target);
    const owner = mac && this.#parts.directory.known().find((member) => macOfNode(member.nodeId) === mac);
    return owner ? owner.ip6 : ip6Text(solicitation.target);
  }
}
