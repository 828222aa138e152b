import { beforeEach, describe, expect, it } from 'vitest';
import { defaultLabMode, labProblem } from '../lab/prerequisites.ts';
import { leftoversAfterCleanup, leftoversOf } from './leftovers.ts';
import { RunningDemo } from './running-demo.ts';

/** Text of a step that has just ended, or of a happening in the middle of one. */
const MOMENTS = ['Three hosts', 'One-off claims', 'Registrar', 'joins its own fleet', 'greenhouse: '];

describe('the demo, interrupted', () => {
  beforeEach((context) => {
    const problem = labProblem(defaultLabMode());
    if (problem !== null) context.skip(problem);
  });

  it.each(MOMENTS)('has cleaned up when it ends after Ctrl-C at "%s"', async (moment) => {
    const demo = new RunningDemo();
    const labName = await demo.until(moment);
    demo.process.kill('SIGINT');
    expect(await demo.process.exited).toEqual({ code: 130, signal: null });
    expect(leftoversOf(labName)).toEqual([]);
  });

  it('reports SIGTERM with its own exit code, and is not hurried by a second one', async () => {
    const demo = new RunningDemo();
    const labName = await demo.until('One-off claims');
    demo.process.kill('SIGTERM');
    demo.process.kill('SIGTERM');
    expect(await demo.process.exited).toEqual({ code: 143, signal: null });
    expect(leftoversOf(labName)).toEqual([]);
  });

  it.each(['Three hosts', 'Registrar', 'greenhouse: '])(
    'leaves nothing after SIGKILL at "%s"',
    async (moment) => {
      const demo = new RunningDemo();
      const labName = await demo.until(moment);
      demo.process.kill('SIGKILL');
      expect((await demo.process.exited).signal).toBe('SIGKILL');
      expect(await leftoversAfterCleanup(labName)).toEqual([]);
    },
  );

  it('leaves nothing after SIGKILL of an unprivileged one', async () => {
    const demo = new RunningDemo('--unprivileged');
    const labName = await demo.until('Registrar');
    demo.process.kill('SIGKILL');
    await demo.process.exited;
    expect(await leftoversAfterCleanup(labName)).toEqual([]);
  });
});
