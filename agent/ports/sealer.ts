/**
 * Public-key sealing to one recipient: HPKE (RFC 9180) base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
 * `context` binds the purpose (`tincan signal v1`), `aad` the addressing; both must be equal on opening.
 */
export interface Sealer {
  generateKeyPair(): Promise<{ publicKey: Uint8Array; privateKey: Uint8Array }>;
  /** Encapsulated key (32 bytes) followed by the ciphertext. */
  seal(
    recipientPublicKey: Uint8Array,
    context: string,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Promise<Uint8Array>;
  /** Null when it was not sealed to this key, or was changed. */
  open(
    privateKey: Uint8Array,
    context: string,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Promise<Uint8Array | null>;
}
