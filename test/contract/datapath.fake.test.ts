import { describe } from 'vitest';
import type { DatapathEvent } from '../../agent/ports/datapath.ts';
import { FakeDatapath } from '../fakes/fake-datapath.ts';
import { FakeUnderlay } from '../fakes/fake-underlay.ts';
import { datapathContract } from './datapath.contract.ts';
import { MTU_BYTES, NODES, type RiggedDatapath } from './datapath-rig.ts';

function open(node: 'a' | 'b', underlay: FakeUnderlay, address: string): RiggedDatapath {
  const events: DatapathEvent[] = [];
  const { mac, ip4, ip6 } = NODES[node];
  const datapath = new FakeDatapath(
    {
      tapName: `tap-${node}`,
      mac,
      mtuBytes: MTU_BYTES,
      ip4: { address: ip4, prefixLength: 24 },
      ip6: { address: ip6, prefixLength: 64 },
      udpPort: 0,
    },
    (batch) => events.push(...batch),
    { underlay, underlayAddress: address },
  );
  return {
    datapath,
    events,
    endpoint: { address, port: datapath.udpPort },
    fromKernel: (frame) => datapath.fromKernel(frame),
    toKernel: datapath.toKernel,
    close: () => datapath.close(),
  };
}

describe('FakeDatapath', () => {
  datapathContract(async () => {
    const underlay = new FakeUnderlay();
    return { a: open('a', underlay, '192.0.2.1'), b: open('b', underlay, '192.0.2.2') };
  });
});
