/** A member of the fleet, as its signed membership certificate says; see provisioning/documents/membership.ts. */
export interface Membership {
  /** Derived from publicKey, see wire/node-address.ts. */
  readonly nodeId: string;
  readonly name: string;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Raw X25519 public key that signals and secrets are sealed to (HPKE), 32 bytes. */
  readonly sealingKey: Uint8Array;
  /** Dotted quad inside the fleet's network. */
  readonly ip4: string;
  /** Inside the fleet's ULA prefix, in RFC 5952 form. */
  readonly ip6: string;
  readonly tags: readonly string[];
  readonly serial: number;
  /** The signed certificate itself, to hand on to peers. */
  readonly certificate: Uint8Array;
}

/** Looks members up on the broker (retained certificates), verified against the fleet root, cached. */
export interface MemberDirectory {
  /** Each resolves to null when nobody answers within the look-up's time limit; never throws for bad bytes. */
  byIp4(address: string): Promise<Membership | null>;
  byIp6(address: string): Promise<Membership | null>;
  byNodeId(nodeId: string): Promise<Membership | null>;
  byName(name: string): Promise<Membership | null>;
  /** Verifies a certificate that a peer sent with its offer; null when it is not one of this fleet's. */
  verify(certificate: Uint8Array): Membership | null;
  /** Every member seen so far. */
  known(): readonly Membership[];
  /** Every member, as the broker tells within the look-up's time limit; those seen so far while it is away. */
  everyone(): Promise<readonly Membership[]>;
}
