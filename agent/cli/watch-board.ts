/** What `tincan watch` knows: of each device whether it answers, and the last reading of each of its sensors. */
import type { Reading } from '../../sensors/reading.ts';
import type { MemberReport } from '../ports/agent-control.ts';

export type WatchOrder = 'device' | 'sensor' | 'state';

export interface WatchRow {
  device: string;
  reading: Reading;
  /** Age now, on this machine's monotonic clock. */
  ageMs: number | null;
  state: RowState;
}

/** `lost`: its device does not answer at the moment. */
export type RowState = 'ok' | 'stale' | 'error' | 'lost';

export interface WatchedDevice {
  name: string;
  ip4: string;
  /** `waiting`: no word from it yet. */
  state: 'waiting' | 'live' | 'lost';
  problem: string | null;
}

interface Known extends WatchedDevice {
  readings: Map<string, { reading: Reading; receivedAtMs: number }>;
}

/** One device's sensors; more are not kept. */
const MOST_SENSORS = 4096;
const WORST_FIRST: readonly RowState[] = ['error', 'stale', 'lost', 'ok'];

export class WatchBoard {
  readonly #devices = new Map<string, Known>();
  readonly #nowMs: () => number;

  /** `nowMs`: monotonic. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add({ id, name, ip4 }: MemberReport): void {
    this.#devices.set(id, { name, ip4, state: 'waiting', problem: null, readings: new Map() });
  }

  connected(node: string): void {
    this.#change(node, 'live', null);
  }

  lost(node: string, problem: string): void {
    this.#change(node, 'lost', problem);
  }

  restarted(node: string): void {
    this.#devices.get(node)?.readings.clear();
  }

  reading(node: string, reading: Reading): void {
    const readings = this.#devices.get(node)?.readings;
    if (!readings || (readings.size >= MOST_SENSORS && !readings.has(reading.id))) return;
    readings.set(reading.id, { reading, receivedAtMs: this.#nowMs() });
  }

  devices(): WatchedDevice[] {
    return [...this.#devices.values()];
  }

  rows(order: WatchOrder): WatchRow[] {
    const nowMs = this.#nowMs();
    const rows = [...this.#devices.values()].flatMap(({ name, state, readings }) =>
      [...readings.values()].map(
        ({ reading, receivedAtMs }): WatchRow => ({
          device: name,
          reading,
          ageMs: reading.ageMs === null ? null : reading.ageMs + nowMs - receivedAtMs,
          state: state === 'lost' ? 'lost' : reading.quality,
        }),
      ),
    );
    return rows.sort((one, other) => compare(order, one, other));
  }

  #change(node: string, state: Known['state'], problem: string | null): void {
    const device = this.#devices.get(node);
    if (device) Object.assign(device, { state, problem });
  }
}

function compare(order: WatchOrder, one: WatchRow, other: WatchRow): number {
  const byDevice = one.device.localeCompare(other.device, 'en', { numeric: true });
  const bySensor = one.reading.id.localeCompare(other.reading.id, 'en', { numeric: true });
  if (order === 'sensor') return bySensor || byDevice;
  const byState = order === 'state' ? WORST_FIRST.indexOf(one.state) - WORST_FIRST.indexOf(other.state) : 0;
  return byState || byDevice || bySensor;
}
