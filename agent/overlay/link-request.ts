import { Refusal } from '../errors.ts';
import type { LinkTable } from '../ports/link-table.ts';
import type { Membership } from '../ports/member-directory.ts';

/** Asks for a link as frames do: null where it is refused (no slot is free, the node is stopping). */
export function requestLink(links: Pick<LinkTable, 'request'>, member: Membership): number | null {
  try {
    return links.request(member);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
