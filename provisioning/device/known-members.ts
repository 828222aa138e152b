/** The members that a node has seen: verified certificates by id, name and address, bounded, oldest out first. */
import type { Membership } from '../../agent/ports/member-directory.ts';
import { type Certificate, isNewer } from '../documents/membership.ts';

/** A node talks to tens of peers; 512 certificates are about half a megabyte. */
export const MAX_KNOWN_MEMBERS = 512;

export class KnownMembers {
  /** In the order of use, least recent first. */
  readonly #byNodeId = new Map<string, Certificate>();
  readonly #nodeIdByKey = new Map<string, string>();
  readonly #onForget: (nodeId: string) => void;

  /** `onForget` is told of a member that was pushed out. */
  constructor(onForget: (nodeId: string) => void) {
    this.#onForget = onForget;
  }

  /**
   * Takes a certificate in, unless something newer is known for its node, name or address.
   * What it replaces goes: an address that moved to another node no longer leads to the first one.
   */
  add(certificate: Certificate): 'added' | 'known' | 'outdated' {
    const { member } = certificate;
    const same = this.#byNodeId.get(member.nodeId);
    if (same && Buffer.from(same.member.certificate).equals(member.certificate)) return 'known';
    const rivals = this.#rivalsOf(member);
    if (rivals.some((rival) => !isNewer(certificate, rival))) return 'outdated';
    for (const rival of rivals) this.remove(rival.member.nodeId);
    this.#byNodeId.set(member.nodeId, certificate);
    for (const key of keysOf(member)) this.#nodeIdByKey.set(key, member.nodeId);
    const eldest = this.#byNodeId.keys().next().value;
    if (this.#byNodeId.size > MAX_KNOWN_MEMBERS && eldest !== undefined) this.remove(eldest);
    return 'added';
  }

  /** `key`: `id/…`, `name/…` or `ip/…`. */
  get(key: string): Certificate | null {
    const nodeId = this.#nodeIdByKey.get(key);
    const found = nodeId === undefined ? undefined : this.#byNodeId.get(nodeId);
    if (!found) return null;
    this.#byNodeId.delete(found.member.nodeId);
    this.#byNodeId.set(found.member.nodeId, found);
    return found;
  }

  all(): Certificate[] {
    return [...this.#byNodeId.values()];
  }

  remove(nodeId: string): void {
    const gone = this.#byNodeId.get(nodeId);
    if (!gone) return;
    this.#byNodeId.delete(nodeId);
    for (const key of keysOf(gone.member)) this.#nodeIdByKey.delete(key);
    this.#onForget(nodeId);
  }

  #rivalsOf(member: Membership): Certificate[] {
    const nodeIds = new Set(keysOf(member).flatMap((key) => this.#nodeIdByKey.get(key) ?? []));
    return [...nodeIds].flatMap((nodeId) => this.#byNodeId.get(nodeId) ?? []);
  }
}

function keysOf(member: Membership): string[] {
  return [`id/${member.nodeId}`, `name/${member.name}`, `ip/${member.ip4}`, `ip/${member.ip6}`];
}
