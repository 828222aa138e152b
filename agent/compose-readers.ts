/**
 * Who asks: from the source address to the member. The datapath lets a frame in only with the addresses of the peer whose
 * link it came through (agent/native/source_check.c), so the link that has an address says who sends from it; the
 * verified directory says what that member is today.
 */
import type { Reader, ReaderDirectory } from '../sensors/access.ts';
import type { LinkTable } from './ports/link-table.ts';
import type { MemberDirectory, Membership } from './ports/member-directory.ts';

/** IPv4 as a socket of both families reports it. */
const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

export interface LinkedReadersOptions {
  own: Membership;
  directory: Pick<MemberDirectory, 'byIp4' | 'byIp6' | 'byNodeId'>;
  links: Pick<LinkTable, 'request' | 'upSlots' | 'memberAt'>;
}

export class LinkedReaders implements ReaderDirectory {
  readonly #options: LinkedReadersOptions;

  constructor(options: LinkedReadersOptions) {
    this.#options = options;
  }

  async readerAt(socketAddress: string): Promise<Reader | null> {
    const { own } = this.#options;
    const address = socketAddress.replace(MAPPED, '');
    if (hasAddress(own, address)) return readerOf(own, () => true);
    const member = await this.#memberAt(address);
    // A certificate may have changed since the link was made, and the address with it.
    if (!member || !hasAddress(member, address) || member.nodeId === own.nodeId) return null;
    return readerOf(member, () => this.#isPresent(member));
  }

  async #memberAt(address: string): Promise<Membership | null> {
    const { directory } = this.#options;
    const linked = this.#linked().filter((member) => hasAddress(member, address));
    const [only] = linked;
    // Two that say they have it: nobody can tell who asks.
    if (linked.length > 1) return null;
    if (only) return directory.byNodeId(only.nodeId);
    return address.includes(':') ? directory.byIp6(address) : directory.byIp4(address);
  }

  /** A link that was closed because nothing used it is no sign: it is asked for again, and comes up where the member is there. */
  #isPresent(member: Membership): boolean {
    if (this.#linked().some(({ nodeId }) => nodeId === member.nodeId)) return true;
    try {
      this.#options.links.request(member);
    } catch {
      // No slot is free, or the node is stopping: then he cannot be reached.
    }
    return false;
  }

  #linked(): Membership[] {
    const { links } = this.#options;
    return links.upSlots().flatMap((slot) => links.memberAt(slot) ?? []);
  }
}

function hasAddress({ ip4, ip6 }: Membership, address: string): boolean {
  return address === ip4 || address === ip6;
}

function readerOf({ nodeId, name, tags }: Membership, isPresent: () => boolean): Reader {
  return { nodeId, name, tags, isPresent };
}
