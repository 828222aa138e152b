import { existsSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StatusReport } from '../../agent/ports/agent-control.ts';
import { type NatKind, NatRouter } from '../lab/nat-router.ts';
import { repositoryPath } from '../lab/repository.ts';
import { FleetUnderTest } from './faults/fleet-under-test.ts';
import type { Member } from './faults/member.ts';
import { faultProblem, tell } from './faults/scenario.ts';

const STUN_PORT = 3478;
const TURN_PORT = 3479;
const START_MS = 15_000;
const TURNSERVER = ['/usr/bin/turnserver', '/usr/local/bin/turnserver'].find(existsSync);

type World = { fleet: FleetUnderTest; router: (kind: NatKind) => Promise<NatRouter> };

/** A fleet whose broker, STUN server and, if asked for, TURN server are on the Internet. */
async function withServers(turn: boolean, test: (world: World) => Promise<void>): Promise<void> {
  const fleet = await FleetUnderTest.make((hub) => [
    `stun:${hub.address}:${STUN_PORT}`,
    ...(turn ? [`turn:lab:secret@${hub.address}:${TURN_PORT}`] : []),
  ]);
  try {
    await fleet.serve();
    await startStun(fleet);
    if (turn) await startTurn(fleet);
    let routers = 0;
    await test({
      fleet,
      router: (kind) => NatRouter.make(fleet.lab, `nat${++routers}`, kind, `10.${routers}.0.`),
    });
  } finally {
    await fleet.close();
  }
}

async function startStun({ hub }: FleetUnderTest): Promise<void> {
  const script = repositoryPath('test/lab/stun-server.mjs');
  const server = hub.spawn('STUN', [process.execPath, script, hub.address, String(STUN_PORT)]);
  await server.waitForLine('ready', START_MS, (line) => line === 'ready');
}

async function startTurn({ hub, lab }: FleetUnderTest): Promise<void> {
  // What the server sends to addresses behind NATs gets lost on the Internet; without a route it gives the client up.
  const nowhere = '192.168.77.1';
  await hub.run(['ip', 'neighbour', 'add', nowhere, 'lladdr', '02:00:00:00:00:01', 'dev', 'eth0']);
  await hub.run(['ip', 'route', 'add', 'default', 'via', nowhere]);
  const options = ['--user=lab:secret', '--realm=lab', '--lt-cred-mech', '--no-cli', '--no-tls', '--no-dtls'];
  const files = [
    '--log-file=stdout',
    `--pidfile=${lab.directory}/turn.pid`,
    `--userdb=${lab.directory}/turn.db`,
  ];
  const at = [`--listening-ip=${hub.address}`, `--relay-ip=${hub.address}`, `--listening-port=${TURN_PORT}`];
  const server = hub.spawn('TURN', [TURNSERVER ?? '', '-n', ...options, ...files, ...at]);
  await server.waitForLine('its listener', START_MS, (line) => /Total General servers/.test(line));
}

/** Members on these hosts, and a frame from the first to the second. */
async function linked(fleet: FleetUnderTest, hosts: Member['host'][]): Promise<[Member, Member]> {
  const [one, two] = [
    await fleet.addMemberOn(hosts[0] ?? fleet.hub),
    await fleet.addMemberOn(hosts[1] ?? fleet.hub),
  ];
  for (const member of [one, two]) member.startWithClaim();
  for (const member of [one, two]) await member.untilUp();
  tell('first ping, ms', { rtt: await one.ping(two) });
  return [one, two];
}

const linkOf = ({ links }: StatusReport) => links[0];
const addressOf = (endpoint: string | null | undefined) => endpoint?.replace(/:\d+$/, '');

describe.concurrent('two nodes', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it('behind a cone NAT each have a fast path between the ports that STUN has told them', async () => {
    await withServers(false, async ({ fleet, router }) => {
      const [left, right] = [await router('cone'), await router('cone')];
      const [one, two] = await linked(fleet, [await left.addHost('one'), await right.addHost('two')]);
      const links = [linkOf(await one.untilLink(two, 'fast')), linkOf(await two.untilLink(one, 'fast'))];
      tell('cone and cone', { one: JSON.stringify(links[0]), two: links[1]?.endpoint });
      expect(links.map((link) => addressOf(link?.endpoint))).toEqual([right.address, left.address]);
      for (const link of links) expect(['srflx', 'prflx']).toContain(link?.candidates?.remote);
    });
  });

  it('behind a cone NAT and in the open have a fast path', async () => {
    await withServers(false, async ({ fleet, router }) => {
      const left = await router('cone');
      const [one, two] = await linked(fleet, [await left.addHost('one'), await fleet.lab.addHost('two')]);
      const seen = linkOf(await two.untilLink(one, 'fast'));
      await one.untilLink(two, 'fast');
      expect(addressOf(seen?.endpoint)).toBe(left.address);
    });
  });

  it('behind a symmetric NAT and in the open have a fast path: packets show the port', async () => {
    await withServers(false, async ({ fleet, router }) => {
      const left = await router('symmetric');
      const [one, two] = await linked(fleet, [await left.addHost('one'), await fleet.lab.addHost('two')]);
      const seen = linkOf(await two.untilLink(one, 'fast'));
      await one.untilLink(two, 'fast');
      expect(addressOf(seen?.endpoint)).toBe(left.address);
    });
  });

  it('behind the same NAT talk inside of it', async () => {
    await withServers(false, async ({ fleet, router }) => {
      const router1 = await router('cone');
      const [here, there] = [await router1.addHost('one'), await router1.addHost('two')];
      const [one, two] = await linked(fleet, [here, there]);
      expect(addressOf(linkOf(await one.untilLink(two, 'fast'))?.endpoint)).toBe(there.address);
    });
  });

  it('behind the same NAT that keeps them apart talk through its address on the Internet', async () => {
    await withServers(false, async ({ fleet, router }) => {
      const nat = await router('cone');
      const [here, there] = [await nat.addHost('one'), await nat.addHost('two')];
      await nat.hairpin();
      const [one, two] = await linked(fleet, [here, there]);
      const links = [linkOf(await one.untilLink(two, 'fast')), linkOf(await two.untilLink(one, 'fast'))];
      tell('hairpin', { one: JSON.stringify(links[0]), two: links[1]?.endpoint });
      expect(links.map((link) => addressOf(link?.endpoint))).toEqual([nat.address, nat.address]);
    });
  });

  it('behind a symmetric NAT each talk through the TURN server, on the slow path', async (context) => {
    if (!TURNSERVER)
      context.skip('The program turnserver is missing: install it with apt-get install coturn.');
    await withServers(true, async ({ fleet, router }) => {
      const [left, right] = [await router('symmetric'), await router('symmetric')];
      const [one, two] = await linked(fleet, [await left.addHost('one'), await right.addHost('two')]);
      const link = linkOf(await one.untilLink(two, 'any'));
      tell('symmetric and symmetric', { one: JSON.stringify(link) });
      expect(link?.path).toBe('slow');
      expect([link?.candidates?.local, link?.candidates?.remote]).toContain('relay');
    });
  });
});
