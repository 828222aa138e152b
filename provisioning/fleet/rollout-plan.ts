/** What a change of settings would do: checked, and without a write until it begins. */
import * as v from 'valibot';
import { Refusal, UsageError } from '../../agent/errors.ts';
import { placeOf } from '../documents/signed-document.ts';
import type { FleetDirectory } from './fleet-directory.ts';
import { type Settings, SettingsSchema } from './fleet-records.ts';
import { wishesFor } from './issued-documents.ts';
import { mergePatch } from './merge-patch.ts';
import {
  dropRollout,
  finishRollout,
  type Rollout,
  rolloutUnderWay,
  wavesOf,
  writeRollout,
} from './rollout.ts';

export interface RolloutWishes {
  /** Devices to begin with; empty: one that is online. */
  first: readonly string[];
  allAtOnce: boolean;
}

export interface RolloutPlan {
  patch: Rollout['patch'];
  /** Names of enrolled devices whose config changes; empty: nobody has to be asked. */
  waves: string[][];
}

/** Throws UsageError where the patch makes no settings, or names a device that there is not. */
export async function planRollout(
  directory: FleetDirectory,
  patch: unknown,
  { first, allAtOnce }: RolloutWishes,
): Promise<RolloutPlan> {
  const { fleet } = directory;
  const checked = v.safeParse(v.record(v.string(), v.unknown()), patch);
  if (!checked.success || Array.isArray(patch)) {
    throw new UsageError('the settings are no JSON object; write {"sensors": {"intervalMs": 10000}}, say');
  }
  const result = v.safeParse(SettingsSchema, mergePatch(fleet.settings, checked.output));
  if (!result.success) {
    throw new UsageError(`the settings would have a wrong ${placeOf(result.issues[0])}; nothing was changed`);
  }
  await refuseStrangers(directory, result.output, first);
  const affected = await affectedBy(directory, result.output);
  if (allAtOnce) return { patch: checked.output, waves: affected.length > 0 ? [affected] : [] };
  const wanted = first.filter((name) => affected.includes(name));
  return { patch: checked.output, waves: wavesOf(affected, wanted) };
}

/** Puts it on its way; where no device is concerned, straight into fleet.json. Throws Refusal('rollout-under-way'). */
export async function beginRollout(
  { store, rollout }: FleetDirectory,
  { patch, waves }: RolloutPlan,
  nowMs: number,
): Promise<void> {
  if (rollout && rollout.problem === null) throw rolloutUnderWay(rollout);
  if (waves.length === 0) return finishRollout(store, patch);
  await writeRollout(store, { patch, waves, released: 1, releasedAt: nowMs, problem: null });
}

async function refuseStrangers(
  directory: FleetDirectory,
  { deviceSensors, policy }: Settings,
  first: readonly string[],
): Promise<void> {
  const known = new Set(await directory.deviceNames());
  const ruled = (policy ?? []).flatMap(({ device }) => device ?? []);
  for (const [where, names] of [
    ['deviceSensors', Object.keys(deviceSensors ?? {})],
    ['policy', ruled],
    ['--first', first],
  ] as const) {
    const stranger = names.find((name) => !known.has(name));
    if (stranger === undefined) continue;
    throw new UsageError(`${where} names ${stranger}, and there is no such device; see "tincan fleet list"`);
  }
}

/** Those that are online come first: only they can try the new settings. */
async function affectedBy(directory: FleetDirectory, next: Settings): Promise<string[]> {
  const affected: Array<{ name: string; online: boolean }> = [];
  for (const name of await directory.deviceNames()) {
    const [device, node] = await Promise.all([directory.device(name), directory.enrolled(name)]);
    if (!device || !node) continue;
    const [before, after] = [directory.settingsOf(name), next].map((settings) =>
      JSON.stringify(wishesFor(directory, settings, device, node)),
    );
    if (before === after) continue;
    affected.push({ name, online: (await directory.seen(name)).presence?.online ?? false });
  }
  return affected.sort((one, other) => Number(other.online) - Number(one.online)).map(({ name }) => name);
}

/** Takes a rollout back from the devices that have it. Throws Refusal('no-rollout'). */
export async function stopRollout({ rollout, store }: FleetDirectory): Promise<void> {
  if (!rollout)
    throw new Refusal('no-rollout', 'no change of settings is under way, so there is nothing to stop');
  await dropRollout(store);
}
