/** Lets the waves of a rollout go, one after the other, by what devices say of their configs. See rollout.ts. */
import type { Clock } from '../../agent/ports/clock.ts';
import type { FleetDirectory } from './fleet-directory.ts';
import type { Seen } from './fleet-records.ts';
import { finishRollout, type Rollout, writeRollout } from './rollout.ts';

/** A config that ends a device does so within seconds of its commit. */
const SOAK_MS = 10_000;
/** Behind the first wave, one whose devices are all away is not waited for longer than that. */
const ABSENT_MS = 60_000;

export interface RolloutNews {
  wave: number;
  waves: number;
  state: 'released' | 'finished' | 'stopped';
  problem: string | null;
}

interface DeviceProgress {
  name: string;
  online: boolean;
  outcome: 'pending' | 'committed' | 'failed';
  problem: string | null;
}

export class RolloutKeeper {
  readonly #clock: Clock;
  #ready: { wave: number; sinceMs: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `serialOf`: of the config that a device was last issued. News: the directory has changed by it. */
  async advance(
    directory: FleetDirectory,
    serialOf: (device: string) => number | null,
  ): Promise<RolloutNews | null> {
    const { rollout, store } = directory;
    if (!rollout || rollout.problem !== null) return null;
    const released = rollout.waves.slice(0, rollout.released).flat();
    const progress = await Promise.all(
      released.map(async (name) => progressOf(name, await directory.seen(name), serialOf(name))),
    );
    const failed = progress.find(({ outcome }) => outcome === 'failed');
    if (failed) return this.#stop(directory, rollout, failed);
    if (!this.#isDone(rollout, progress)) return null;
    const news = { wave: rollout.released, waves: rollout.waves.length, problem: null };
    if (rollout.released === rollout.waves.length) {
      await finishRollout(store, rollout.patch);
      return { ...news, state: 'finished' };
    }
    const wave = rollout.released + 1;
    await writeRollout(store, { ...rollout, released: wave, releasedAt: this.#clock.wallMs() });
    return { ...news, wave, state: 'released' };
  }

  async #stop({ store }: FleetDirectory, rollout: Rollout, failed: DeviceProgress): Promise<RolloutNews> {
    const problem = `${failed.name} went back to its last config: ${failed.problem ?? 'it said no reason'}`;
    await writeRollout(store, { ...rollout, problem });
    return { wave: rollout.released, waves: rollout.waves.length, state: 'stopped', problem };
  }

  #isDone(rollout: Rollout, progress: readonly DeviceProgress[]): boolean {
    const wave = rollout.waves[rollout.released - 1] ?? [];
    const current = progress.filter(({ name }) => wave.includes(name));
    const present = current.filter(({ online }) => online);
    const nowMs = this.#clock.monotonicMs();
    const isReady = present.length > 0 && present.every(({ outcome }) => outcome === 'committed');
    if (!isReady) this.#ready = null;
    else if (this.#ready?.wave !== rollout.released) this.#ready = { wave: rollout.released, sinceMs: nowMs };
    if (this.#ready) return nowMs - this.#ready.sinceMs >= SOAK_MS;
    return (
      rollout.released > 1 && present.length === 0 && this.#clock.wallMs() - rollout.releasedAt >= ABSENT_MS
    );
  }
}

function progressOf(name: string, { presence, ack }: Seen, serial: number | null): DeviceProgress {
  const isAboutIt = serial !== null && ack?.serial === serial;
  const failed = isAboutIt && (ack.outcome === 'rolled-back' || ack.outcome === 'refused');
  const committed = isAboutIt && ack.outcome === 'committed';
  return {
    name,
    online: presence?.online ?? false,
    outcome: failed ? 'failed' : committed ? 'committed' : 'pending',
    problem: ack?.problem ?? ack?.reason ?? null,
  };
}
