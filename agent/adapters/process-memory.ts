/**
 * The process's own memory: V8 and the C library keep what a start and the making of links needed, and on a small board
 * others have a better use for it.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadNativeAddon } from './native-addon.ts';

/** The part of the addon that is used here; agent/native/process_memory.h. */
interface Addon {
  giveBackMemory(): void;
}

/** What lives for a moment has 2 MB, and not up to 32: little is made here that does, and it is collected quickly. */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Collects everything, closes the gaps, and gives the kernel back what is free then; takes some tenths of a second. */
export function giveBackMemory(): void {
  setFlagsFromString('--expose-gc');
  setFlagsFromString('--compact-on-every-full-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  // Later collections are V8's own again, and short.
  setFlagsFromString('--no-compact-on-every-full-gc');
  (loadNativeAddon() as Addon).giveBackMemory();
}
