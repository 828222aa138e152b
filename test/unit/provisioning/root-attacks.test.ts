/** What may be tried with roots, fresh statements and certificates. Each attack has its named refusal. */
import { describe, expect, it } from 'vitest';
import { payloadTypeOf } from '../../../agent/trust/document-kinds.ts';
import { type SigningKey, signEnvelope } from '../../../agent/trust/signed-envelope.ts';
import { idOfPublicKey, ip6OfNode } from '../../../agent/wire/node-address.ts';
import { readFresh, signFresh } from '../../../provisioning/documents/fresh-statement.ts';
import { readCertificate } from '../../../provisioning/documents/membership.ts';
import { adoptRoot, rotateRoot, signRoot } from '../../../provisioning/documents/root-document.ts';
import {
  certificate,
  configKey,
  fleetId,
  freshKey,
  NOW,
  newKey,
  nodeId,
  type Roles,
  root,
  rootKey,
  rootOf,
} from './forged-documents.ts';

describe('a root', () => {
  const second = newKey();
  const third = newKey();

  function rotated(roles: Roles, keys: SigningKey[], from = root): string {
    try {
      rotateRoot(from, signRoot(rootOf(roles), keys));
      return 'accepted';
    } catch (error) {
      return (error as { reason?: string }).reason ?? String(error);
    }
  }

  it('needs the old keys and the new ones', () => {
    expect(rotated({ version: 2, root: [second] }, [rootKey, second])).toBe('accepted');
    expect(rotated({ version: 2, root: [second] }, [second])).toBe('bad-signature');
    expect(rotated({ version: 2, root: [second] }, [rootKey])).toBe('bad-signature');
  });

  it('counts a key once, however often it signs', () => {
    const two = { version: 2, root: [rootKey, second, third], rootThreshold: 2 };
    expect(rotated(two, [rootKey, rootKey])).toBe('bad-signature');
    expect(rotated(two, [rootKey, third])).toBe('accepted');
  });

  it('follows version by version, in its own fleet, and never lowers the epoch', () => {
    expect(rotated({ version: 3 }, [rootKey])).toBe('root-version');
    expect(rotated({ version: 1 }, [rootKey])).toBe('root-version');
    const late = adoptRoot(signRoot(rootOf({ version: 2, epoch: 4 }), [rootKey]));
    expect(rotated({ version: 3, epoch: 3 }, [rootKey], late)).toBe('root-epoch');
    const foreign = signRoot({ ...rootOf({ version: 2 }), fleetId: second.keyId }, [rootKey]);
    expect(() => rotateRoot(root, foreign)).toThrow(expect.objectContaining({ reason: 'root-other-fleet' }));
  });

  it('of version 1 is the one that its fleet id names', () => {
    expect(() => adoptRoot(signRoot(rootOf({ root: [second] }), [second]))).toThrow(
      expect.objectContaining({ reason: 'root-not-its-own' }),
    );
  });

  it('with one key twice, or a threshold that nobody can reach, is refused', () => {
    expect(() => signRoot(rootOf({ root: [rootKey, rootKey] }), [rootKey])).toThrow(/wrong roles.root/);
    expect(() => signRoot(rootOf({ rootThreshold: 2 }), [rootKey])).toThrow(/wrong roles.root/);
  });
});

describe('a fresh statement', () => {
  const statement = { fleetId, sequence: 1, issuedAt: NOW, rootVersion: 1 };

  it('counts only from the fresh key, for this fleet', () => {
    expect(readFresh(signFresh(statement, freshKey), root.document)).toEqual(statement);
    expect(() => readFresh(signFresh(statement, configKey), root.document)).toThrow(
      expect.objectContaining({ reason: 'bad-signature' }),
    );
    const other = signFresh({ ...statement, fleetId: nodeId }, freshKey);
    expect(() => readFresh(other, root.document)).toThrow(expect.objectContaining({ reason: 'other-fleet' }));
  });
});

describe('a membership certificate', () => {
  const never = (): boolean => false;
  const refusal = (bytes: Uint8Array, isPast = never): string => {
    try {
      readCertificate(bytes, root.document, isPast);
      return 'accepted';
    } catch (error) {
      return (error as { reason?: string }).reason ?? String(error);
    }
  };

  it('is believed from the fleet’s root alone', () => {
    const { member } = readCertificate(certificate(), root.document, never);
    expect(member).toMatchObject({
      nodeId,
      name: 'greenhouse',
      ip4: '10.64.0.2',
      ip6: ip6OfNode(fleetId, nodeId),
    });
  });

  it('is refused when key, address, fleet, epoch or time do not fit', () => {
    expect(refusal(certificate({}, newKey()))).toBe('bad-signature');
    expect(refusal(certificate({ ip4: '192.168.1.5' }))).toBe('address-mismatch');
    expect(refusal(certificate({ epoch: 2 }))).toBe('wrong-epoch');
    expect(refusal(certificate({ fleetId: nodeId }))).toBe('other-fleet');
    expect(refusal(certificate({ expires: NOW }), () => true)).toBe('member-expired');
    const { payload } = JSON.parse(Buffer.from(certificate()).toString());
    const fields = JSON.parse(Buffer.from(payload, 'base64').toString());
    const renamed = signEnvelope(payloadTypeOf('member'), { ...fields, nodeId: newKey().keyId }, [configKey]);
    expect(refusal(renamed)).toBe('node-id-mismatch');
    const moved = { ...fields, ip6: ip6OfNode(fleetId, idOfPublicKey(newKey().publicKey)) };
    expect(refusal(signEnvelope(payloadTypeOf('member'), moved, [configKey]))).toBe('address-mismatch');
  });
});
