/** Real programs. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ConfinedCommand } from '../../../agent/adapters/confined-command.ts';
import { EnvironmentFault } from '../../../agent/errors.ts';

const run = (argv: string[], signal = new AbortController().signal) =>
  new ConfinedCommand().run(argv, signal);
const sh = (script: string) => ['/bin/sh', '-c', script];

async function until(fact: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100 && !fact(); tries++)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a confined command', () => {
  it('gives what a program prints', async () => {
    expect(await run(['/bin/echo', ' 21.5 '])).toBe('21.5');
  });

  it('takes no argument for a shell command', async () => {
    expect(await run(['/bin/echo', '$(id); `id` | id'])).toBe('$(id); `id` | id');
  });

  it("gives it no environment, no input, and none of root's rights", async () => {
    expect(await run(['/usr/bin/env'])).toBe('');
    expect(await run(['/bin/cat'])).toBe('');
    expect(Number(await run(['/usr/bin/id', '-u']))).not.toBe(0);
  });

  it.each([
    [['/nowhere/program'], 'no-command', /^\/nowhere\/program cannot be run/],
    [sh('exit 3'), 'command-failed', /ended with status 3/],
    [sh('kill -9 $$'), 'command-failed', /ended with SIGKILL/],
    [sh('while :; do echo 0123456789; done'), 'too-much-output', /more than 4096 bytes/],
  ])('says why %j failed', async (argv, code, problem) => {
    const fault = await run(argv).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(EnvironmentFault);
    expect(fault).toMatchObject({ code, message: expect.stringMatching(problem) });
  });

  it('ends a program and all that it started when time is up', async () => {
    const giveUp = new AbortController();
    const marker = `86${process.pid}`;
    const running = run(sh(`sleep ${marker} & sleep ${marker}`), giveUp.signal).catch(
      (error: unknown) => error,
    );
    const alive = () => execFileSync('ps', ['-eo', 'args']).toString().includes(`sleep ${marker}`);
    await until(alive);
    expect(alive()).toBe(true);
    giveUp.abort(new RangeError('time is up'));
    expect(await running).toBeInstanceOf(RangeError);
    await until(() => !alive());
    expect(alive()).toBe(false);
  });
});
