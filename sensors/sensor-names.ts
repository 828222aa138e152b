/** Ids and names for what the kernel numbers anew at each boot: a chip is known by its name and its place on its bus. */
import { kebab } from './kernel-text.ts';

export interface Nameable {
  /** The id it would have if it were alone. */
  id: string;
  name: string;
  /** Its device's place on its bus: tells two chips of one name apart. */
  device: string;
}

/** The same, with the device in the ids and names of those that would share an id. */
export function distinctNames<Found extends Nameable>(found: readonly Found[]): Found[] {
  const count = new Map<string, number>();
  for (const { id } of found) count.set(id, (count.get(id) ?? 0) + 1);
  return found.map((one) => {
    if (count.get(one.id) === 1) return one;
    return { ...one, id: kebab(one.id, one.device), name: `${one.name} at ${one.device}` };
  });
}

/** The deepest part of a device path that is an address on a bus; `nvme0` and the like are numbers that change. */
export function placeOnBus(devicePath: string): string {
  const parts = devicePath.split('/').filter((part) => part !== '');
  return parts.findLast((part) => /[0-9a-f][-:.][0-9a-z]/.test(part)) ?? parts.at(-1) ?? '';
}
