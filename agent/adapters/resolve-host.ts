/** The addresses of a host's name, by the system's resolver. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Empty when the name has none, or nobody can be asked. */
export async function resolveHost(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}
