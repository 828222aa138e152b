/** What drivers need to make ids of the kernel's names and numbers of the kernel's text. */
import { EnvironmentFault } from '../agent/errors.ts';
import type { Sysfs } from '../agent/ports/sysfs.ts';

const SHOWN_CHARACTERS = 40;

/** `Package id 0` -> `package-id-0`: lower-case letters, digits and single hyphens, fit for a URL. */
export function kebab(...parts: readonly string[]): string {
  return parts
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** The text of a file that was there at discovery; EnvironmentFault('device-gone') when it is not any more. */
export async function readPresent(sysfs: Sysfs, path: string, signal: AbortSignal): Promise<string> {
  const text = await sysfs.read(path, signal);
  if (text === null) {
    throw new EnvironmentFault(
      'device-gone',
      `${path} is not there any more: its device or driver was removed`,
      {
        retryable: true,
      },
    );
  }
  return text;
}

/** A decimal number as the kernel prints it (`48312`, `0.30`); EnvironmentFault('garbage') for anything else. */
export function decimal(text: string | undefined, path: string): number {
  if (text !== undefined && /^-?\d{1,20}(\.\d{1,9})?$/.test(text)) return Number(text);
  const shown = JSON.stringify((text ?? '').slice(0, SHOWN_CHARACTERS));
  throw new EnvironmentFault('garbage', `${path} says ${shown} where a number should be: check its driver`, {
    retryable: true,
  });
}
