/** No overlay at all: the LAN between the hosts, for reference. */
import type { BenchRig } from '../rig.ts';
import type { BenchSystem, RunningSystem } from './bench-system.ts';

const IP6 = { a: 'fd51::1', b: 'fd51::2' } as const;

export const direct: BenchSystem = {
  name: 'direct',
  programs: [],
  version: () => null,
  prepare: async () => undefined,
  async start({ a, b }: BenchRig): Promise<RunningSystem> {
    for (const end of [a, b]) {
      await end.run(['ip', '-6', 'address', 'add', `${IP6[end.name]}/64`, 'dev', 'eth0', 'nodad']);
    }
    return {
      addressOfB: b.host.address,
      ip6OfB: IP6.b,
      processes: { a: [], b: [] },
      startMs: null,
      // The next system must find the LAN as the first one did.
      async tidy() {
        for (const end of [a, b]) {
          await end.run(['ip', '-6', 'address', 'delete', `${IP6[end.name]}/64`, 'dev', 'eth0']);
        }
      },
    };
  },
};
