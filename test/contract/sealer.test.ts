/** What every Sealer must do; HPKE has its answer from RFC 9180, so a fake would be the same thing again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpkeSealer } from '../../agent/adapters/hpke-sealer.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');

describe('the HPKE sealer', () => {
  const sealer = new HpkeSealer();

  it('opens what was sealed to its key, and every time another ciphertext', async () => {
    const { publicKey, privateKey } = await sealer.generateKeyPair();
    expect([publicKey.length, privateKey.length]).toEqual([32, 32]);
    const one = await sealer.seal(publicKey, 'c', bytes('aad'), bytes('hello'));
    const two = await sealer.seal(publicKey, 'c', bytes('aad'), bytes('hello'));
    expect(one).toHaveLength(32 + 5 + 16);
    expect(Buffer.from(one).equals(two)).toBe(false);
    expect(Buffer.from((await sealer.open(privateKey, 'c', bytes('aad'), one)) ?? []).toString()).toBe(
      'hello',
    );
  });

  it('gives null for another key, context, addressing or a change of any byte', async () => {
    const { publicKey, privateKey } = await sealer.generateKeyPair();
    const other = await sealer.generateKeyPair();
    const sealed = await sealer.seal(publicKey, 'c', bytes('aad'), bytes('hello'));
    expect(await sealer.open(other.privateKey, 'c', bytes('aad'), sealed)).toBeNull();
    expect(await sealer.open(privateKey, 'd', bytes('aad'), sealed)).toBeNull();
    expect(await sealer.open(privateKey, 'c', bytes('add'), sealed)).toBeNull();
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await sealer.open(privateKey, 'c', bytes('aad'), changed)).toBeNull();
    }
  });

  it('gives null for any bytes of a stranger, low-order points too', async () => {
    const { privateKey } = await sealer.generateKeyPair();
    expect(await sealer.open(privateKey, 'c', bytes(''), new Uint8Array(64))).toBeNull();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (stranger) => {
        expect(await sealer.open(privateKey, 'c', bytes(''), stranger)).toBeNull();
      }),
      { numRuns: 50 },
    );
  });

  it('opens what an independent implementation has sealed with the same suite', async () => {
    // Made with pyca/cryptography 48 (HPKE single shot, which has an empty aad); Node's WebCrypto had no part in it.
    const vector = (await import('../golden/hpke.json', { with: { type: 'json' } })).default;
    const opened = await sealer.open(
      hex(vector.privateKey),
      vector.context,
      hex(vector.aad),
      hex(vector.sealed),
    );
    expect(Buffer.from(opened ?? []).toString()).toBe(vector.plaintext);
  });
});
