/** `tincan fleet apply`: new settings for the fleet, which the registrar brings to the devices in waves. */
import {
  beginRollout,
  planRollout,
  type RolloutPlan,
  stopRollout,
} from '../../provisioning/fleet/rollout-plan.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { sentenceOf, UsageError } from '../errors.ts';
import type { CliIo } from './cli-io.ts';
import { openFleet, print, textIn } from './fleet-commands.ts';

export interface ApplyOptions {
  first?: string[];
  allAtOnce?: boolean;
  dryRun?: boolean;
  stop?: boolean;
  json?: boolean;
}

export async function runApply(
  dir: string,
  file: string | undefined,
  options: ApplyOptions,
  io: CliIo,
): Promise<void> {
  const directory = await openFleet(dir);
  if (options.stop) {
    if (file !== undefined) throw new UsageError(`--stop takes no settings; leave ${file} away`);
    await stopRollout(directory);
    if (options.json) return print(io, { stopped: true });
    return io.out('the new settings are taken back from the devices that have them\n');
  }
  if (file === undefined) throw new UsageError('give the file with the new settings, or --stop');
  const wishes = { first: options.first ?? [], allAtOnce: options.allAtOnce ?? false };
  const plan = await planRollout(directory, jsonIn(file), wishes);
  if (!options.dryRun) await beginRollout(directory, plan, systemClock.wallMs());
  if (options.json) return print(io, { waves: plan.waves, begun: !options.dryRun });
  io.out(`${sentenceAbout(plan)}\n`);
  if (plan.waves.length > 0 && !options.dryRun) {
    io.err(`"tincan fleet serve ${dir}" carries it out; "tincan fleet status ${dir}" says how far it is.\n`);
  }
}

function sentenceAbout({ waves }: RolloutPlan): string {
  const count = waves.flat().length;
  if (count === 0) return 'no enrolled device gets another config by it: the settings count from now on';
  const steps = waves.map((wave) => (wave.length > 5 ? `${wave.length} more` : wave.join(', ')));
  return `${count} ${count === 1 ? 'device gets' : 'devices get'} another config: ${steps.join('; then ')}`;
}

function jsonIn(file: string): unknown {
  try {
    return JSON.parse(textIn(file));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`${file} is not JSON: ${sentenceOf(error)}`, { cause: error });
  }
}
