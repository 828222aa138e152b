/** The way to `tincan image`, which is a bundle of its own: no board parses what only its owner's computer runs. */
import { existsSync } from 'node:fs';
import { EnvironmentFault } from '../errors.ts';
import type { CliIo } from './cli-io.ts';

/** What image-build/image.ts exports. */
export interface ImageCli {
  /** `args` begin with `image`. Resolves with the exit code; never throws. */
  runImageCli(args: readonly string[], io: CliIo): Promise<number>;
}

/** Beside the agent's bundle; in dist/ where tests run the sources. Throws EnvironmentFault('image-tools-missing'). */
export async function loadImageCli(): Promise<ImageCli> {
  const places = [new URL('./image.js', import.meta.url), new URL('../../dist/image.js', import.meta.url)];
  const found = places.find((place) => existsSync(place));
  if (found) return (await import(found.href)) as ImageCli;
  throw new EnvironmentFault(
    'image-tools-missing',
    "image.js, which has the commands of 'tincan image', is not beside the agent: install the whole package, or build it with 'node image-build/build.mjs'",
  );
}
