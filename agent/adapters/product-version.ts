/** The product's version and time of build: written in by the bundler, and read from package.json where the sources run as they are. */
import { readFileSync } from 'node:fs';

/** Defined by image-build's esbuild call as a string. */
declare const TINCAN_VERSION: string | undefined;
/** Defined likewise, Unix milliseconds. */
declare const TINCAN_BUILD_TIME_MS: number | undefined;

export const productVersion: string =
  typeof TINCAN_VERSION === 'string' ? TINCAN_VERSION : versionInPackageJson();

/** It is certainly later than this: what a board without a clock starts from (provisioning/device/trusted-time.ts). */
export const buildTimeMs: number = typeof TINCAN_BUILD_TIME_MS === 'number' ? TINCAN_BUILD_TIME_MS : 0;

function versionInPackageJson(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const found = /"version":\s*"([^"]+)"/.exec(text)?.[1];
  return found ?? 'unknown';
}
