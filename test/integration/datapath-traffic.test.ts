/**
 * Two real datapaths in two network namespaces over veth, with a relay of the test's between them that can repeat,
 * change and lose packets:
 *
 *     UDP, TCP - kernel - TAP - datapath - relay - veth - datapath - TAP - kernel - echo server
 *     `------------- this process ---------------'       `------- datapath-member.mjs -------'
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNativeDatapath } from '../../agent/adapters/native-datapath.ts';
import type { Datapath, DatapathOptions, FastSession } from '../../agent/ports/datapath.ts';
import { ip4Packet } from '../fakes/contract-frames.ts';
import { insideNamespace, namespaceProblem, runInNamespace } from '../fakes/network-namespace.ts';

const file = fileURLToPath(import.meta.url);
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const NEAR = { slot: 0, mac: '02:00:00:00:00:0a', ip4: '10.64.0.1', ip6: 'fd00::1', underlay: '192.0.2.1' };
const FAR = { slot: 1, mac: '02:00:00:00:00:0b', ip4: '10.64.0.2', ip6: 'fd00::2', underlay: '192.0.2.2' };
const ECHO_PORT = 7;
const INDEX = { near: 0x11111111, far: 0x22222222 };

function optionsOf(node: typeof NEAR): DatapathOptions {
  return {
    tapName: 'tincan0',
    mac: node.mac,
    mtuBytes: 1400,
    ip4: { address: node.ip4, prefixLength: 16 },
    ip6: { address: node.ip6, prefixLength: 64 },
    udpPort: 0,
  };
}

const neighboursFor = (node: typeof NEAR) =>
  [node.ip4, node.ip6].map((address) => ({ address, mac: node.mac }));

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
  let child: ChildProcessWithoutNullStreams;
  let lines: Interface;
  const relay = new Relay();

  async function ask(command: object): Promise<Record<string, unknown>> {
    const answered = once(lines, 'line');
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const [line] = await answered;
    return JSON.parse(String(line));
  }

  const farStats = async () => (await ask({ command: 'stats' })) as { drops: Record<string, number> };

  beforeAll(async () => {
    execFileSync('ip', ['link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far']);
    execFileSync('ip', ['address', 'add', `${NEAR.underlay}/24`, 'dev', 'near']);
    execFileSync('ip', ['link', 'set', 'near', 'up']);
    child = spawn('unshare', ['--net', process.execPath, path('datapath-member.mjs')]);
    child.stderr.on('data', (text) => process.stderr.write(text));
    lines = createInterface({ input: child.stdout });
    await once(lines, 'line');
    execFileSync('ip', ['link', 'set', 'far', 'netns', String(child.pid)]);

    near = openNativeDatapath(optionsOf(NEAR), () => undefined);
    for (const { address, mac } of neighboursFor(FAR)) {
      execFileSync('ip', ['neighbour', 'add', address, 'lladdr', mac, 'dev', 'tincan0', 'nud', 'permanent']);
    }
    const { udpPort } = await ask({
      command: 'open',
      addon: path(`../../dist/datapath-linux-${process.arch}.node`),
      underlay: { device: 'far', address: FAR.underlay },
      options: optionsOf(FAR),
      neighbours: neighboursFor(NEAR),
    });
    const relayPort = await relay.open(near.udpPort, Number(udpPort));
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
    await ask({
      command: 'link',
      peer: NEAR,
      session: { cipher, receiveIndex: INDEX.far, receiveKey: 2, sendIndex: INDEX.near, sendKey: 1 },
      path: { address: NEAR.underlay, port: relayPort },
    });
  });
  afterAll(async () => {
    child.stdin.end();
    await once(child, 'exit');
    relay.close();
    await near.close();
  });

  async function udpEcho(address: string, text: string): Promise<string> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    try {
      socket.send(text, ECHO_PORT, address);
      const [message] = await once(socket, 'message', { signal: AbortSignal.timeout(5000) });
      return String(message);
    } finally {
      socket.close();
    }
  }

  async function tcpEcho(address: string, data: Buffer): Promise<string> {
    const socket = connect(ECHO_PORT, address);
    const hash = createHash('sha256');
    let left = data.length;
    socket.on('data', (chunk) => {
      hash.update(chunk);
      left -= chunk.length;
      if (left === 0) socket.end();
    });
    socket.write(data);
    await once(socket, 'close', { signal: AbortSignal.timeout(20_000) });
    return hash.digest('hex');
  }

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
    expect(await tcpEcho(address, data)).toBe(createHash('sha256').update(data).digest('hex'));
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
    expect(await tcpEcho(FAR.ip4, data)).toBe(createHash('sha256').update(data).digest('hex'));
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
