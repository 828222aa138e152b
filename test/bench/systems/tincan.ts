/** Tincan itself, the real CLI: a broker and a registrar on a host of their own, an agent on A and on B. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askAgent } from '../../../agent/cli/control-client.ts';
import { linkList, statusReport } from '../../../agent/control/report-schema.ts';
import { EnvironmentFault } from '../../../agent/errors.ts';
import { MemberHost } from '../../demo/member-host.ts';
import { runTincan, tincanCommand } from '../../demo/tincan-command.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import type { BenchEnd, BenchRig } from '../rig.ts';
import { type BenchSystem, type RunningSystem, startEnds } from './bench-system.ts';

const BROKER_PORT = 1883;
const SERVANT_START_MS = 10_000;
const ADMISSION_MS = 60_000;
const PATH_LIMIT_MS = 20_000;
const POLL_MS = 50;
/** Table of nftables that blocks the fast path. */
const BLOCKING_TABLE = 'tincan-bench';
const NO_NFT = 'the program nft is missing: install it with apt-get install nftables';

interface Members {
  a: MemberHost;
  b: MemberHost;
}

export function tincan(): BenchSystem {
  let members: Members | undefined;
  return {
    name: 'tincan',
    programs: [],
    version: () => tincanCommand('--version'),

    async prepare(rig) {
      members = await enrolled(rig);
    },

    async start(rig) {
      if (!members) throw new EnvironmentFault('not-prepared', 'the agents have no config yet');
      return started(rig, members);
    },
  };
}

/** From nothing to two devices that have their configs; their agents are stopped again. */
async function enrolled(rig: BenchRig): Promise<Members> {
  const { lab, a, b, home } = rig;
  const fleet = join(lab.directory, 'fleet');
  const listen = `${home.address}:${BROKER_PORT}`;
  await serve(home, 'the broker', 'broker', '--listen', listen, '--json');
  await runTincan(home, 'fleet', 'init', fleet, '--name', 'bench', '--broker', `mqtt://${listen}`);
  const members = { a: new MemberHost(a.host, lab.directory), b: new MemberHost(b.host, lab.directory) };
  for (const { name, claimFile } of [members.a, members.b]) {
    await runTincan(home, 'fleet', 'add', fleet, name, '--claim', claimFile);
  }
  await serve(home, 'the registrar', 'fleet', 'serve', fleet);
  await Promise.all(
    [members.a, members.b].map(async (member) => {
      const agent = member.start(() => undefined);
      await member.untilProvisioned(ADMISSION_MS);
      agent.kill('SIGTERM');
      await agent.exited;
    }),
  );
  return members;
}

async function serve(host: LabHost, title: string, ...args: string[]): Promise<void> {
  const servant = host.spawn(title, tincanCommand(...args));
  await servant.waitForLine('a word', SERVANT_START_MS, () => true);
}

/** Both agents from their state alone, as after a reboot. */
async function started(rig: BenchRig, members: Members): Promise<RunningSystem> {
  const ends = await startEnds(rig, (end) =>
    end.serve('tincan agent', tincanCommand('agent', '--state', join(rig.lab.directory, end.host.name))),
  );
  const { ip4, ip6 } = members.b.identity;
  return {
    ...ends,
    addressOfB: ip4,
    ip6OfB: ip6,
    untilSettled: () => untilPath(members, 'fast'),
    async forceSlowPath() {
      await Promise.all([blockFastPath(rig.a, members.a), blockFastPath(rig.b, members.b)]);
      // An end that sends nothing misses nothing: traffic is what shows it that the fast path is gone.
      await rig.echo.untilAnswered(rig.a.host, ip4, PATH_LIMIT_MS);
      await untilPath(members, 'slow');
      return () => unblock(rig);
    },
    tidy: () => unblock(rig),
  };
}

async function untilPath({ a, b }: Members, path: 'fast' | 'slow'): Promise<void> {
  const deadline = performance.now() + PATH_LIMIT_MS;
  while (performance.now() < deadline) {
    const paths = await Promise.all([pathOf(a), pathOf(b)]);
    if (paths.every((one) => one === path)) return;
    await sleep(POLL_MS);
  }
  throw new EnvironmentFault(
    'no-path',
    `the link was not on its ${path} path within ${PATH_LIMIT_MS / 1000} s`,
  );
}

async function pathOf({ socket }: MemberHost): Promise<'fast' | 'slow' | null> {
  const { links } = await askAgent(socket, { method: 'GET', path: '/v1/links', answer: linkList });
  return links[0]?.path ?? null;
}

/** Nothing reaches the datapath's own port, as behind a strict NAT; the PeerConnection has other ports. */
async function blockFastPath(end: BenchEnd, { socket }: MemberHost): Promise<void> {
  const { datapath } = await askAgent(socket, { method: 'GET', path: '/v1/status', answer: statusReport });
  const rules = blockingRules(datapath?.udpPort ?? 0);
  await end.run([
    'sh',
    '-c',
    `command -v nft >/dev/null || { echo '${NO_NFT}' >&2; exit 1; }; nft '${rules}'`,
  ]);
}

function blockingRules(port: number): string {
  return `table inet ${BLOCKING_TABLE} {\nchain input {\ntype filter hook input priority 0;\nudp dport ${port} drop\n}\n}`;
}

async function unblock({ a, b }: BenchRig): Promise<void> {
  // Where nothing was blocked there is no table to delete, and where there is no nft neither.
  for (const { host } of [a, b]) await host.run(['nft', 'delete', 'table', 'inet', BLOCKING_TABLE]);
}
