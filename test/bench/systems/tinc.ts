/** tinc 1.0: layer 2, in switch mode. */
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchEnd, BenchRig } from '../rig.ts';
import { addIp6, type BenchSystem, installed, OVERLAY, startEnds } from './bench-system.ts';

const DEVICE = 'tinc0';

function directoryOf(rig: BenchRig, end: BenchEnd): string {
  return join(rig.lab.directory, `tinc-${end.name}`);
}

async function makeHost(rig: BenchRig, end: BenchEnd, other: BenchEnd): Promise<void> {
  const directory = directoryOf(rig, end);
  mkdirSync(join(directory, 'hosts'), { recursive: true });
  const config = ['DeviceType = tap', 'Mode = switch', `Interface = ${DEVICE}`, `ConnectTo = ${other.name}`];
  writeFileSync(join(directory, 'tinc.conf'), `Name = ${end.name}\n${config.join('\n')}\n`);
  const up = `ip address add ${OVERLAY[end.name].ip4}/24 dev $INTERFACE; ip link set $INTERFACE up`;
  writeFileSync(join(directory, 'tinc-up'), `#!/bin/sh\n${up}\n`);
  chmodSync(join(directory, 'tinc-up'), 0o755);
  writeFileSync(join(directory, 'hosts', end.name), `Address = ${end.host.address}\n`);
  // Without a terminal it takes the default for every question, and adds the public key to the host's file.
  await end.run([installed(rig.programs, 'tincd'), '-c', directory, '-K']);
}

export const tinc: BenchSystem = {
  name: 'tinc',
  programs: ['tincd'],
  version: (programs) => [installed(programs, 'tincd'), '--version'],

  async prepare(rig) {
    await Promise.all([makeHost(rig, rig.a, rig.b), makeHost(rig, rig.b, rig.a)]);
    for (const [end, other] of [[rig.a, rig.b] as const, [rig.b, rig.a] as const]) {
      const file = join('hosts', end.name);
      copyFileSync(join(directoryOf(rig, end), file), join(directoryOf(rig, other), file));
    }
  },

  async start(rig) {
    const program = installed(rig.programs, 'tincd');
    const started = await startEnds(rig, (end) => {
      const directory = directoryOf(rig, end);
      return end.serve('tincd', [program, '-c', directory, '-D', `--pidfile=${directory}/pid`]);
    });
    await addIp6(rig, DEVICE);
    return { ...started, addressOfB: OVERLAY.b.ip4, ip6OfB: OVERLAY.b.ip6 };
  },
};
