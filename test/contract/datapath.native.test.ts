import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNativeDatapath } from '../../agent/adapters/native-datapath.ts';
import type { DatapathEvent } from '../../agent/ports/datapath.ts';
import { insideNamespace, namespaceProblem, runInNamespace } from '../fakes/network-namespace.ts';
import { datapathContract } from './datapath.contract.ts';
import { MTU_BYTES, NODES, type RiggedDatapath } from './datapath-rig.ts';
import { compileRawFrames, openKernelSide } from './kernel-side.ts';

const file = fileURLToPath(import.meta.url);

async function open(node: 'a' | 'b', rawFrames: string): Promise<RiggedDatapath> {
  const events: DatapathEvent[] = [];
  const { mac, ip4, ip6 } = NODES[node];
  const datapath = openNativeDatapath(
    {
      tapName: `tap-${node}`,
      mac,
      mtuBytes: MTU_BYTES,
      ip4: { address: ip4, prefixLength: 24 },
      ip6: { address: ip6, prefixLength: 64 },
      udpPort: 0,
    },
    (batch) => events.push(...batch),
  );
  const kernel = await openKernelSide(rawFrames, datapath.tapName);
  return {
    datapath,
    events,
    endpoint: { address: '127.0.0.1', port: datapath.udpPort },
    fromKernel: kernel.send,
    toKernel: kernel.received,
    close: async () => {
      await kernel.close();
      await datapath.close();
    },
  };
}

if (insideNamespace) {
  describe('NativeDatapath', () => {
    let directory: string;
    let rawFrames: string;
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'tincan-contract-'));
      rawFrames = compileRawFrames(directory);
    });
    afterAll(() => rmSync(directory, { recursive: true }));

    datapathContract(async () => ({ a: await open('a', rawFrames), b: await open('b', rawFrames) }));
  });
} else {
  describe('NativeDatapath', () => {
    const problem = namespaceProblem();
    it.skipIf(problem !== null)(
      `holds its contract in a network namespace${problem ? ` (${problem})` : ''}`,
      () => {
        const { passed, output } = runInNamespace('contract', file);
        expect(passed, output).toBe(true);
      },
      120_000,
    );
  });
}
