/** fastd: layer 2, with its usual salsa2012+umac. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentFault } from '../../../agent/errors.ts';
import type { BenchEnd, BenchRig } from '../rig.ts';
import { addIp6, type BenchSystem, installed, OVERLAY, startEnds } from './bench-system.ts';

const DEVICE = 'fd0';
const PORT = 9000;

interface KeyPair {
  secret: string;
  public: string;
}

function configOf(rig: BenchRig, end: BenchEnd): string {
  return join(rig.lab.directory, `fastd-${end.name}.conf`);
}

/** What `fastd --generate-key` says. */
export function keyPairIn(text: string): KeyPair {
  const keyOf = (name: string): string | undefined =>
    new RegExp(`^${name}: *([0-9a-f]+)`, 'm').exec(text)?.[1];
  const [secret, publicKey] = [keyOf('Secret'), keyOf('Public')];
  if (secret && publicKey) return { secret, public: publicKey };
  throw new EnvironmentFault('fastd-key', 'fastd --generate-key printed no keys');
}

export const fastd: BenchSystem = {
  name: 'fastd',
  programs: ['fastd'],
  version: (programs) => [installed(programs, 'fastd'), '--version'],

  async prepare(rig) {
    const program = installed(rig.programs, 'fastd');
    const generated = async (end: BenchEnd): Promise<KeyPair> => {
      const { stdout, stderr } = await end.host.run([program, '--generate-key']);
      return keyPairIn(`${stdout}\n${stderr}`);
    };
    const keys = { a: await generated(rig.a), b: await generated(rig.b) };
    for (const [end, other] of [[rig.a, rig.b] as const, [rig.b, rig.a] as const]) {
      const address = `${OVERLAY[end.name].ip4}/24`;
      const lines = [
        `log level warn; interface "${DEVICE}"; mode tap; method "salsa2012+umac"; bind 0.0.0.0:${PORT};`,
        `secret "${keys[end.name].secret}"; mtu 1406;`,
        `peer "other" { key "${keys[other.name].public}"; remote ${other.host.address}:${PORT}; }`,
        `on up "ip address add ${address} dev ${DEVICE}; ip link set ${DEVICE} up";`,
      ];
      writeFileSync(configOf(rig, end), `${lines.join('\n')}\n`, { mode: 0o600 });
    }
  },

  async start(rig) {
    const program = installed(rig.programs, 'fastd');
    const started = await startEnds(rig, (end) => end.serve('fastd', [program, '-c', configOf(rig, end)]));
    await addIp6(rig, DEVICE);
    return { ...started, addressOfB: OVERLAY.b.ip4, ip6OfB: OVERLAY.b.ip6 };
  },
};
