/**
 * New settings on their way to the devices, in waves: first one device, then a tenth of them, then the others. A wave is
 * released when all devices of the one before that are online have committed their config and stayed for a moment; one
 * that goes back, or refuses, takes it back from all. Only what the whole fleet has taken reaches fleet.json.
 */
import * as v from 'valibot';
import { Refusal } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import { labelField, textField, timeField } from '../documents/document-fields.ts';
import { readJson, writeJson } from '../documents/stored-json.ts';
import { type Fleet, FleetSchema, type Settings, SettingsSchema } from './fleet-records.ts';
import { mergePatch } from './merge-patch.ts';

const FILE = 'rollout.json';

const RolloutSchema = v.strictObject({
  /** RFC 7396, for `settings` in fleet.json. */
  patch: v.record(v.string(), v.unknown()),
  /** Names of devices. */
  waves: v.pipe(v.array(v.pipe(v.array(labelField), v.minLength(1))), v.minLength(1)),
  /** How many waves have been let go, from the first. */
  released: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  releasedAt: timeField,
  /** Why it was taken back from all; null while it goes on. */
  problem: v.nullable(textField(400)),
});

export type Rollout = v.InferOutput<typeof RolloutSchema>;

/** Null: none is under way. Throws EnvironmentFault('state-corrupt'). */
export function readRollout(store: FileStore): Promise<Rollout | null> {
  return readJson(store, FILE, RolloutSchema);
}

export function writeRollout(store: FileStore, rollout: Rollout): Promise<void> {
  return writeJson(store, FILE, RolloutSchema, rollout);
}

export function dropRollout(store: FileStore): Promise<void> {
  return store.remove(FILE);
}

/** The settings that a device shall have now. */
export function settingsFor(fleet: Fleet, rollout: Rollout | null, device: string): Settings {
  if (!rollout || rollout.problem !== null) return fleet.settings;
  const released = rollout.waves.slice(0, rollout.released).some((wave) => wave.includes(device));
  return released ? patchedSettings(fleet, rollout.patch) : fleet.settings;
}

/** Throws ValiError where the settings would be wrong. */
export function patchedSettings(fleet: Fleet, patch: Rollout['patch']): Settings {
  return v.parse(SettingsSchema, mergePatch(fleet.settings, patch));
}

/** Writes the patch into fleet.json, as it stands there, and ends the rollout. */
export async function finishRollout(store: FileStore, patch: Rollout['patch']): Promise<void> {
  const bytes = await store.read('fleet.json');
  const fleet = mergePatch(JSON.parse(Buffer.from(bytes ?? []).toString()), { settings: patch });
  await writeJson(store, 'fleet.json', FleetSchema, fleet as v.InferInput<typeof FleetSchema>);
  await dropRollout(store);
}

/** `first` as they are, else the first of `names`; then a tenth; then all others. Each name once. */
export function wavesOf(names: readonly string[], first: readonly string[]): string[][] {
  const canaries = first.length > 0 ? [...new Set(first)] : names.slice(0, 1);
  const others = names.filter((name) => !canaries.includes(name));
  const tenth = others.length > 10 ? Math.ceil(others.length / 10) : 0;
  return [canaries, others.slice(0, tenth), others.slice(tenth)].filter((wave) => wave.length > 0);
}

export function rolloutUnderWay({ released, waves }: Rollout): Refusal {
  return new Refusal(
    'rollout-under-way',
    `wave ${released} of ${waves.length} of other settings is under way: wait for it, or take it back with --stop`,
  );
}
