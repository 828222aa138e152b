import { isIPv4, isIPv6 } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DemoReport } from '../demo/demo-report.ts';
import { defaultLabMode, type LabMode, labProblem } from '../lab/prerequisites.ts';
import { leftoversOf } from './leftovers.ts';
import { RunningDemo } from './running-demo.ts';

// Root can do both; an ordinary user has the second only.
const modes: LabMode[] = defaultLabMode() === 'root' ? ['root', 'user'] : ['user'];

describe.each(modes)('the whole journey (%s)', (mode) => {
  beforeEach((context) => {
    const problem = labProblem(mode);
    if (problem !== null) context.skip(problem);
  });

  it('makes sensors reachable by virtual IP from claims alone, and leaves nothing behind', async () => {
    const demo = new RunningDemo(...(mode === 'user' ? ['--unprivileged'] : []));
    const status = await demo.process.exited;
    expect(demo.result()).toMatchObject({ ok: true, mode });
    expect(status).toEqual({ code: 0, signal: null });
    expect(leftoversOf(demo.labName)).toEqual([]);

    const report = demo.result() as DemoReport;
    expect(report.claimToReachableMs).toBeGreaterThan(0);
    expect(report.linkUpMs).toBeGreaterThan(0);
    expect(report.devices.map(({ name }) => name)).toEqual(['greenhouse', 'cellar']);
    const members = [report.laptop, ...report.devices];
    expect(members.every(({ ip4, ip6 }) => isIPv4(ip4) && isIPv6(ip6))).toBe(true);
    expect(new Set(members.flatMap(({ nodeId, ip4, ip6 }) => [nodeId, ip4, ip6])).size).toBe(9);

    const pairs = report.links.map(({ from, to }) => `${from}-${to}`);
    expect(pairs.sort()).toEqual(['greenhouse-cellar', 'laptop-cellar', 'laptop-greenhouse']);
    for (const link of report.links) {
      // On one LAN nothing is in the way of a direct path.
      expect(link).toMatchObject({ state: 'up', path: 'fast' });
      expect(link.rttMs).toBeGreaterThan(0);
    }
  });
});

describe('the sensors of the journey', () => {
  beforeEach((context) => {
    const problem = labProblem(defaultLabMode());
    if (problem !== null) context.skip(problem);
  });

  it('are this machine’s, with values and units, over IPv4 and IPv6', async () => {
    const demo = new RunningDemo();
    await demo.process.exited;
    const { devices, fetches, sensors } = demo.result() as DemoReport;
    for (const { name, ip4, ip6 } of devices) {
      const own = sensors.filter(({ device }) => device === name);
      expect(own.filter(({ value, unit }) => typeof value === 'number' && unit).length).toBeGreaterThan(0);
      const urls = fetches.filter(({ to, status }) => to === name && status === 200).map(({ url }) => url);
      expect(urls).toContain(`http://${ip4}/sensors`);
      expect(urls).toContain(`http://[${ip6}]/sensors`);
    }
  });
});
