/**
 * Links with real datapaths, in a network namespace: two nodes on its loopback, each with a TAP whose kernel side is the
 * test's, and packet filter rules that break what lies between them.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openNativeDatapath } from '../../../agent/adapters/native-datapath.ts';
import type { LinkManagerOptions } from '../../../agent/links/link-types.ts';
import type { Datapath } from '../../../agent/ports/datapath.ts';
import type { SignalIdentity } from '../../../agent/signalling/sealed-signals.ts';
import { macOfNode } from '../../../agent/wire/node-address.ts';
import { compileRawFrames, type KernelSide, openKernelSide } from '../../contract/kernel-side.ts';
import { TestBroker } from '../../fakes/aedes-broker.ts';
import { ip4Packet } from '../../fakes/contract-frames.ts';
import { testIdentity } from '../../fakes/fleet-of-two.ts';
import { insideNamespace, namespaceProblem, runInNamespace } from '../../fakes/network-namespace.ts';
import { LinkNode } from './link-node.ts';

const file = fileURLToPath(import.meta.url);
const soon = { timeout: 10_000, interval: 5 };

interface Member {
  node: LinkNode<Datapath>;
  kernel: KernelSide;
  addresses: { mac: string; ip4: string };
}

function describeLinks(): void {
  let directory: string;
  let rawFrames: string;
  let broker: TestBroker;
  let identities: SignalIdentity[];
  let members: Member[] = [];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tincan-links-'));
    rawFrames = compileRawFrames(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  beforeEach(async () => {
    broker = await new TestBroker().start();
    identities = [await testIdentity('north', 1), await testIdentity('south', 2)];
  });
  afterEach(async () => {
    for (const { kernel } of members) await kernel.close();
    await Promise.all(members.map(({ node }) => node.stop()));
    members = [];
    await broker.stop();
  });

  async function member(which: number, links: Partial<LinkManagerOptions>): Promise<Member> {
    const identity = identities[which];
    if (!identity) throw new RangeError(`there is no identity ${which}`);
    const node = await new LinkNode({
      identity,
      fleet: identities.map((entry) => entry.membership),
      brokerUrl: broker.url,
      underlayAddress: '127.0.0.1',
      tapName: `links${which}`,
      openDatapath: openNativeDatapath,
      links,
    }).start();
    const kernel = await openKernelSide(rawFrames, node.datapath.tapName);
    const addresses = { mac: macOfNode(identity.nodeId), ip4: identity.membership.ip4 };
    const made = { node, kernel, addresses };
    members.push(made);
    return made;
  }

  async function linked(links: Partial<LinkManagerOptions> = {}): Promise<[Member, Member]> {
    const [a, b] = [await member(0, links), await member(1, links)];
    a.node.links.request(b.node.identity.membership);
    await vi.waitFor(() => {
      for (const { node } of [a, b]) expect(node.report()).toMatchObject({ state: 'up', path: 'fast' });
    }, soon);
    return [a, b];
  }

  /** Numbered frames from one to the other, one a millisecond or so, while `doing` goes on. */
  function send(from: Member, to: Member, count: number): Promise<void> {
    return new Promise((resolve) => {
      let next = 0;
      const timer = setInterval(() => {
        for (let burst = 0; burst < 4 && next < count; burst++) {
          from.kernel.send(ip4Packet({ from: from.addresses, to: to.addresses, text: `number ${next++};` }));
        }
        if (next < count) return;
        clearInterval(timer);
        resolve();
      }, 2);
    });
  }

  /** The numbers that came out of the TAP. */
  const numbers = ({ kernel }: Member) =>
    new Set(kernel.received.map((frame) => /number (\d+);/.exec(Buffer.from(frame).toString('latin1'))?.[1]));

  it('loses no packet while keys are replaced under load, by time and by count, from both sides', async () => {
    const [a, b] = await linked({ rekey: { afterMs: 300, afterPackets: 400 } });
    const count = 4000;
    // Probes may overtake the first keys; from then on nothing is dropped.
    const before = [a, b].map(({ node }) => node.datapath.stats().drops);
    await Promise.all([send(a, b, count), send(b, a, count)]);
    await vi.waitFor(() => expect([numbers(a).size, numbers(b).size]).toEqual([count, count]), soon);
    expect([a, b].map(({ node }) => node.datapath.stats().drops)).toEqual(before);
    for (const { node } of [a, b]) {
      expect(node.report()?.generation).toBeGreaterThan(4);
      // A first attempt may have come to nothing.
      expect(node.events.slice(node.events.indexOf('up 0'))).toEqual(['up 0']);
    }
  });
}

void execFileSync;
if (insideNamespace) {
  describe('links with real datapaths', describeLinks);
} else {
  describe('links with real datapaths', () => {
    const problem = namespaceProblem();
    it.skipIf(problem !== null)(
      `work in a network namespace${problem ? ` (${problem})` : ''}`,
      () => {
        const { passed, output } = runInNamespace('integration', file);
        expect(passed, output).toBe(true);
      },
      120_000,
    );
  });
}
