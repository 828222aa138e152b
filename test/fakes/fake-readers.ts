/** Members by their addresses, with tags and presence that a test sets. */
import type { AccessPolicy, Reader, ReaderDirectory } from '../../sensors/access.ts';

export const OPEN_POLICY: AccessPolicy = { read: 'members', command: ['operator'] };

export class FakeReaders implements ReaderDirectory {
  readonly #tagsOf = new Map<string, readonly string[]>();
  /** Addresses that no member has. */
  readonly strangers = new Set<string>();
  /** Members that cannot be reached. */
  readonly away = new Set<string>();

  /** Whoever has this address has these tags; all others are members without any. */
  give(address: string, ...tags: string[]): this {
    this.#tagsOf.set(address, tags);
    return this;
  }

  async readerAt(address: string): Promise<Reader | null> {
    return this.strangers.has(address) ? null : this.at(address);
  }

  at(address: string): Reader {
    const tags = this.#tagsOf.get(address) ?? [];
    return {
      nodeId: `node-at-${address}`,
      name: `member-${address.split('.').at(-1)}`,
      tags,
      isPresent: () => !this.away.has(address),
    };
  }
}
