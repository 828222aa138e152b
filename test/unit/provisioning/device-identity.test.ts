import { expect, it } from 'vitest';
import { countBoot } from '../../../provisioning/device/device-identity.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';

const YEAR_LATER = Date.UTC(2027, 0, 1);

it('every start counts higher than the one before, whatever time it is', async () => {
  const store = new MemoryFileStore();
  const counts = [];
  for (const floorMs of [0, YEAR_LATER, YEAR_LATER, 0]) counts.push(await countBoot(store, floorMs));
  expect(counts).toEqual([1, 8760, 8761, 8762]);
});

it('a counter that was lost goes on above what a device could have used', async () => {
  const store = new MemoryFileStore();
  for (let start = 0; start < 5; start++) await countBoot(store, YEAR_LATER);
  await store.write('boot.json', Buffer.from('{"cou'));
  expect(await countBoot(store, YEAR_LATER + 6 * 3_600_000)).toBeGreaterThan(8764);
});
