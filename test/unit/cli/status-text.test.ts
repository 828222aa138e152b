import { describe, expect, it } from 'vitest';
import { linksText } from '../../../agent/cli/links-text.ts';
import { statusText, verdict } from '../../../agent/cli/status-text.ts';
import { linkReport, statusReport } from '../../fakes/fake-agent-control.ts';

describe('verdict: am I connected?', () => {
  const node = statusReport().node;
  it.each([
    ['all is well', statusReport(), 'Connected: kitchen is 10.64.0.2 in fleet home; 1 link up'],
    [
      'no traffic yet',
      statusReport({ links: [linkReport({ state: 'connecting' })] }),
      'Connected: kitchen is 10.64.0.2 in fleet home; no link is up now, traffic to a member opens one',
    ],
    [
      'the agent names a problem',
      statusReport({ problem: 'the TAP device was deleted; restart the agent', links: [] }),
      'Not connected: the TAP device was deleted; restart the agent',
    ],
    [
      'no claim',
      statusReport({ phase: 'unclaimed', links: [] }),
      'Not connected: this device belongs to no fleet yet; give the agent a claim with --claim FILE',
    ],
    [
      'waiting for admission, broker unreachable',
      statusReport({
        phase: 'enrolling',
        links: [],
        broker: { url: null, connected: false, problem: 'host not found' },
      }),
      "Not connected: this device still waits for the fleet's registrar to admit it (host not found)",
    ],
    [
      'no device',
      statusReport({ datapath: null, links: [] }),
      'Not connected: the network device is not up yet',
    ],
    [
      'broker lost while links live',
      statusReport({ broker: { url: 'mqtt://b', connected: false, problem: 'refused' } }),
      'Partly connected: kitchen is 10.64.0.2 in fleet home; 1 link up, but no new links can form without the broker (refused)',
    ],
    [
      'a problem beside links that live',
      statusReport({ problem: 'the kernel has IPv6 switched off' }),
      'Partly connected: kitchen is 10.64.0.2 in fleet home; 1 link up, but the kernel has IPv6 switched off',
    ],
    [
      'broker lost and no link',
      statusReport({ broker: { url: 'mqtt://b', connected: false, problem: null }, links: [] }),
      'Not connected: no new links can form without the broker',
    ],
    [
      'a node without a name',
      statusReport({ node: { ...node, name: null, ip4: null, fleet: null } }),
      'Connected: a1a1a1a1a1a1a1a1 is without an address in fleet ?; 1 link up',
    ],
  ])('%s', (_, status, sentence) => expect(verdict(status)).toBe(sentence));
});

describe('statusText', () => {
  it('has the verdict first, every fact, the drops by name with the most frequent first, and the links', () => {
    const lines = statusText(statusReport()).split('\n');
    expect(lines[0]).toBe(verdict(statusReport()));
    const facts = Object.fromEntries(
      lines.filter((line) => line.startsWith('  ')).map((line) => [line.slice(2, 9).trim(), line.slice(11)]),
    );
    expect(facts).toEqual({
      node: 'kitchen  10.64.0.2  fd12::2  02:00:00:00:00:02',
      'node id': 'a1a1a1a1a1a1a1a1',
      fleet: 'home',
      agent: 'version 0.1.0, provisioned, up 1 h 2 min',
      broker: 'mqtt://broker.example:1883, connected',
      config: 'serial 7, committed at 2026-09-21 14:13:20 UTC',
      clock: 'synchronised; owner heard 4 min ago',
      network: 'tincan0, MTU 1400, UDP port 40123',
      traffic: 'sent 98 B in 1 frame, received 1.5 MB in 1,234 frames',
      drops: 'oversize 1,200, no-link 3',
      sensors: '4, 1 stale; 2 actuators; followed by 1 client; at http://10.64.0.2/sensors',
      socket: '/run/tincan/control.sock',
    });
    expect(lines.some((line) => line.startsWith('greenhouse '))).toBe(true);
  });

  it('shows no password of the broker', () => {
    expect(statusText(statusReport())).not.toContain('secret');
  });

  it('has a page for a device that knows nothing yet', () => {
    const page = statusText(
      statusReport({
        phase: 'unclaimed',
        node: { id: 'a1', name: null, fleet: null, ip4: null, ip6: null, mac: '02:00:00:00:00:02' },
        broker: { url: null, connected: false, problem: null },
        config: null,
        clock: { synchronised: false, floor: 0, freshAgeMs: null },
        datapath: null,
        links: [],
        sensors: { count: 0, stale: 0, actuators: 0, followers: 0, listening: [] },
      }),
    );
    expect(page).toContain('none yet, not connected');
    expect(page).toContain(
      'not synchronised, not before 1970-01-01 00:00:00 UTC; nothing heard from the owner yet',
    );
    expect(page).toContain('No links are open');
    expect(page).not.toMatch(/null|undefined/);
  });

  it('tells which config was refused and why', () => {
    const refused = { serial: 8, reason: 'expired', problem: 'it expired yesterday' };
    const config = { serial: 7, state: 'committed', committedAt: null, refused };
    expect(statusText(statusReport({ config }))).toContain('config 8: it expired yesterday (expired)');
  });
});

describe('linksText', () => {
  it('is a table that a script may split at two spaces', () => {
    const rows = linksText([
      linkReport(),
      linkReport({ name: 'shed', state: 'connecting', path: null, candidates: null, rttMs: null }),
    ])
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/));
    expect(rows).toEqual([
      ['peer', 'address', 'state', 'path', 'rtt', 'sent', 'received', 'age'],
      ['greenhouse', '10.64.0.7', 'up', 'fast host-srflx', '1.23 ms', '1.5 kB', '2.5 MB', '1 min 5 s'],
      ['shed', '10.64.0.7', 'connecting', '-', '-', '1.5 kB', '2.5 MB', '1 min 5 s'],
    ]);
  });

  it('tells a link’s problem below the table', () => {
    expect(linksText([linkReport({ problem: 'no answer to the offer' })])).toMatch(
      /\ngreenhouse: no answer to the offer\n$/,
    );
  });

  it('lets no stranger steer the terminal or forge a line', () => {
    const text = linksText([linkReport({ name: '\u001b[2J\nevil\u202e\u009b', problem: 'a\r\nb' })]);
    expect(text).toContain('\\u001b[2J\\u000aevil\\u202e\\u009b');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u009b\u202e]/);
    expect(text.trimEnd().split('\n')).toHaveLength(3);
  });
});
