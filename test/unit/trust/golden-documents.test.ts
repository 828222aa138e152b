/** The final formats: a document made today must be these bytes, and these bytes must be read for ever. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../agent/errors.ts';
import { type DocumentKind, MAX_DOCUMENT_BYTES, payloadTypeOf } from '../../../agent/trust/document-kinds.ts';
import { makers, readers } from '../../golden/document-makers.ts';

interface Golden {
  documents: Record<string, string>;
  refusals: Array<{ kind: DocumentKind; why: string; envelope: string; reason: string }>;
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('../../golden/signed-documents.json', import.meta.url), 'utf8'),
);
const kinds = Object.keys(makers) as DocumentKind[];

function reasonOf(kind: DocumentKind, bytes: Uint8Array): string {
  try {
    readers[kind](bytes);
    return 'accepted';
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

describe.each(kinds)('the golden %s', (kind) => {
  const envelope = golden.documents[kind] ?? '';

  it('is what is made today, byte for byte', async () => {
    expect(Buffer.from(await makers[kind]()).toString()).toBe(envelope);
  });

  it('is read', () => {
    expect(reasonOf(kind, Buffer.from(envelope))).toBe('accepted');
    expect(JSON.parse(envelope).payloadType).toBe(payloadTypeOf(kind));
  });

  it('is refused over its size, and as any other kind', () => {
    const padded = Buffer.from(envelope + ' '.repeat(MAX_DOCUMENT_BYTES[kind]));
    expect(reasonOf(kind, padded)).toBe(kind === 'claim' ? 'claim-malformed' : 'too-large');
    for (const other of kinds.filter((one) => one !== kind)) {
      expect(reasonOf(other, Buffer.from(envelope))).not.toBe('accepted');
    }
  });

  it('never throws anything but a refusal, whatever a stranger sends', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(reasonOf(kind, bytes)).not.toBe('accepted');
      }),
      { numRuns: 100 },
    );
  });

  it('is refused after a change of any one character of payload or signature', () => {
    const { payload, payloadType, signatures } = JSON.parse(envelope);
    const at = fc.nat({ max: payload.length - 5 });
    fc.assert(
      fc.property(at, fc.constantFrom('A', 'z', '0'), (index, character) => {
        fc.pre(payload[index] !== character);
        const changed = payload.slice(0, index) + character + payload.slice(index + 1);
        const bytes = Buffer.from(JSON.stringify({ payload: changed, payloadType, signatures }));
        expect(reasonOf(kind, bytes)).not.toBe('accepted');
      }),
      { numRuns: 50 },
    );
  });
});

describe('the golden refusals', () => {
  it.each(golden.refusals)('$kind: $why is $reason', ({ kind, envelope, reason }) => {
    expect(reasonOf(kind, Buffer.from(envelope, 'base64'))).toBe(reason);
  });

  it('are there for every kind', () => {
    expect(new Set(golden.refusals.map(({ kind }) => kind))).toEqual(new Set(kinds));
  });
});
