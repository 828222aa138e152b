/** The fleet's three keys: root (could lie in a drawer), config (admits and configures), fresh (says what time it is). */
import { EnvironmentFault } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import { newSigningKeyPem, type SigningKey, signingKeyOfPem } from '../../agent/trust/signed-envelope.ts';

export type FleetRole = 'root' | 'config' | 'fresh';

/** Makes the key where there is none; an interrupted `init` goes on with the keys that it had made. */
export async function makeKey(store: FileStore, role: FleetRole): Promise<SigningKey> {
  await store.create(pathOf(role), Buffer.from(newSigningKeyPem()), { mode: 0o600 });
  return readKey(store, role);
}

/** Throws EnvironmentFault('key-missing'), Refusal('bad-key'). */
export async function readKey(store: FileStore, role: FleetRole): Promise<SigningKey> {
  const pem = await store.read(pathOf(role));
  if (pem) return signingKeyOfPem(pem);
  throw new EnvironmentFault(
    'key-missing',
    `${pathOf(role)} is missing; bring it back from your copy of the directory`,
  );
}

function pathOf(role: FleetRole): string {
  return `keys/${role}.pem`;
}
