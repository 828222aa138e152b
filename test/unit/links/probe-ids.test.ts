import { expect, it } from 'vitest';
import { ProbeIds } from '../../../agent/links/probe-ids.ts';

it('an echo counts once, and only from where its probe went', () => {
  const ids = new ProbeIds();
  const id = ids.next('10.0.0.1:4000');
  expect(ids.take(id, '10.0.0.9:4000')).toBe(false);
  expect(ids.take((id + 1) >>> 0, '10.0.0.1:4000')).toBe(false);
  expect(ids.take(id, '10.0.0.1:4000')).toBe(true);
  expect(ids.take(id, '10.0.0.1:4000')).toBe(false);
});

it('forgets the oldest of too many', () => {
  const ids = new ProbeIds();
  const first = ids.next('a');
  for (let count = 0; count < 300; count++) ids.next('b');
  expect(ids.take(first, 'a')).toBe(false);
});
