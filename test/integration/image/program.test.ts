import { afterEach, describe, expect, it, vi } from 'vitest';
import { runProgram } from '../../../image-build/image/program.ts';

const signal = new AbortController().signal;

describe('a program of the machine', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('of the system is found although an ordinary user’s PATH lacks its folder', async () => {
    vi.stubEnv('PATH', '/usr/bin:/bin');
    expect(await runProgram('chroot', ['--version'], { signal })).toContain('coreutils');
  });

  it('that is not there is told in a sentence', async () => {
    await expect(runProgram('no-such-program', [], { signal })).rejects.toMatchObject({
      code: 'program-failed',
      message: 'no-such-program cannot be run: spawn no-such-program ENOENT',
    });
  });

  it('that fails tells what it said, and how it ended', async () => {
    const script = 'echo half; echo why >&2; exit 3';
    await expect(runProgram('sh', ['-c', script], { signal })).rejects.toMatchObject({
      message: 'sh failed (3); it said: half | why',
    });
  });

  it('that is interrupted is ended, and says so', async () => {
    const stop = new AbortController();
    const running = runProgram('sleep', ['60'], { signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'interrupted' });
  });
});
