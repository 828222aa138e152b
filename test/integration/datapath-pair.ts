/**
 * What the tests over two real datapaths share: the far node in its own namespace (datapath-member.mjs), the addresses
 * of both, and echoes through the overlay whose every byte is compared.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DatapathOptions } from '../../agent/ports/datapath.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export const NEAR = {
  slot: 0,
  mac: '02:00:00:00:00:0a',
  ip4: '10.64.0.1',
  ip6: 'fd00::1',
  underlay: '192.0.2.1',
};
export const FAR = {
  slot: 1,
  mac: '02:00:00:00:00:0b',
  ip4: '10.64.0.2',
  ip6: 'fd00::2',
  underlay: '192.0.2.2',
};
export const INDEX = { near: 0x11111111, far: 0x22222222 };
const ECHO_PORT = 7;
const ECHO_LIMIT_MS = 20_000;

export function optionsOf(node: typeof NEAR): DatapathOptions {
  return {
    tapName: 'tincan0',
    mac: node.mac,
    mtuBytes: 1400,
    ip4: { address: node.ip4, prefixLength: 16 },
    ip6: { address: node.ip6, prefixLength: 64 },
    udpPort: 0,
  };
}

export const neighboursFor = (node: typeof NEAR) =>
  [node.ip4, node.ip6].map((address) => ({ address, mac: node.mac }));

/** Tells this namespace's kernel where the far node is, once the near TAP is there. */
export function introduceFar(): void {
  for (const { address, mac } of neighboursFor(FAR)) {
    execFileSync('ip', ['neighbour', 'add', address, 'lladdr', mac, 'dev', 'tincan0', 'nud', 'permanent']);
  }
}

export class FarNode {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
  }

  /** In a new namespace, behind a new veth pair whose near end has its address. */
  static async start(): Promise<FarNode> {
    execFileSync('ip', ['link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far']);
    execFileSync('ip', ['address', 'add', `${NEAR.underlay}/24`, 'dev', 'near']);
    execFileSync('ip', ['link', 'set', 'near', 'up']);
    const child = spawn('unshare', ['--net', process.execPath, path('datapath-member.mjs')]);
    child.stderr.on('data', (text) => process.stderr.write(text));
    const far = new FarNode(child);
    await once(far.#lines, 'line');
    execFileSync('ip', ['link', 'set', 'far', 'netns', String(child.pid)]);
    return far;
  }

  async ask(command: object): Promise<Record<string, unknown>> {
    const answered = once(this.#lines, 'line');
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    const [line] = await answered;
    return JSON.parse(String(line));
  }

  /** The UDP port of its datapath, which echoes from then on. */
  async open(options: DatapathOptions): Promise<number> {
    const { udpPort } = await this.ask({
      command: 'open',
      addon: path(`../../dist/datapath-linux-${process.arch}.node`),
      underlay: { device: 'far', address: FAR.underlay },
      options,
      neighbours: neighboursFor(NEAR),
    });
    return Number(udpPort);
  }

  /** Its veth, and so the near end's too, goes with it. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    await once(this.#child, 'exit');
    execFileSync('sh', ['-c', 'ip link delete near 2>/dev/null || true']);
  }
}

export async function udpEcho(address: string, text: string): Promise<string> {
  const [echoed = ''] = await udpEchoes(address, [text]);
  return echoed;
}

/** Sends all at once; the echoes in the order in which they came. */
export async function udpEchoes(address: string, texts: readonly string[]): Promise<string[]> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const echoed: string[] = [];
  try {
    const complete = new Promise<void>((resolve) => {
      socket.on('message', (message) => {
        if (echoed.push(String(message)) === texts.length) resolve();
      });
    });
    for (const text of texts) socket.send(text, ECHO_PORT, address);
    const limit = AbortSignal.timeout(ECHO_LIMIT_MS);
    const late = once(limit, 'abort').then(() => {
      throw new Error(`${echoed.length} of ${texts.length} echoes came from ${address}.`);
    });
    await Promise.race([complete, late]);
    return echoed;
  } finally {
    socket.close();
  }
}

/** The SHA-256 of what came back. */
export async function tcpEcho(address: string, data: Buffer): Promise<string> {
  const socket = connect(ECHO_PORT, address);
  const hash = createHash('sha256');
  let left = data.length;
  socket.on('data', (chunk) => {
    hash.update(chunk);
    left -= chunk.length;
    if (left === 0) socket.end();
  });
  socket.write(data);
  await once(socket, 'close', { signal: AbortSignal.timeout(ECHO_LIMIT_MS) });
  return hash.digest('hex');
}

export const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
