/**
 * Makes vectors.h: a packet sealed by node:crypto, which shares no code with agent/native/.
 *   node test/native/vectors.mjs > test/native/vectors.h
 */
import { createCipheriv } from 'node:crypto';

const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
const header = Buffer.from('04010000010203040102030405060708', 'hex');
const nonce = Buffer.from('000000000102030405060708', 'hex');
const payload = Buffer.from('02000000000202000000000108004500001c', 'hex');

function packet(cipher) {
  const sealing = createCipheriv(cipher, key, nonce, { authTagLength: 16 });
  sealing.setAAD(header, { plaintextLength: payload.length });
  return Buffer.concat([header, sealing.update(payload), sealing.final(), sealing.getAuthTag()]);
}

const define = (name, bytes) => `#define VECTOR_${name} \\\n    "${bytes.toString('hex')}"`;

console.log(
  [
    '/* Made by vectors.mjs. The header is 04 01 0000 01020304 0102030405060708. */',
    define('KEY', key),
    define('PAYLOAD', payload),
    define('AES_256_GCM', packet('aes-256-gcm')),
    define('CHACHA20_POLY1305', packet('chacha20-poly1305')),
  ].join('\n'),
);
