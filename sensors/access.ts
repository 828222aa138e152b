/**
 * Who may do what: a pure decision on a reader and the policy of the signed config. Who the reader is follows from the
 * link that his packets came through (ReaderDirectory); a service that knows him another way (MQTT) brings its own.
 */

/** Somebody who asks this node for something. */
export interface Reader {
  /** Node id of the member. */
  readonly nodeId: string;
  readonly name: string;
  /** Of his membership certificate. */
  readonly tags: readonly string[];
  /** Whether he can be reached now; what he has set goes into its safe state when he cannot for long. */
  isPresent(): boolean;
}

/** Tells who has an address of the overlay. */
export interface ReaderDirectory {
  /** `address` as a socket reports it. Null: no member that is known to have it; never throws. */
  readerAt(address: string): Promise<Reader | null>;
}

export interface AccessPolicy {
  /** Tags of which a reader needs one; `members`: every member of the fleet may read. */
  readonly read: 'members' | readonly string[];
  /** Tags of which one is needed to set actuators; empty: nobody may. */
  readonly command: readonly string[];
}

export type AccessAction = 'read' | 'command';

export type AccessDecision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly sentence: string };

const ALLOWED: AccessDecision = { allowed: true };
const VERBS: Readonly<Record<AccessAction, string>> = {
  read: 'read its sensors',
  command: 'set its actuators',
};

/** Decides; a refusal names what is missing, and what the fleet's owner can do about it. */
export function decideAccess(
  policy: AccessPolicy,
  reader: Reader | null,
  action: AccessAction,
): AccessDecision {
  if (!reader)
    return refused('this node knows no member of its fleet at your address: ask from a member’s own');
  const wanted = policy[action];
  if (wanted === 'members' || reader.tags.some((tag) => wanted.includes(tag))) return ALLOWED;
  if (wanted.length === 0) {
    return refused(
      `nobody may ${VERBS[action]}: the fleet's owner can name a tag for it in "policy" of the settings ("tincan fleet apply")`,
    );
  }
  const tags = wanted.length === 1 ? `the tag ${wanted[0]}` : `one of the tags ${wanted.join(', ')}`;
  return refused(
    `${reader.name} lacks ${tags}, without which nobody may ${VERBS[action]}: the fleet's owner gives tags`,
  );
}

function refused(sentence: string): AccessDecision {
  return { allowed: false, sentence };
}
