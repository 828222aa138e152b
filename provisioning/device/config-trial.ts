/** One attempt to work with a config, within its time. */
import { sentenceOf } from '../../agent/errors.ts';
import type { Clock } from '../../agent/ports/clock.ts';
import type { Membership } from '../../agent/ports/member-directory.ts';
import type { DeviceConfig } from '../documents/device-config.ts';

/** `reason` is a stable kebab-case name, `problem` one sentence. */
export type ConfigHealth = { healthy: true } | { healthy: false; reason: string; problem: string };

/** Why a config is handed over: from disk at start, for the first time, or because a newer one failed. */
export type ConfigOccasion = { reason: 'boot' | 'trial' | 'rollback'; signal: AbortSignal };

/** Brings a config into force and resolves when the node works with it, or does not. Called again with any config. */
export type ConfigHandler = (
  config: DeviceConfig,
  own: Membership,
  occasion: ConfigOccasion,
) => Promise<ConfigHealth>;

/** Runs `attempt`; a throw, the deadline or `stopped` make it unhealthy. The attempt's signal ends with it. */
export async function runTrial(
  clock: Clock,
  timeoutMs: number,
  stopped: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<ConfigHealth>,
): Promise<ConfigHealth> {
  const over = new AbortController();
  const ended = new Promise<ConfigHealth>((resolve) => {
    const stop = () => resolve({ healthy: false, reason: 'agent-stopped', problem: 'the agent was stopped' });
    if (stopped.aborted) stop();
    stopped.addEventListener('abort', stop, { once: true, signal: over.signal });
    const timer = clock.after(timeoutMs, () => {
      const problem = `the node was not healthy within ${timeoutMs / 1000} s`;
      resolve({ healthy: false, reason: 'trial-timeout', problem });
    });
    over.signal.addEventListener('abort', () => timer.cancel(), { once: true });
  });
  try {
    return await Promise.race([attempt(over.signal), ended]);
  } catch (error) {
    return { healthy: false, reason: 'apply-failed', problem: sentenceOf(error) };
  } finally {
    over.abort();
  }
}
