/** nebula: layer 3, IPv4 inside, with B as the lighthouse. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchEnd, BenchRig } from '../rig.ts';
import { type BenchSystem, installed, OVERLAY, startEnds } from './bench-system.ts';

const PORT = 4242;

function directoryOf(rig: BenchRig): string {
  return join(rig.lab.directory, 'nebula');
}

function configText(directory: string, end: BenchEnd, other: BenchEnd): string {
  const peer = OVERLAY[other.name].ip4;
  const any = '[{port: any, proto: any, host: any}]';
  const hosts = end.name === 'a' ? `"${peer}"` : '';
  return `
pki: {ca: ${directory}/ca.crt, cert: ${directory}/${end.name}.crt, key: ${directory}/${end.name}.key}
static_host_map: {"${peer}": ["${other.host.address}:${PORT}"]}
lighthouse: {am_lighthouse: ${end.name === 'b'}, hosts: [${hosts}]}
listen: {host: 0.0.0.0, port: ${PORT}}
tun: {dev: neb0, mtu: 1300}
firewall: {outbound: ${any}, inbound: ${any}}
`;
}

export const nebula: BenchSystem = {
  name: 'nebula',
  programs: ['nebula', 'nebula-cert'],
  version: (programs) => [installed(programs, 'nebula'), '-version'],

  async prepare(rig) {
    const directory = directoryOf(rig);
    mkdirSync(directory);
    const cert = installed(rig.programs, 'nebula-cert');
    const files = (kind: string, name: string): string[] => [
      ...[`-${kind}crt`, join(directory, `${name}.crt`)],
      ...[`-${kind}key`, join(directory, `${name}.key`)],
    ];
    await rig.a.run([cert, 'ca', '-name', 'bench', ...files('out-', 'ca')]);
    for (const end of [rig.a, rig.b]) {
      const address = `${OVERLAY[end.name].ip4}/24`;
      const identity = ['-name', end.name, '-ip', address];
      await rig.a.run([cert, 'sign', ...identity, ...files('ca-', 'ca'), ...files('out-', end.name)]);
      const other = end === rig.a ? rig.b : rig.a;
      writeFileSync(join(directory, `${end.name}.yml`), configText(directory, end, other));
    }
  },

  async start(rig) {
    const program = installed(rig.programs, 'nebula');
    const started = await startEnds(rig, (end) =>
      end.serve('nebula', [program, '-config', join(directoryOf(rig), `${end.name}.yml`)]),
    );
    return { ...started, addressOfB: OVERLAY.b.ip4, ip6OfB: null };
  },
};
