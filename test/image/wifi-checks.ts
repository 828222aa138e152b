/**
 * Wi-Fi in a real kernel: mac80211_hwsim makes two radios without hardware, one plays the access point, and the board's
 * own services have to join it with the networks of the signed config alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentFault } from '../../agent/errors.ts';
import { REACHABLE_MS } from './device-checks.ts';
import type { GuestShell } from './guest-shell.ts';
import type { TestedBoard } from './image-options.ts';
import type { ImageReport } from './image-report.ts';
import type { ImageScene } from './image-scene.ts';

/** Whatever a network may be called, and a password may have in it. */
const NETWORK = { ssid: `nobody's "café" 網`, password: String.raw`a "quoted" \ $(password)` } as const;
const JOINS_WITHIN_MS = 180_000;
const ASK_EVERY_MS = 2_000;

interface BoardWithRadios {
  readonly scene: ImageScene;
  readonly report: ImageReport;
  readonly shell: GuestShell;
  readonly board: TestedBoard;
  readonly name: string;
  readonly ip4: string;
}

/** One case: the network is signed, the board joins it, and it goes on being reachable. */
export async function joinSignedWifi({
  scene,
  report,
  shell,
  board,
  name,
  ip4,
}: BoardWithRadios): Promise<void> {
  const ask = (command: string): Promise<string> => shell.run(ip4, command);
  await report.run(`${board}: joins the Wi-Fi of the signed config`, async () => {
    await ask(startAccessPoint());
    const from = performance.now();
    const { ack } = await scene.status(name, true);
    await scene.changeSettings((settings) => ({ ...settings, wifi: [NETWORK] }));
    await scene.until('ack of the config with Wi-Fi', name, REACHABLE_MS, (status) => {
      return status.ack?.outcome === 'committed' && (status.ack.serial ?? 0) > (ack?.serial ?? 0);
    });
    await untilJoined(ask);
    const tookMs = performance.now() - from;
    const mode = await ask('stat -c %a:%U /var/lib/tincan/wifi.json /run/tincan-image/wpa_supplicant.conf');
    if (mode !== '600:tincan\n600:root') throw new Error(`its files are ${mode}`);
    return `${NETWORK.ssid}, ${(tookMs / 1000).toFixed(1)} s after the owner wrote it down`;
  });
  await scene.changeSettings(({ wifi: _, ...settings }) => settings);
}

/** Two radios; the second one is the access point, and the board's own service keeps off it. */
function startAccessPoint(): string {
  const hex = Buffer.from(NETWORK.ssid).toString('hex');
  const config = [
    'network={',
    `ssid=${hex}`,
    'mode=2',
    'frequency=2412',
    'key_mgmt=WPA-PSK',
    `psk="${NETWORK.password}"`,
    '}',
  ];
  const written = Buffer.from(`${config.join('\n')}\n`).toString('base64');
  return [
    'systemctl --runtime mask --quiet tincan-wifi@wlan1.service',
    'modprobe mac80211_hwsim radios=2',
    `echo ${written} | base64 -d > /run/access-point.conf`,
    'for attempt in $(seq 60); do [ -e /sys/class/net/wlan1 ] && break; sleep 1; done',
    'wpa_supplicant -B -q -iwlan1 -Dnl80211 -c/run/access-point.conf',
  ].join(' && ');
}

async function untilJoined(ask: (command: string) => Promise<string>): Promise<void> {
  const deadline = performance.now() + JOINS_WITHIN_MS;
  for (;;) {
    const state = await ask('cat /sys/class/net/wlan0/operstate');
    if (state === 'up') return;
    if (performance.now() > deadline) {
      const journal = await ask("journalctl -b -o cat --no-pager -u 'tincan-wifi*' | tail -n 8");
      throw new EnvironmentFault('not-joined', `wlan0 is ${state}: ${journal.replaceAll('\n', ' | ')}`);
    }
    await sleep(ASK_EVERY_MS);
  }
}
