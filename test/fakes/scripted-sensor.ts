/** A sensor whose answers a test gives one by one. */
import type { Sensor, SensorValue, Unit } from '../../sensors/sensor.ts';

type Answer = SensorValue | Error | 'hang';

export class ScriptedSensor implements Sensor {
  readonly id: string;
  readonly name: string;
  readonly kind = 'scripted';
  readonly unit: Unit | null = 'Cel';
  readonly intervalMs: number;
  /** What every read gives until it is changed; 'hang' gives nothing until `release`. */
  answer: Answer = 20;
  reads = 0;
  inFlight = 0;
  mostInFlight = 0;
  lastSignal: AbortSignal | null = null;
  #release: Array<(value: SensorValue) => void> = [];

  constructor(id: string, intervalMs = 5_000) {
    this.id = id;
    this.name = `Scripted ${id}`;
    this.intervalMs = intervalMs;
  }

  async read(signal: AbortSignal): Promise<SensorValue> {
    this.reads++;
    this.lastSignal = signal;
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
    try {
      if (this.answer === 'hang') return await new Promise((resolve) => this.#release.push(resolve));
      if (this.answer instanceof Error) throw this.answer;
      return this.answer;
    } finally {
      this.inFlight--;
    }
  }

  /** Ends the reads that hang, with this value. */
  release(value: SensorValue): void {
    for (const resolve of this.#release.splice(0)) resolve(value);
  }
}
