/**
 * Two real datapaths in two network namespaces over veth, with a relay of the test's between them that can repeat,
 * change and lose packets:
 *
 *     UDP, TCP - kernel - TAP - datapath - relay - veth - datapath - TAP - kernel - echo server
 *     `------------- this process ---------------'       `------- datapath-member.mjs -------'
 */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNativeDatapath } from '../../agent/adapters/native-datapath.ts';
import type { Datapath, FastSession } from '../../agent/ports/datapath.ts';
import { ip4Packet } from '../fakes/contract-frames.ts';
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
  udpEcho,
} from './datapath-pair.ts';

const file = fileURLToPath(import.meta.url);

/** What the relay does with each packet for the far node. */
type Interference = (packet: Buffer) => Buffer[];

class Relay {
  interfere: Interference = (packet) => [packet];
  readonly #socket: Socket = createSocket('udp4');
  #near = 0;
  #far = 0;

  async open(near: number, far: number): Promise<number> {
    [this.#near, this.#far] = [near, far];
    this.#socket.on('message', (packet, from) => {
      if (from.address === FAR.underlay) this.#socket.send(packet, this.#near, '127.0.0.1');
      else for (const one of this.interfere(packet)) this.#socket.send(one, this.#far, FAR.underlay);
    });
    this.#socket.bind(0);
    await once(this.#socket, 'listening');
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }
}

function describeTraffic(): void {
  let near: Datapath;
  let far: FarNode;
  const relay = new Relay();

  const farStats = async () => (await far.ask({ command: 'stats' })) as { drops: Record<string, number> };

  beforeAll(async () => {
    far = await FarNode.start();
    near = openNativeDatapath(optionsOf(NEAR), () => undefined);
    introduceFar();
    const udpPort = await far.open(optionsOf(FAR));
    const relayPort = await relay.open(near.udpPort, udpPort);
    const cipher: FastSession['cipher'] = 'aes-256-gcm';
    near.setPeer(FAR);
    near.addSession(FAR.slot, {
      cipher,
      receiveIndex: INDEX.near,
      receiveKey: new Uint8Array(32).fill(1),
      sendIndex: INDEX.far,
      sendKey: new Uint8Array(32).fill(2),
    });
    near.setPath(FAR.slot, { address: '127.0.0.1', port: relayPort });
    await far.ask({
      command: 'link',
      peer: NEAR,
      session: { cipher, receiveIndex: INDEX.far, receiveKey: 2, sendIndex: INDEX.near, sendKey: 1 },
      path: { address: NEAR.underlay, port: relayPort },
    });
  });
  afterAll(async () => {
    await far.stop();
    relay.close();
    await near.close();
  });

  /** Waits for one more drop for this reason at the far node, after `act`. */
  async function expectFarDrop(reason: string, act: () => Promise<unknown>): Promise<void> {
    const before = (await farStats()).drops[reason] ?? 0;
    await act();
    await expect
      .poll(async () => (await farStats()).drops[reason] ?? 0, { timeout: 5000 })
      .toBeGreaterThan(before);
  }

  it.each([FAR.ip4, FAR.ip6])('carries UDP to %s and back', async (address) => {
    expect(await udpEcho(address, 'hello')).toBe('hello');
    expect(await udpEcho(address, 'x'.repeat(1300))).toBe('x'.repeat(1300));
  });

  it.each([FAR.ip4, FAR.ip6])('carries a megabyte of TCP to %s and back', async (address) => {
    const data = randomBytes(1 << 20);
    expect(await tcpEcho(address, data)).toBe(sha256(data));
  });

  it('fragments what is larger than its MTU', async () => {
    const text = 'y'.repeat(6000);
    expect(await udpEcho(FAR.ip4, text)).toBe(text);
  });

  it('drops what the relay repeats, and delivers it once', async () => {
    relay.interfere = (packet) => [packet, packet];
    await expectFarDrop('packet-replayed', () => udpEcho(FAR.ip4, 'twice'));
  });

  it('drops what the relay changes, and goes on', async () => {
    relay.interfere = (packet) => [
      Buffer.concat([packet.subarray(0, -1), Buffer.of((packet.at(-1) ?? 0) ^ 1)]),
      packet,
    ];
    await expectFarDrop('packet-not-authentic', () => udpEcho(FAR.ip4, 'changed'));
    relay.interfere = (packet) => [packet];
    expect(await udpEcho(FAR.ip4, 'again')).toBe('again');
  });

  it('drops what the relay makes up', async () => {
    relay.interfere = (packet) => [
      randomBytes(100),
      Buffer.alloc(0),
      Buffer.from('0401000099999999', 'hex'),
      packet,
    ];
    await expectFarDrop('packet-too-short', () => udpEcho(FAR.ip4, 'noise'));
    relay.interfere = (packet) => [packet];
  });

  it('drops frames that bear the address of another member', async () => {
    const spoofed = ip4Packet({ from: { ...NEAR, ip4: '10.64.0.77' }, to: FAR, text: 'liar' });
    await expectFarDrop('source-ip-mismatch', async () => near.sendFrame(FAR.slot, spoofed));
    const foreign = ip4Packet({ from: { ...NEAR, mac: '02:00:00:00:00:77' }, to: FAR, text: 'liar' });
    await expectFarDrop('source-mac-mismatch', async () => near.sendFrame(FAR.slot, foreign));
  });

  it('loses nothing but what the relay loses', async () => {
    let count = 0;
    relay.interfere = (packet) => (count++ % 10 === 9 ? [] : [packet]);
    const data = randomBytes(1 << 18);
    expect(await tcpEcho(FAR.ip4, data)).toBe(sha256(data));
  });
}

if (insideNamespace) {
  describe('two datapaths', describeTraffic);
} else {
  describe('two datapaths', () => {
    const problem = namespaceProblem();
    it.skipIf(problem !== null)(
      `carry traffic between two namespaces${problem ? ` (${problem})` : ''}`,
      () => {
        const { passed, output } = runInNamespace('integration', file);
        expect(passed, output).toBe(true);
      },
      120_000,
    );
  });
}
