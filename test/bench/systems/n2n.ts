/** n2n: layer 2, with its supernode on B, which only introduces the two. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchRig } from '../rig.ts';
import { addIp6, type BenchSystem, installed, OVERLAY, startEnds } from './bench-system.ts';

const DEVICE = 'n2n0';
const PORT = 7777;
/** Until the first answer and a little longer it goes through the supernode. */
const DIRECT_AFTER_MS = 3000;

/** Older ones stay in the foreground and have `-f` to leave it; newer ones have it to stay there. */
export function foregroundFlags(help: string): string[] {
  return /-f +\| +Fork/i.test(help) ? [] : ['-f'];
}

async function flagsOf(edge: string, rig: BenchRig): Promise<string[]> {
  const { stdout, stderr } = await rig.a.host.run([edge, '-h']);
  const help = `${stdout}\n${stderr}`;
  // Newer ones drop multicast, which IPv6 needs, unless told otherwise.
  return [...foregroundFlags(help), ...(/^ *-E\b/m.test(help) ? ['-E'] : [])];
}

let flags: string[] = [];

export const n2n: BenchSystem = {
  name: 'n2n',
  programs: ['edge', 'supernode'],
  version: (programs) => [installed(programs, 'edge'), '-h'],

  async prepare(rig) {
    flags = await flagsOf(installed(rig.programs, 'edge'), rig);
  },

  async start(rig) {
    // Not `serve`: it carries no traffic of the two, so it is not measured.
    rig.b.assist('the supernode', [...[installed(rig.programs, 'supernode'), '-l', String(PORT)]]);
    const edge = installed(rig.programs, 'edge');
    const network = ['-d', DEVICE, '-c', 'bench', '-k', 'secret', '-l', `${rig.b.host.address}:${PORT}`];
    const started = await startEnds(rig, (end) =>
      end.serve('edge', [edge, ...flags, '-a', OVERLAY[end.name].ip4, ...network]),
    );
    await addIp6(rig, DEVICE);
    const settled = (): Promise<void> => sleep(DIRECT_AFTER_MS);
    return { ...started, addressOfB: OVERLAY.b.ip4, ip6OfB: OVERLAY.b.ip6, untilSettled: settled };
  },
};
