/** Members with real keys and no fleet: their certificates are believed by their own small directory. */
import { generateKeyPairSync } from 'node:crypto';
import { HpkeSealer } from '../../agent/adapters/hpke-sealer.ts';
import type { MemberDirectory, Membership } from '../../agent/ports/member-directory.ts';
import { type SignalIdentity, SignalMemory } from '../../agent/signalling/sealed-signals.ts';
import { type SigningKey, signingKeyOfPem } from '../../agent/trust/signed-envelope.ts';

export const TEST_FLEET = 'abcdefghijklmnop';

export async function testIdentity(name: string, host: number): Promise<SignalIdentity> {
  const signingKey = testSigningKey();
  const sealing = await new HpkeSealer().generateKeyPair();
  const membership: Membership = {
    nodeId: signingKey.keyId,
    name,
    publicKey: signingKey.publicKey,
    sealingKey: sealing.publicKey,
    ip4: `10.64.0.${host}`,
    ip6: `fd00:1:2::${host}`,
    tags: [],
    serial: 1,
    certificate: Buffer.from(`certificate of ${name}`),
  };
  return {
    nodeId: signingKey.keyId,
    signingKey,
    sealingPrivateKey: sealing.privateKey,
    membership,
    memory: new SignalMemory(1),
  };
}

export function testSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  return signingKeyOfPem(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}

/** Believes exactly these members' certificates. */
export function directoryOf(members: readonly Membership[]): Pick<MemberDirectory, 'verify'> {
  return {
    verify: (certificate) =>
      members.find((member) => Buffer.from(member.certificate).equals(certificate)) ?? null,
  };
}
