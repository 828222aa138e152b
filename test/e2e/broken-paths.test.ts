/** Two agents on a LAN, TCP between their virtual addresses, and packet filters and address changes that break the way. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MemberHost } from '../demo/member-host.ts';
import { runTincan, tincanCommand } from '../demo/tincan-command.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import { defaultLabMode, labProblem } from '../lab/prerequisites.ts';

const PORT = 9000;
/** Takes one connection; at its end says how many bytes came, whether all were right, and the longest pause. */
const SINK = `
  require('node:net').createServer((socket) => {
    let bytes = 0, right = true, last = Date.now(), longest = 0;
    socket.on('data', (chunk) => {
      right &&= chunk.equals(Buffer.from(chunk, 0).fill(0x5a).subarray(0, chunk.length));
      bytes += chunk.length;
      longest = Math.max(longest, Date.now() - last);
      last = Date.now();
    });
    socket.on('error', (error) => console.log(JSON.stringify({ error: error.message })));
    socket.on('end', () => { console.log(JSON.stringify({ bytes, right, longest })); socket.end(); });
  }).listen(${PORT}, '::', () => console.log('listening'));
`;
/** Sends so many bytes, as quickly as it goes or in pieces every 5 ms. */
const SOURCE = `
  const [host, bytes, paced] = process.argv.slice(1);
  const piece = Buffer.alloc(paced === 'paced' ? 1000 : 65536, 0x5a);
  const socket = require('node:net').connect(${PORT}, host);
  let left = Number(bytes);
  const next = () => {
    if (left <= 0) return socket.end();
    const part = piece.subarray(0, Math.min(left, piece.length));
    left -= part.length;
    if (paced === 'paced') { socket.write(part); setTimeout(next, 5); }
    else if (socket.write(part)) setImmediate(next); else socket.once('drain', next);
  };
  socket.on('connect', next);
  socket.on('close', () => process.exit(0));
  socket.on('error', (error) => { console.error(error.message); process.exit(1); });
`;

interface Received {
  bytes: number;
  right: boolean;
  longest: number;
}

const problem =
  labProblem(defaultLabMode()) ??
  (spawnSync('nft', ['--version']).error ? 'nft cannot be run: apt-get install nftables' : null);

describe.skipIf(problem !== null)(`two agents${problem ? ` (${problem})` : ''}`, () => {
  let lab: Lab;
  let near: MemberHost;
  let far: MemberHost;
  let sink: LabProcess;
  const received: Received[] = [];

  beforeAll(async () => {
    lab = await Lab.open();
    [near, far] = [
      new MemberHost(await lab.addHost('near'), lab.directory),
      new MemberHost(await lab.addHost('far'), lab.directory),
    ];
    const broker = `${near.host.address}:1883`;
    const fleet = join(lab.directory, 'fleet');
    await near.host
      .spawn('broker', tincanCommand('broker', '--listen', broker))
      .waitForLine('a word', 10_000, () => true);
    await runTincan(near.host, 'fleet', 'init', fleet, '--name', 'paths', '--broker', `mqtt://${broker}`);
    for (const { name, claimFile } of [near, far]) {
      await runTincan(near.host, 'fleet', 'add', fleet, name, '--claim', claimFile);
    }
    await near.host
      .spawn('registrar', tincanCommand('fleet', 'serve', fleet))
      .waitForLine('a word', 10_000, () => true);
    for (const member of [near, far]) {
      member.start(() => undefined);
      await member.untilProvisioned(20_000);
    }
    sink = far.host.spawn('sink', [process.execPath, '-e', SINK], {
      onLine: (line) => void (line.startsWith('{') && received.push(JSON.parse(line) as Received)),
    });
    await sink.waitForLine('listening', 5_000, (line) => line === 'listening');
    await transfer(1_000);
    await untilPath('fast');
  });
  afterAll(() => lab?.close());

  async function transfer(bytes: number, paced?: 'paced', timeoutMs = 60_000): Promise<Received> {
    const before = received.length;
    const argv = [process.execPath, '-e', SOURCE, far.identity.ip4, String(bytes), paced ?? ''];
    const { code, stderr } = await near.host.run(argv, { timeoutMs });
    expect(code, stderr).toBe(0);
    await vi.waitFor(() => expect(received.length).toBe(before + 1), { timeout: 15_000 });
    return received.at(-1) as Received;
  }

  /** How long it took, in milliseconds. */
  async function untilPath(path: 'fast' | 'slow'): Promise<number> {
    const began = performance.now();
    await vi.waitFor(async () => expect((await near.links())[0]?.path).toBe(path), {
      timeout: 15_000,
      interval: 50,
    });
    return performance.now() - began;
  }

  /** Drops UDP packets that come to `far` and match, until the returned function is called. */
  async function dropping(match: string): Promise<() => Promise<void>> {
    const rules = `table inet broken { chain in { type filter hook input priority 0; ${match} drop; }; }`;
    const { code, stderr } = await far.host.run(['nft', rules]);
    expect(code, stderr).toBe(0);
    return async () => void (await far.host.run(['nft', 'delete', 'table', 'inet', 'broken']));
  }

  const fastPortOfFar = async () => Number((await near.links())[0]?.endpoint?.split(':').at(-1));

  it('carry 100 MB whole over a path that silently drops packets above 1300 bytes', async () => {
    // The kernel hands datagrams that were sent together from one namespace to the next uncut, which no wire would.
    const uncut = await near.host.run(['ip', 'link', 'set', 'dev', 'eth0', 'gso_max_segs', '1']);
    expect(uncut.code, uncut.stderr).toBe(0);
    const mend = await dropping('meta l4proto udp ip length > 1300');
    const got = await transfer(100_000_000);
    expect(got).toMatchObject({ bytes: 100_000_000, right: true });
    await mend();
  });

  it('keep a TCP session on the slow path while the fast one is blocked, and return', async () => {
    const port = await fastPortOfFar();
    const running = transfer(3_000_000, 'paced');
    const mend = await dropping(`udp dport ${port}`);
    expect(await untilPath('slow')).toBeLessThan(4_000);
    await mend();
    expect(await untilPath('fast')).toBeLessThan(4_000);
    const got = await running;
    expect(got).toMatchObject({ bytes: 3_000_000, right: true });
    expect(got.longest).toBeLessThan(5_000);
  });

  it('carry on within 3 s when the address of one of them changes', async () => {
    const running = transfer(1_500_000, 'paced');
    const prefix = near.host.address.slice(0, near.host.address.lastIndexOf('.'));
    await far.host.run(['sh', '-c', `ip address flush dev eth0 && ip address add ${prefix}.99/24 dev eth0`]);
    const got = await running;
    expect(got).toMatchObject({ bytes: 1_500_000, right: true });
    expect(got.longest).toBeLessThan(3_500);
    await vi.waitFor(async () => expect((await near.links())[0]?.endpoint).toContain(`${prefix}.99:`), {
      timeout: 5_000,
      interval: 50,
    });
  });
});
