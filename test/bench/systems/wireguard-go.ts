/** wireguard-go: WireGuard in userspace, layer 3, configured by `wg`. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { EndName } from '../cpu-cap.ts';
import type { BenchEnd, BenchRig } from '../rig.ts';
import { type BenchSystem, installed, OVERLAY, startEnds } from './bench-system.ts';

const PORT = 51_820;
const CONFIGURABLE_MS = 5000;
const POLL_MS = 5;

/** Its socket bears the device's name and is seen from all hosts, so the name is the lab's own. */
function deviceOf(rig: BenchRig, end: EndName): string {
  return `wg${rig.lab.name.slice(-8)}${end}`;
}

function configOf(rig: BenchRig, end: EndName): string {
  return join(rig.lab.directory, `wireguard-${end}.conf`);
}

export const wireguardGo: BenchSystem = {
  name: 'wireguard-go',
  programs: ['wireguard-go', 'wg'],
  version: (programs) => [installed(programs, 'wireguard-go'), '--version'],

  async prepare(rig) {
    const wg = installed(rig.programs, 'wg');
    const keys = { a: await rig.a.run([wg, 'genkey']), b: await rig.b.run([wg, 'genkey']) };
    for (const [end, other] of [[rig.a, rig.b] as const, [rig.b, rig.a] as const]) {
      const publicKey = await other.run(['sh', '-c', `echo '${keys[other.name]}' | '${wg}' pubkey`]);
      const { ip4, ip6 } = OVERLAY[other.name];
      const lines = [
        ...['[Interface]', `ListenPort = ${PORT}`, `PrivateKey = ${keys[end.name]}`],
        ...['[Peer]', `PublicKey = ${publicKey.trim()}`, `AllowedIPs = ${ip4}/32, ${ip6}/128`],
        `Endpoint = ${other.host.address}:${PORT}`,
      ];
      writeFileSync(configOf(rig, end.name), `${lines.join('\n')}\n`, { mode: 0o600 });
    }
  },

  async start(rig) {
    const wg = installed(rig.programs, 'wg');
    const launch = async (end: BenchEnd) => {
      const device = deviceOf(rig, end.name);
      const program = [installed(rig.programs, 'wireguard-go'), '-f', device];
      const servant = end.serve('wireguard-go', ['env', 'WG_PROCESS_FOREGROUND=1', ...program]);
      await untilConfigurable(end, [wg, 'show', device]);
      await end.run([wg, 'setconf', device, configOf(rig, end.name)]);
      await end.run(['ip', 'address', 'add', `${OVERLAY[end.name].ip4}/24`, 'dev', device]);
      await end.run(['ip', 'link', 'set', device, 'mtu', '1420', 'up']);
      return servant;
    };
    const started = await startEnds(rig, launch);
    for (const end of [rig.a, rig.b]) {
      const address = `${OVERLAY[end.name].ip6}/64`;
      await end.run(['ip', '-6', 'address', 'add', address, 'dev', deviceOf(rig, end.name), 'nodad']);
    }
    const tidy = async (): Promise<void> => {
      for (const end of ['a', 'b'] as const) {
        rmSync(`/var/run/wireguard/${deviceOf(rig, end)}.sock`, { force: true });
      }
    };
    return { ...started, tidy, addressOfB: OVERLAY.b.ip4, ip6OfB: OVERLAY.b.ip6 };
  },
};

async function untilConfigurable(end: BenchEnd, question: string[]): Promise<void> {
  const deadline = performance.now() + CONFIGURABLE_MS;
  while ((await end.host.run(question)).code !== 0) {
    if (performance.now() > deadline) {
      throw new EnvironmentFault('no-device', 'wireguard-go made no device that wg can configure');
    }
    await sleep(POLL_MS);
  }
}
