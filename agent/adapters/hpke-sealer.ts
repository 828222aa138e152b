/** Sealer over @hpke/core: HPKE (RFC 9180) base mode with X25519, HKDF-SHA256 and AES-256-GCM. */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { Sealer } from '../ports/sealer.ts';

/** X25519 encapsulated keys are always this long (RFC 9180 section 7.1). */
const ENCAPSULATED_KEY_BYTES = 32;
const AEAD_TAG_BYTES = 16;

/** The one cipher suite of Tincan's sealed messages; another would be another `context`. */
export class HpkeSealer implements Sealer {
  readonly #suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });

  async generateKeyPair(): Promise<{ publicKey: Uint8Array; privateKey: Uint8Array }> {
    const pair = await this.#suite.kem.generateKeyPair();
    return {
      publicKey: new Uint8Array(await this.#suite.kem.serializePublicKey(pair.publicKey)),
      privateKey: new Uint8Array(await this.#suite.kem.serializePrivateKey(pair.privateKey)),
    };
  }

  async seal(
    recipientPublicKey: Uint8Array,
    context: string,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Promise<Uint8Array> {
    const sender = {
      recipientPublicKey: await this.#suite.kem.deserializePublicKey(copied(recipientPublicKey)),
      info: Buffer.from(context),
    };
    const { enc, ct } = await this.#suite.seal(sender, copied(plaintext), copied(aad));
    return Buffer.concat([new Uint8Array(enc), new Uint8Array(ct)]);
  }

  async open(
    privateKey: Uint8Array,
    context: string,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Promise<Uint8Array | null> {
    if (sealed.length < ENCAPSULATED_KEY_BYTES + AEAD_TAG_BYTES) return null;
    const recipient = {
      recipientKey: await this.#suite.kem.deserializePrivateKey(copied(privateKey)),
      enc: copied(sealed.subarray(0, ENCAPSULATED_KEY_BYTES)),
      info: Buffer.from(context),
    };
    try {
      const ciphertext = copied(sealed.subarray(ENCAPSULATED_KEY_BYTES));
      return new Uint8Array(await this.#suite.open(recipient, ciphertext, copied(aad)));
    } catch {
      // Wrong key, changed bytes or a low-order point: for the receiver all the same, it was not sealed for us.
      return null;
    }
  }
}

/** Node's small Buffers share one pool; WebCrypto must see exactly these bytes. */
function copied(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
