/** What the board is: its model and its operating system, as text. */
import type { Sensor, SensorDriver } from '../../sensor.ts';

/** It cannot change while the agent runs. */
const INTERVAL_MS = 3_600_000;

/** A board that does not tell a fact has no sensor for it. */
export const boardDriver: SensorDriver = {
  kind: 'board',
  async discover({ facts }) {
    const [model, os] = await Promise.all([facts.model(), facts.os()]);
    return [...fact('model', 'Board model', model), ...fact('os', 'Operating system', os)];
  },
};

function fact(id: string, name: string, text: string | null): Sensor[] {
  if (text === null) return [];
  return [{ id, name, kind: id, unit: null, intervalMs: INTERVAL_MS, read: async () => text }];
}
