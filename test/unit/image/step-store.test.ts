import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyOf, type Step, StepStore } from '../../../image-build/image/step-store.ts';

let directory = '';
let made = 0;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tincan-steps-'));
  made = 0;
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function step(...inputs: string[]): Step {
  return {
    name: 'root',
    inputs,
    async make(place) {
      made += 1;
      await writeFile(join(place, 'product'), inputs.join('+'));
    },
  };
}

describe('finished steps', () => {
  it('are made once for equal inputs, and again for others', async () => {
    const store = new StepStore(directory, () => 0);
    const first = await store.run(step('a'));
    const second = await store.run(step('a'));
    const other = await store.run(step('b'));
    expect([first.wasKept, second.wasKept, other.wasKept]).toEqual([false, true, false]);
    expect(second.directory).toBe(first.directory);
    expect(await readFile(join(other.directory, 'product'), 'utf8')).toBe('b');
    expect(made).toBe(2);
  });

  it('leave nothing where one fails, and are made by the next run', async () => {
    const store = new StepStore(directory, () => 0);
    const failing: Step = {
      ...step('a'),
      async make(place) {
        await writeFile(join(place, 'product'), 'half');
        throw new Error('no space');
      },
    };
    await expect(store.run(failing)).rejects.toThrow('no space');
    expect(await readdir(directory)).toEqual([]);
    expect((await store.run(step('a'))).wasKept).toBe(false);
  });

  it('do not confuse inputs that only join alike', () => {
    expect(keyOf({ name: 'x', inputs: ['ab', 'c'] })).not.toBe(keyOf({ name: 'x', inputs: ['a', 'bc'] }));
    expect(keyOf({ name: 'x', inputs: ['a'] })).not.toBe(keyOf({ name: 'xa', inputs: [] }));
  });
});
