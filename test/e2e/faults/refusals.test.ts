import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { runTincan } from '../../demo/tincan-command.ts';
import type { LabProcess } from '../../lab/lab-process.ts';
import type { Member } from './member.ts';
import { faultProblem, tell, withFleet } from './scenario.ts';

/** Of a machine that has other work; what is to end does so within one. */
const END_MS = 30_000;

/** Exit code and last words of an agent that is to give up by itself. */
async function ending(agent: LabProcess): Promise<{ code: number | null; said: string }> {
  const timer = setTimeout(() => agent.kill('SIGKILL'), END_MS);
  const { code } = await agent.exited;
  clearTimeout(timer);
  return { code, said: agent.lastLines(3).join('\n') };
}

/** Network devices of its host that are TAPs, and files of its agent that only a running one has. */
async function leftBy(member: Member): Promise<string[]> {
  const { stdout } = await member.host.run(['ip', '-brief', 'tuntap']);
  const taps = (await member.host.run(['ip', '-o', 'link', 'show', 'type', 'tun'])).stdout;
  const folder = readdirSync(join(member.socket, '..'));
  const sockets = folder.filter((name) => name === `${member.name}.sock`);
  return [...`${stdout}${taps}`.split('\n').filter(Boolean), ...sockets];
}

describe.concurrent('an agent refuses, with its reason,', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it('a claim that another device has used, that has expired, or that is another fleet’s', async () => {
    await withFleet(async (fleet) => {
      await fleet.serve();
      const one = await fleet.addMember('one');
      const two = await fleet.addMember('two');
      one.startWithClaim();
      await one.untilUp();

      const used = await ending(two.startWithClaim(one.claimFile));
      expect(used).toMatchObject({ code: 1 });
      expect(used.said).toMatch(/was used by another device/);
      tell('used claim', { says: used.said });

      const late = await fleet.addMember('late', '--expires', '0.00001');
      await sleep(1_500);
      // Without a synchronised clock the board cannot tell; the registrar, which has one, does.
      const expired = await ending(late.startWithClaim());
      expect(expired).toMatchObject({ code: 1 });
      expect(expired.said).toMatch(/ended on/);
      tell('expired claim', { says: expired.said });
      expect(await leftBy(late)).toEqual([]);

      const other = join(fleet.lab.directory, 'other');
      const claim = join(fleet.lab.directory, 'other.claim.json');
      await runTincan(fleet.hub, 'fleet', 'init', other, '--name', 'other', '--broker', fleet.brokerUrl);
      await runTincan(fleet.hub, 'fleet', 'add', other, 'x', '--claim', claim);
      await one.stop();
      const foreign = await ending(one.startWithClaim(claim));
      expect(foreign).toMatchObject({ code: 1 });
      expect(foreign.said).toMatch(/fleet/);
      tell('foreign claim', { says: foreign.said });
    });
  });

  it('a broker that is not there, or that knows another password', async () => {
    await withFleet(async (fleet) => {
      const one = await fleet.addMember('one');
      one.startWithClaim();
      const alone = await one.until('without a broker', 15_000, ({ broker }) => broker.problem !== null);
      expect(alone).toMatchObject({ phase: 'enrolling', broker: { connected: false } });
      tell('no broker', { says: alone.broker.problem });
      const password = join(fleet.lab.directory, 'password');
      writeFileSync(password, 'right\n');
      await fleet.startBroker('--user', 'fleet', '--password-file', password);
      const refused = await one.until('refused', 40_000, ({ broker }) =>
        /password|authori[sz]|refuse/i.test(broker.problem ?? ''),
      );
      tell('wrong password', { says: refused.broker.problem });
      await fleet.stopBroker();
      await fleet.serve();
      await one.untilUp(60_000);
    });
  });

  it('to run without /dev/net/tun or without the privilege', async () => {
    await withFleet(async (fleet) => {
      const one = await fleet.addMember('one');
      const hidden = [
        'unshare',
        '--mount',
        '--',
        'sh',
        '-c',
        'mount -t tmpfs tmpfs /dev/net && exec "$@"',
        'sh',
      ];
      const noDevice = await ending(one.start(['--claim', one.claimFile], hidden));
      expect(noDevice).toMatchObject({ code: 1 });
      expect(noDevice.said).toContain('there is no /dev/net/tun');
      const bounded = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin', '--'];
      const noPrivilege = await ending(one.start(['--claim', one.claimFile], bounded));
      expect(noPrivilege).toMatchObject({ code: 1 });
      expect(noPrivilege.said).toContain('CAP_NET_ADMIN');
      expect(await leftBy(one)).toEqual([]);
    });
  });

  it('a network device, address or port that is taken, and runs once it is free', async () => {
    await withFleet(async (fleet) => {
      await fleet.serve();
      const one = await fleet.addMember('one');
      one.startWithClaim();
      const { node } = await one.untilUp();
      await one.stop();
      const { host } = one;

      await host.run(['ip', 'link', 'add', 'taken0', 'type', 'veth', 'peer', 'name', 'taken1']);
      one.start(['--tap-name', 'taken0']);
      const name = await one.until('without a TAP', END_MS, ({ problem }) => /taken0/.test(problem ?? ''));
      tell('TAP name in use', { says: name.problem });
      await host.run(['ip', 'address', 'add', `${node.ip4}/24`, 'dev', 'taken1']);
      for (const device of ['taken0', 'taken1']) await host.run(['ip', 'link', 'set', device, 'up']);
      await one.stop();

      one.start();
      const address = await one.until('without its address', END_MS, ({ problem }) =>
        (problem ?? '').includes(node.ip4 ?? '?'),
      );
      tell('address in use', { says: address.problem });
      await host.run(['ip', 'link', 'delete', 'taken0']);
      await one.untilUp();
      await one.until('without a problem', END_MS, ({ problem }) => problem === null);
    });
  });

  it('an HTTP port that is taken: the overlay stays up, and the problem is told', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      await two.stop();
      const program = "require('http').createServer().listen(80, '0.0.0.0', () => console.log('listening'))";
      const squatter = two.host.spawn('a web server', [process.execPath, '-e', program]);
      await squatter.waitForLine('a word', END_MS, () => true);
      two.start();
      const status = await two.until('told', END_MS, ({ problem }) => /sensors/.test(problem ?? ''));
      tell('HTTP port in use', { says: status.problem });
      expect(status.problem).toMatch(/sensors are not served.*80/);
      expect(status.datapath).not.toBeNull();
      await one.ping(two);
      squatter.kill('SIGKILL');
      await squatter.exited;
      await two.until('serving', 30_000, ({ problem }) => problem === null);
    });
  });

  it('a state directory that cannot be written or is full', async () => {
    await withFleet(async (fleet) => {
      await fleet.serve();
      const one = await fleet.addMember('one');
      const mounted = (options: string) => [
        ...['unshare', '--mount', '--', 'sh', '-c'],
        `mount -t tmpfs -o ${options} tmpfs ${one.stateDirectory} && exec "$@"`,
        'sh',
      ];
      const readOnly = await ending(one.start(['--claim', one.claimFile], mounted('ro')));
      tell('read-only state', { says: readOnly.said });
      expect(readOnly).toMatchObject({ code: 1 });
      expect(readOnly.said).toMatch(/read-only|EROFS/i);
      const full = await ending(one.start(['--claim', one.claimFile], mounted('size=4k,nr_inodes=3')));
      tell('full state', { says: full.said });
      expect(full).toMatchObject({ code: 1 });
      expect(full.said).toMatch(/space|full|ENOSPC/i);
      expect(await leftBy(one)).toEqual([]);
      // Neither has spent the claim.
      one.startWithClaim();
      await one.untilUp();
    });
  });

  it('a config that somebody else has signed, and keeps its own', async () => {
    await withFleet(async (fleet) => {
      const [one, two] = await fleet.pair();
      const before = (await one.status())?.config;
      const script = `
        const { connect } = require('mqtt');
        const client = connect('${fleet.brokerUrl}');
        client.on('connect', () => client.subscribe('#', { qos: 1 }));
        client.on('message', (topic, payload) => {
          if (!topic.includes('${before?.serial === undefined ? '' : 'config'}') || !topic.includes(process.argv[1])) return;
          const envelope = JSON.parse(payload);
          const document = JSON.parse(Buffer.from(envelope.payload, 'base64'));
          document.serial += 1;
          envelope.payload = Buffer.from(JSON.stringify(document)).toString('base64');
          client.unsubscribe('#');
          client.publish(topic, JSON.stringify(envelope), { qos: 1, retain: true }, () => process.exit(0));
        });
      `;
      const forged = await fleet.hub.run(
        [process.execPath, '-e', script, (await one.status())?.node.id ?? ''],
        {
          cwd: process.cwd(),
        },
      );
      expect(forged).toMatchObject({ code: 0 });
      const { config } = await one.until('refusing', END_MS, (status) => status.config?.refused != null);
      tell('forged config', { says: config?.refused?.problem });
      expect(config).toMatchObject({ serial: before?.serial, refused: { reason: expect.any(String) } });
      await one.ping(two);
    });
  });
});

describe.concurrent('SIGINT and SIGTERM', () => {
  beforeEach((context) => {
    const problem = faultProblem();
    if (problem !== null) context.skip(problem);
  });

  it('end an agent in every phase of its life, with exit code 0 and nothing left', async () => {
    await withFleet(async (fleet) => {
      const one = await fleet.addMember('one');
      const endsWell = async (phase: string, reached: () => Promise<unknown>) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) {
          one.startWithClaim();
          await reached();
          expect([phase, signal, await one.stop(signal)]).toEqual([phase, signal, { code: 0, signal: null }]);
          expect([phase, signal, await leftBy(one)]).toEqual([phase, signal, []]);
        }
      };
      await endsWell('no broker', () => one.until('enrolling', END_MS, ({ phase }) => phase === 'enrolling'));
      await fleet.startBroker();
      await endsWell('no registrar', () => one.until('there', 40_000, ({ broker }) => broker.connected));
      await fleet.startRegistrar();
      await endsWell('running', () => one.untilUp(40_000));
    });
  });

  it('end an agent at any moment of its start', async () => {
    await withFleet(async (fleet) => {
      await fleet.serve();
      const one = await fleet.addMember('one');
      const codes = new Set<number | null>();
      for (let delayMs = 20; delayMs <= 620; delayMs += 60) {
        one.startWithClaim();
        await sleep(delayMs);
        const { code, signal } = await one.stop('SIGTERM');
        // Before Node.js runs the program, the kernel ends it.
        codes.add(signal === null ? code : 0);
        expect(await leftBy(one)).toEqual([]);
      }
      expect([...codes].filter((code) => code !== 0 && code !== 143)).toEqual([]);
      one.startWithClaim();
      await one.untilUp();
    });
  });
});
