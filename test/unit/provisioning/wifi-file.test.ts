import { describe, expect, it } from 'vitest';
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { Membership } from '../../../agent/ports/member-directory.ts';
import type { ConfigOccasion } from '../../../provisioning/device/config-trial.ts';
import { withWifiFile } from '../../../provisioning/device/wifi-file.ts';
import type { DeviceConfig, WifiNetwork } from '../../../provisioning/documents/device-config.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

const HOUSE: WifiNetwork = { ssid: 'house', password: 'long enough', country: 'DE' };
const OWN = {} as Membership;
const OCCASION: ConfigOccasion = { reason: 'trial', signal: new AbortController().signal };

function setUp() {
  const store = new MemoryFileStore();
  const log = new RecordingLog();
  const seen: (string | null)[] = [];
  const text = () => {
    const bytes = store.files.get('wifi.json');
    return bytes ? Buffer.from(bytes).toString() : null;
  };
  const handler = withWifiFile(store, log, async () => {
    seen.push(text());
    return { healthy: true };
  });
  const apply = (...wifi: WifiNetwork[]) => handler({ wifi } as unknown as DeviceConfig, OWN, OCCASION);
  return { store, log, seen, text, apply };
}

describe('the Wi-Fi networks of the signed config', () => {
  it('are in the state before the config is tried, and gone when it no longer has them', async () => {
    const { seen, text, apply } = setUp();
    await apply(HOUSE, { ssid: 'old' });
    expect(JSON.parse(seen[0] ?? '')).toEqual([HOUSE, { ssid: 'old' }]);
    await apply();
    expect(text()).toBeNull();
  });

  it('are written when they change, and not at every start', async () => {
    const { store, apply } = setUp();
    await apply(HOUSE);
    await apply(HOUSE);
    await apply({ ssid: 'other' });
    await apply();
    await apply();
    expect(store.changes).toEqual(['write wifi.json', 'write wifi.json', 'remove wifi.json']);
  });

  it('do not keep a config from being used where the disk takes nothing', async () => {
    const { store, log, seen, apply } = setUp();
    store.fault = new EnvironmentFault('disk-full', 'the disk is full');
    expect(await apply(HOUSE)).toEqual({ healthy: true });
    expect(seen).toEqual([null]);
    expect(log.lines.some(({ event }) => event === 'wifi.not-stored')).toBe(true);
  });
});
