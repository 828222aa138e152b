/** JSON files in a FileStore: read through a schema, because a disk is a stranger too. */
import * as v from 'valibot';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import { placeOf, type Schema } from './signed-document.ts';

/** Null where there is no such file. Throws EnvironmentFault('state-corrupt') where it is not what we wrote. */
export async function readJson<S extends Schema>(
  store: FileStore,
  path: string,
  schema: S,
): Promise<v.InferOutput<S> | null> {
  const bytes = await store.read(path);
  if (bytes === null) return null;
  const result = v.safeParse(schema, jsonOf(bytes));
  if (result.success) return result.output;
  throw new EnvironmentFault(
    'state-corrupt',
    `${path} is damaged: wrong ${placeOf(result.issues[0])}; restore it from a copy, or remove it to begin anew`,
  );
}

/** Writes a value that the schema accepts; keeps 0600, as most of these files hold a secret. */
export async function writeJson<S extends Schema>(
  store: FileStore,
  path: string,
  schema: S,
  value: v.InferInput<S>,
): Promise<void> {
  await store.write(path, jsonBytes(schema, value));
}

/** Like writeJson, but false and nothing changed where the file exists. */
export async function createJson<S extends Schema>(
  store: FileStore,
  path: string,
  schema: S,
  value: v.InferInput<S>,
): Promise<boolean> {
  return store.create(path, jsonBytes(schema, value));
}

function jsonBytes<S extends Schema>(schema: S, value: v.InferInput<S>): Uint8Array {
  v.parse(schema, value);
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
