import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDiskFileStore } from '../../agent/adapters/disk-file-store.ts';
import { asOrdinaryUser } from '../fakes/ordinary-user.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tincan-disk-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const bytes = Buffer.from('bytes');
const fault = (code: string, sentence: RegExp) =>
  expect.objectContaining({ name: 'EnvironmentFault', code, message: expect.stringMatching(sentence) });
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** Runs a command as root inside a mount namespace of its own, or says that this is not permitted here. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['-Urm', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The store as a program of its own that Node runs. */
async function bundledStore(): Promise<string> {
  const path = join(directory, 'store.mjs');
  const entryPoints = [new URL('../../agent/adapters/disk-file-store.ts', import.meta.url).pathname];
  await build({
    entryPoints,
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: path,
    logLevel: 'error',
  });
  return path;
}

describe('modes', () => {
  it('keeps directories and files to their owner, and gives another mode when told, whatever the umask', async () => {
    const umask = process.umask(0o077);
    try {
      const store = openDiskFileStore(join(directory, 'state'));
      await store.write('keys/device', bytes);
      await store.create('claim', bytes, { mode: 0o644 });
      await store.write('config', bytes, { mode: 0o640 });
      await store.write('config', bytes);
    } finally {
      process.umask(umask);
    }
    expect(modeOf(join(directory, 'state'))).toBe('700');
    expect(modeOf(join(directory, 'state/keys'))).toBe('700');
    expect(modeOf(join(directory, 'state/keys/device'))).toBe('600');
    expect(modeOf(join(directory, 'state/claim'))).toBe('644');
    expect(modeOf(join(directory, 'state/config'))).toBe('600');
  });
});

describe('opening', () => {
  it('changes nothing where there is no directory', () => {
    openDiskFileStore(join(directory, 'state'));
    expect(existsSync(join(directory, 'state'))).toBe(false);
  });

  it('refuses a path that is a file', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(() => openDiskFileStore(join(directory, 'file'))).toThrow(
      fault(
        'state-unreadable',
        /cannot read .*file: a file stands where a directory should be; name a directory/,
      ),
    );
  });

  it('removes what a dead process left, at every depth, and nothing else', async () => {
    mkdirSync(join(directory, 'd'));
    const dead = '.tmp-4194304999-0123456789ab';
    const alive = `.tmp-${process.ppid}-0123456789ab`;
    for (const name of [dead, `d/${dead}`, alive, 'd/kept', '.tmp-notes']) {
      writeFileSync(join(directory, name), '');
    }
    const store = openDiskFileStore(directory);
    expect(readdirSync(directory).sort()).toEqual(['.tmp-notes', alive, 'd'].sort());
    expect(readdirSync(join(directory, 'd'))).toEqual(['kept']);
    expect(await store.list('')).toEqual(['.tmp-notes']);
  });
});

describe('what the disk refuses', () => {
  it('says that a directory stands where a file should be', async () => {
    const store = openDiskFileStore(directory);
    mkdirSync(join(directory, 'd'));
    const sentence = /d: it is a directory; remove it or name a file/;
    await expect(store.read('d')).rejects.toEqual(fault('state-unreadable', sentence));
    await expect(store.write('d', bytes)).rejects.toEqual(fault('state-not-writable', sentence));
    await expect(store.remove('d')).rejects.toEqual(fault('state-not-writable', sentence));
    expect(readdirSync(directory)).toEqual(['d']);
  });

  it('says that a file stands where a directory should be', async () => {
    const store = openDiskFileStore(directory);
    await store.write('f', bytes);
    const sentence = /a file stands where a directory should be/;
    await expect(store.write('f/x', bytes)).rejects.toEqual(fault('state-not-writable', sentence));
    await expect(store.list('f')).rejects.toEqual(fault('state-unreadable', sentence));
  });

  it('says that a name is too long, and that links lead in a circle', async () => {
    const store = openDiskFileStore(directory);
    symlinkSync('loop', join(directory, 'loop'));
    await expect(store.write('x'.repeat(300), bytes)).rejects.toEqual(
      fault('state-not-writable', /too long/),
    );
    await expect(store.read('loop')).rejects.toEqual(fault('state-unreadable', /lead in a circle/));
  });

  it('refuses a name with a zero byte', async () => {
    const store = openDiskFileStore(directory);
    const refusal = fault('state-unreadable', /^"a\\u0000b" is not a path inside/);
    await expect(store.read('a\0b')).rejects.toEqual(refusal);
    await expect(store.write('a\0b', bytes)).rejects.toEqual(refusal);
  });

  it('goes on after a failure', async () => {
    const store = openDiskFileStore(directory);
    const failing = store.write('x'.repeat(300), bytes);
    const next = store.write('good', bytes);
    await expect(failing).rejects.toThrow();
    await next;
    expect(await store.list('')).toEqual(['good']);
  });

  it('says that permission is denied', async () => {
    chmodSync(directory, 0o500);
    const store = openDiskFileStore(directory);
    await asOrdinaryUser(directory, async () => {
      await expect(store.write('a', bytes)).rejects.toEqual(
        fault('state-not-writable', /cannot write .*a: permission denied; run as the user who owns it/),
      );
      chmodSync(directory, 0o000);
      await expect(store.read('a')).rejects.toEqual(fault('state-unreadable', /permission denied/));
    });
    chmodSync(directory, 0o700);
  });
});

describe.skipIf(!canMount())('disks that are full or read-only', () => {
  /** Prints as JSON how each attempt ended on a file system of 64 kB that is then remounted read-only. */
  const SCRIPT = `
    import { execFileSync } from 'node:child_process';
    import { readdirSync } from 'node:fs';
    const [store, mount] = process.argv.slice(2);
    const { openDiskFileStore } = await import(store);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', mount]);
    const files = openDiskFileStore(mount);
    const how = async (attempt) => {
      try { return String(await attempt()); } catch (error) { return { code: error.code, message: error.message, retryable: error.retryable }; }
    };
    const result = {};
    await files.write('a', Buffer.from('old'));
    result.full = await how(() => files.write('a', Buffer.alloc(200_000)));
    result.createFull = await how(() => files.create('b', Buffer.alloc(200_000)));
    result.afterFull = [String(await files.read('a')), readdirSync(mount).join()];
    execFileSync('mount', ['-o', 'remount,ro', mount]);
    result.readOnly = await how(() => files.write('a', Buffer.from('new')));
    result.removeReadOnly = await how(() => files.remove('a'));
    result.reopened = await how(() => openDiskFileStore(mount).read('a'));
    console.log(JSON.stringify(result));
  `;

  it('says so, keeps the old bytes and leaves no temporary file', async () => {
    const store = await bundledStore();
    const mount = join(directory, 'mount');
    mkdirSync(mount);
    const script = join(directory, 'script.mjs');
    writeFileSync(script, SCRIPT);
    const command = ['-Urm', process.execPath, script, store, mount];
    const result: unknown = JSON.parse(execFileSync('unshare', command, { encoding: 'utf8' }));
    const full = { code: 'state-full', retryable: true, message: expect.stringMatching(/no space is left/) };
    const readOnly = { code: 'state-not-writable', message: expect.stringMatching(/read-only/) };
    expect(result).toMatchObject({
      full,
      createFull: full,
      afterFull: ['old', 'a'],
      readOnly,
      removeReadOnly: readOnly,
      reopened: 'old',
    });
  });
});

describe('a process that is killed while it writes', () => {
  it('leaves the bytes of one write or the next, whole, and its temporary file goes at the next open', async () => {
    const state = join(directory, 'state');
    const script = join(directory, 'writer.mjs');
    writeFileSync(
      script,
      `import { openDiskFileStore } from ${JSON.stringify(await bundledStore())};
       const files = openDiskFileStore(${JSON.stringify(state)});
       for (let round = 0; ; round++) {
         await files.write('config', Buffer.alloc(100_000, round % 256));
         if (round === 0) process.stdout.write('writing');
       }`,
    );
    for (let kill = 0; kill < 8; kill++) {
      const writer = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((started) => writer.stdout.once('data', started));
      await new Promise((waited) => setTimeout(waited, 3 + kill * 4));
      const ended = new Promise((exited) => writer.once('exit', exited));
      writer.kill('SIGKILL');
      await ended;
      const left = readFileSync(join(state, 'config'));
      expect(left.length).toBe(100_000);
      expect(new Set(left).size).toBe(1);
      openDiskFileStore(state);
      expect(readdirSync(state)).toEqual(['config']);
    }
  });
});
