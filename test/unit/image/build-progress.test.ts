import { describe, expect, it } from 'vitest';
import { BuildProgress } from '../../../image-build/image/build-progress.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

function progressOn(isTerminal: boolean, columns = 40) {
  const clock = new ManualClock();
  const written: string[] = [];
  const progress = new BuildProgress(
    {
      out: () => undefined,
      err: (text) => void written.push(text),
      isTerminal,
      size: () => ({ columns, rows: 24 }),
      signal: new AbortController().signal,
    },
    clock,
  );
  return { clock, progress, written };
}

describe('the progress of a build', async () => {
  it('is whole lines in a log: begin, milestones, end', async () => {
    const { clock, progress, written } = progressOn(false);
    progress.handlers.onStep('debian-rpi-arm64');
    await clock.advance(61_500);
    progress.handlers.onLine('I: extracting archives...');
    progress.handlers.onLine('Setting up jq (1.7.1-6) ...');
    progress.handlers.onStepDone('debian-rpi-arm64', { wasKept: false, tookMs: 75_000 });
    progress.end();
    expect(written.join('').split('\n')).toEqual([
      'debian-rpi-arm64         begins',
      'debian-rpi-arm64         1 min 01 s  extracting archives...',
      'debian-rpi-arm64         1 min 15 s',
      '',
    ]);
  });

  it('shows on a terminal that time passes, in one line that fits, until the step is done', async () => {
    const { clock, progress, written } = progressOn(true);
    progress.handlers.onStep('root-rpi-arm64');
    progress.handlers.onLine('I: a line that is much longer than this terminal is wide');
    await clock.advance(3_000);
    const last = written.at(-1) ?? '';
    expect(last.startsWith('\r\x1b[Kroot-rpi-arm64           3.0 s')).toBe(true);
    expect(last.length).toBe('\r\x1b[K'.length + 39);
    progress.handlers.onStepDone('root-rpi-arm64', { wasKept: true, tookMs: 0 });
    const count = written.length;
    await clock.advance(10_000);
    expect(written.length).toBe(count);
    expect(written.at(-1)).toBe('root-rpi-arm64           kept\n');
  });

  it('leaves no half line where a step fails, and passes no control characters on', async () => {
    const { progress, written } = progressOn(true);
    progress.handlers.onStep('system');
    progress.handlers.onLine('I: \x1b[31mred\x07');
    expect(written.at(-1)).toBe('\r\x1b[Ksystem                   0.0 s  [31mred');
    progress.end();
    expect(written.at(-1)).toBe('\r\x1b[K');
  });
});
