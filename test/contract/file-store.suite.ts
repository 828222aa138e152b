/** What every FileStore does; file-store.test.ts runs it on the fake and on the disk. */
import { expect, it } from 'vitest';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const plain = (value: Uint8Array | null): number[] | null => value && [...value];

/** Tests against a new, empty store each. */
export function fileStoreSuite(openEmpty: () => FileStore): void {
  it('has nothing at first', async () => {
    const store = openEmpty();
    expect(await store.read('absent')).toBeNull();
    expect(await store.read('no/such/directory')).toBeNull();
    expect(await store.list('')).toEqual([]);
    expect(await store.list('absent')).toEqual([]);
  });

  it('gives back what was written, and the newest of several writes', async () => {
    const store = openEmpty();
    await store.write('a', bytes(1, 2, 3));
    await store.write('a', bytes());
    expect(plain(await store.read('a'))).toEqual([]);
    await Promise.all([1, 2, 3, 4, 5].map((value) => store.write('a', bytes(value))));
    expect(plain(await store.read('a'))).toEqual([5]);
  });

  it('keeps its own copy of the bytes', async () => {
    const store = openEmpty();
    const mine = bytes(1);
    await store.write('a', mine);
    mine[0] = 9;
    const read = await store.read('a');
    expect(plain(read)).toEqual([1]);
    read?.fill(7);
    expect(plain(await store.read('a'))).toEqual([1]);
  });

  it('creates once: whoever comes second changes nothing', async () => {
    const store = openEmpty();
    const outcomes = await Promise.all([1, 2, 3].map((value) => store.create('sub/key', bytes(value))));
    expect(outcomes).toEqual([true, false, false]);
    expect(plain(await store.read('sub/key'))).toEqual([1]);
    await store.remove('sub/key');
    expect(await store.create('sub/key', bytes(4))).toBe(true);
  });

  it('makes directories as they are needed and lists their files only, sorted', async () => {
    const store = openEmpty();
    for (const path of ['d/b', 'd/a', 'd/Z', 'd/e/deep', 'top']) await store.write(path, bytes(0));
    expect(await store.list('d')).toEqual(['Z', 'a', 'b']);
    expect(await store.list('d/e')).toEqual(['deep']);
    expect(await store.list('')).toEqual(['top']);
  });

  it('removes, and finds nothing wrong with removing what is not there', async () => {
    const store = openEmpty();
    await store.write('d/a', bytes(1));
    await store.remove('d/a');
    await store.remove('d/a');
    await store.remove('never/was');
    expect(await store.read('d/a')).toBeNull();
    expect(await store.list('d')).toEqual([]);
  });

  it.each(['', '/etc/passwd', '..', '../a', 'a/../../b', 'a//b', 'a/', './a', 'a/.'])(
    'never leaves its directory: %j',
    async (path) => {
      const store = openEmpty();
      const attempts: (() => Promise<unknown>)[] = [
        () => store.read(path),
        () => store.write(path, bytes(1)),
        () => store.create(path, bytes(1)),
        () => store.remove(path),
      ];
      for (const attempt of attempts) {
        const error = await Promise.resolve()
          .then(attempt)
          .catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(EnvironmentFault);
      }
    },
  );
}
