/** Finds and loads the addon that agent/native/ is compiled to. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch } from 'node:os';
import { fileURLToPath } from 'node:url';
import { EnvironmentFault, sentenceOf } from '../errors.ts';

/**
 * The addon's exports. It is beside the bundle where the agent is installed, and in dist/ where tests run the sources.
 * Throws EnvironmentFault('datapath-missing').
 */
export function loadNativeAddon(): unknown {
  const name = `datapath-linux-${arch()}.node`;
  const places = [new URL(`./${name}`, import.meta.url), new URL(`../../dist/${name}`, import.meta.url)];
  const found = places.map((place) => fileURLToPath(place)).find((path) => existsSync(path));
  if (found === undefined) {
    throw new EnvironmentFault(
      'datapath-missing',
      `The datapath addon ${name} is not beside the agent: build it with 'node agent/native/build.mjs', or install a package for ${arch()}.`,
    );
  }
  try {
    return createRequire(import.meta.url)(found);
  } catch (cause) {
    throw new EnvironmentFault(
      'datapath-missing',
      `The datapath addon ${found} does not load on this machine (${sentenceOf(cause)}): build it here with 'node agent/native/build.mjs'.`,
      { cause },
    );
  }
}
