import { describe, expect, it } from 'vitest';
import { OutageWatch, SETTLE_MS } from '../../../agent/links/outage-watch.ts';

describe('an outage', () => {
  it('lasts from the loss to the first answer after it, and is felt for a while longer', () => {
    const watch = new OutageWatch();
    expect(watch.condition(0)).toBe('steady');
    watch.lost(1_000);
    watch.lost(2_000);
    watch.answered(1_000);
    expect(watch.condition(30_000)).toBe('lost');
    watch.answered(31_000);
    expect(watch.condition(31_000)).toBe('back');
    watch.answered(32_000);
    expect(watch.condition(31_000 + SETTLE_MS - 1)).toBe('back');
    expect(watch.condition(31_000 + SETTLE_MS)).toBe('steady');
  });

  it('that is over and comes again is another one', () => {
    const watch = new OutageWatch();
    watch.lost(1_000);
    watch.answered(2_000);
    watch.lost(2_500);
    expect(watch.condition(2_500)).toBe('lost');
    watch.answered(4_000);
    expect(watch.condition(4_000)).toBe('back');
  });
});
