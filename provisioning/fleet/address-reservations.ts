/** Which address a device gets: a file for each address, which only one `add` can create. */
import { Refusal } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import { lowestFree } from '../documents/address-plan.ts';

/** `ip4` null: the lowest free one of the network. Throws Refusal: `address-taken`, `network-full`. */
export async function reserveAddress(
  store: FileStore,
  network: string,
  { name, ip4 }: { name: string; ip4: string | null },
): Promise<string> {
  if (ip4 === null) return reserveLowest(store, network, name);
  if (await reserve(store, ip4, name)) return ip4;
  const owner = Buffer.from((await store.read(`addresses/${ip4}`)) ?? []).toString();
  throw new Refusal(
    'address-taken',
    `${ip4} belongs to ${owner}; choose another address, or leave --ip away`,
  );
}

async function reserveLowest(store: FileStore, network: string, name: string): Promise<string> {
  const taken = new Set(await store.list('addresses'));
  for (;;) {
    const ip4 = lowestFree(network, taken);
    if (ip4 === null) {
      throw new Refusal('network-full', `${network} has no free address left for ${name}`);
    }
    if (await reserve(store, ip4, name)) return ip4;
    taken.add(ip4);
  }
}

/** An `add` that was killed may have left a reservation; the same name takes it up again. */
async function reserve(store: FileStore, ip4: string, name: string): Promise<boolean> {
  if (await store.create(`addresses/${ip4}`, Buffer.from(name))) return true;
  const owner = await store.read(`addresses/${ip4}`);
  return owner !== null && Buffer.from(owner).toString() === name;
}
