/**
 * The Wi-Fi networks of the signed config as a file of the device's state. What joins them is the system's affair: on our
 * images a unit of root's watches the file, for the agent itself may change no network settings.
 */
import { sentenceOf } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { Log } from '../../agent/ports/log.ts';
import type { ConfigHandler } from './config-trial.ts';

const PATH = 'wifi.json';

/**
 * Writes the networks before `apply` brings the config into force, so that a trial is one of them too, and a rollback
 * brings the old ones back. A disk that does not take them is no reason to refuse a config.
 */
export function withWifiFile(store: FileStore, log: Log, apply: ConfigHandler): ConfigHandler {
  return async (config, own, occasion) => {
    const text = config.wifi.length === 0 ? null : `${JSON.stringify(config.wifi, null, 2)}\n`;
    await keep(store, text).catch((error: unknown) =>
      log.error('wifi.not-stored', { problem: sentenceOf(error) }),
    );
    return apply(config, own, occasion);
  };
}

/** Only a change is written: each start would cost the card a write. */
async function keep(store: FileStore, text: string | null): Promise<void> {
  const stored = await store.read(PATH);
  if (text === null) {
    if (stored) await store.remove(PATH);
  } else if (!stored || Buffer.from(stored).toString('utf8') !== text) {
    await store.write(PATH, Buffer.from(text));
  }
}
