/** Fresh keys for the fast path, and the cipher that both ends come to without asking each other. */
import { randomBytes, randomInt } from 'node:crypto';
import type { AeadCipher } from '../ports/datapath.ts';
import type { FastOffer } from '../wire/link-control.ts';

export const KEY_BYTES = 32;
const CIPHERS: readonly AeadCipher[] = ['aes-256-gcm', 'chacha20-poly1305'];

/** One direction of one generation: how the peer seals packets for us. */
export interface OwnKeys {
  generation: number;
  receiveIndex: number;
  receiveKey: Uint8Array;
}

/** Hands out receiver indices: random, so that they tell nothing, and unique among ours. */
export class ReceiveIndexes {
  readonly #taken = new Set<number>();

  take(): number {
    for (;;) {
      const index = randomInt(1, 0xffff_ffff);
      if (this.#taken.has(index)) continue;
      this.#taken.add(index);
      return index;
    }
  }

  free(index: number): void {
    this.#taken.delete(index);
  }
}

export function makeKeys(generation: number, indexes: ReceiveIndexes): OwnKeys {
  return { generation, receiveIndex: indexes.take(), receiveKey: new Uint8Array(randomBytes(KEY_BYTES)) };
}

export function supportedCiphers(): AeadCipher[] {
  return [...CIPHERS];
}

/** AES where both CPUs have instructions for it, ChaCha20 otherwise; null when the peer knows none of ours. */
export function agreedCipher(ownAesHardware: boolean, offer: FastOffer): AeadCipher | null {
  const common = CIPHERS.filter((cipher) => offer.ciphers.includes(cipher));
  const wanted = ownAesHardware && offer.aesHardware ? 'aes-256-gcm' : 'chacha20-poly1305';
  return common.find((cipher) => cipher === wanted) ?? common[0] ?? null;
}
