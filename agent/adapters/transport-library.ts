/** Whether node-datachannel works here: its native part is chosen when it is installed. */
import { EnvironmentFault, sentenceOf } from '../errors.ts';

/** Throws EnvironmentFault('transport-missing'). */
export async function checkTransportLibrary(): Promise<void> {
  try {
    await import('node-datachannel');
  } catch (cause) {
    throw new EnvironmentFault(
      'transport-missing',
      `node-datachannel does not load (${sentenceOf(cause)}): install it for this machine with "npm ci"`,
      { cause },
    );
  }
}
