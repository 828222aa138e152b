/** A folder with a base image, two fleets and two claims in it, for the tests beside this file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { runCli } from '../../../agent/cli/run-cli.ts';
import { runImageCli } from '../../../image-build/image.ts';
import { imageToolsProblem, makeBaseImage } from '../../fakes/base-image.ts';
import { RecordedIo } from '../../fakes/recorded-io.ts';

/** Why no image can be made here, or null. */
export const cardProblem = imageToolsProblem();

let directory = '';
let own: string[] = [];

export const at = (...names: string[]): string => join(directory, ...names);
export const namesThere = (): string[] => readdirSync(directory).sort();
export const claim = (device = 'greenhouse'): string[] => ['--claim', at(`${device}.claim.json`)];
/** What a test makes; anything else that it leaves behind fails it. */
export const made = (...names: string[]): void => void own.push(...names);

export async function image(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const io = new RecordedIo();
  const code = await runImageCli(['image', ...args], io);
  return { code, stdout: io.stdout, stderr: io.stderr };
}

async function fleet(...args: string[]): Promise<void> {
  const io = new RecordedIo();
  expect(await runCli(['fleet', ...args], io), io.stderr).toBe(0);
}

/** Makes the folder before a file's tests and takes it away after them; each test leaves it as it was. */
export function useCardFolder(): void {
  let before: string[];
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tincan-cards-'));
    makeBaseImage(at('base.img'));
    execFileSync('xz', ['--keep', '-0', at('base.img')]);
    await fleet('init', at('home'), '--name', 'home', '--broker', 'mqtt://127.0.0.1');
    await fleet('init', at('other'), '--name', 'home', '--broker', 'mqtt://127.0.0.1');
    for (const device of ['greenhouse', 'attic']) {
      await fleet('add', at('home'), device, '--claim', at(`${device}.claim.json`));
    }
    writeFileSync(at('wifi.password'), 'pass "word"\n');
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  beforeEach(() => {
    before = namesThere();
    own = [];
  });
  afterEach(() => {
    for (const name of own) rmSync(at(name), { recursive: true, force: true });
    expect(namesThere()).toEqual(before);
  });
}
