/** A reading as the sampler gives it, with what a test wants different. */
import type { Reading } from '../../../../sensors/reading.ts';

export function reading(changes: Partial<Reading>): Reading {
  return {
    id: 'air',
    name: 'Air',
    kind: 'scripted',
    value: 20,
    unit: null,
    time: '2026-11-01T00:00:00.000Z',
    ageMs: 1_500,
    quality: 'ok',
    reason: null,
    seq: 1,
    ...changes,
  };
}
