/**
 * Every combination of offloads carries the same bytes: two real datapaths in two network namespaces over veth, TCP and
 * UDP to an echo server at the far one, so that each transfer goes both ways. Super-frames are made by the kernels' own
 * TCP, and joined ones are taken by them.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNativeDatapath } from '../../agent/adapters/native-datapath.ts';
import type { AeadCipher, Datapath } from '../../agent/ports/datapath.ts';
import { insideNamespace, namespaceProblem, runInNamespace } from '../fakes/network-namespace.ts';
import {
  FAR,
  FarNode,
  INDEX,
  introduceFar,
  NEAR,
  optionsOf,
  sha256,
  tcpEcho,
  udpEchoes,
} from './datapath-pair.ts';

const file = fileURLToPath(import.meta.url);
const TCP_BYTES = 8 << 20;

/** [near TAP, near UDP, far TAP, far UDP] */
const COMBINATIONS: [boolean, boolean, boolean, boolean][] = [
  [true, true, true, true],
  [true, true, false, false],
  [false, false, true, true],
  [true, false, true, false],
  [false, true, false, true],
  [true, false, false, true],
  [false, true, true, false],
  [false, false, false, false],
];

const nameOf = (flags: readonly boolean[]) => {
  const [tap, udp] = flags.map((on) => (on ? 'on' : 'off'));
  return `TAP ${tap}, UDP ${udp}`;
};

function linkTo(node: typeof NEAR, own: number, theirs: number, cipher: AeadCipher) {
  return {
    peer: node,
    session: { cipher, receiveIndex: own, receiveKey: own & 0xff, sendIndex: theirs, sendKey: theirs & 0xff },
  };
}

function describeCombination([nearTap, nearUdp, farTap, farUdp]: (typeof COMBINATIONS)[number]): void {
  let near: Datapath;
  let far: FarNode;
  const cipher = nearTap === farTap ? 'aes-256-gcm' : 'chacha20-poly1305';

  beforeAll(async () => {
    far = await FarNode.start();
    near = openNativeDatapath(
      { ...optionsOf(NEAR), offloads: { tap: nearTap, udp: nearUdp } },
      () => undefined,
    );
    introduceFar();
    const farPort = await far.open({ ...optionsOf(FAR), offloads: { tap: farTap, udp: farUdp } });
    const { session } = linkTo(FAR, INDEX.near, INDEX.far, cipher);
    near.setPeer(FAR);
    near.addSession(FAR.slot, {
      ...session,
      receiveKey: new Uint8Array(32).fill(session.receiveKey),
      sendKey: new Uint8Array(32).fill(session.sendKey),
    });
    near.setPath(FAR.slot, { address: FAR.underlay, port: farPort });
    const path = { address: NEAR.underlay, port: near.udpPort };
    await far.ask({ command: 'link', ...linkTo(NEAR, INDEX.far, INDEX.near, cipher), path });
  });
  afterAll(async () => {
    await far.stop();
    await near.close();
  });

  it.each([FAR.ip4, FAR.ip6])('carries TCP to %s and back', async (address) => {
    const data = randomBytes(TCP_BYTES);
    expect(await tcpEcho(address, data)).toBe(sha256(data));
  });

  it.each([FAR.ip4, FAR.ip6])('carries UDP to %s and back, in order', async (address) => {
    // Each burst fits into the echo server's own socket buffer, however late that process runs.
    for (const bytes of [1, 200, 777, 1300]) {
      const texts = Array.from(
        { length: 40 },
        (_, at) => `${at} ${'x'.repeat(at === 20 ? bytes / 2 : bytes)}`,
      );
      expect(await udpEchoes(address, texts)).toEqual(texts);
    }
  });

  it('dropped nothing, and cut and joined where it is on', async () => {
    const there = (await far.ask({ command: 'stats' })) as unknown as ReturnType<Datapath['stats']>;
    const here = near.stats();
    expect([here.drops, there.drops]).toEqual([{}, {}]);
    const frames = (TCP_BYTES * 2) / 1400;
    const fromTap = here.fromTap.frames;
    expect(nearTap ? fromTap < frames / 2 : fromTap > frames, `${fromTap} frames from the TAP`).toBe(true);
  });
}

if (insideNamespace) {
  for (const flags of COMBINATIONS) {
    describe(`near ${nameOf(flags)}; far ${nameOf(flags.slice(2))}`, () => describeCombination(flags));
  }
} else {
  describe('two datapaths with every combination of offloads', () => {
    const problem = namespaceProblem();
    it.skipIf(problem !== null)(
      `carry the same bytes${problem ? ` (${problem})` : ''}`,
      () => {
        const { passed, output } = runInNamespace('integration', file);
        expect(passed, output).toBe(true);
      },
      120_000,
    );
  });
}
