import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cpuHierarchyIn } from '../../bench/cpu-cap.ts';
import { roundTripsIn } from '../../bench/echo-tool.ts';
import { transferIn } from '../../bench/iperf.ts';
import { cpuSecondsIn, memoryIn } from '../../bench/process-cost.ts';
import { Programs } from '../../bench/programs.ts';
import { hasOverlayRoute } from '../../bench/rig.ts';
import { keyPairIn } from '../../bench/systems/fastd.ts';
import { foregroundFlags } from '../../bench/systems/n2n.ts';

describe('what iperf3 prints', () => {
  it('is read as the receiver saw it', () => {
    const stdout = JSON.stringify({
      end: {
        sum_sent: { bytes: 1300, seconds: 1, retransmits: 7 },
        sum_received: { bytes: 1_000_000, seconds: 2 },
        sender_tcp_congestion: 'cubic',
      },
    });
    expect(transferIn(stdout)).toEqual({
      bytes: 1_000_000,
      seconds: 2,
      mbps: 4,
      retransmits: 7,
      lostShare: null,
      congestionControl: 'cubic',
    });
  });

  it('has losses for datagrams, and no retransmits', () => {
    const sum = { bytes: 12_749_000, seconds: 1.000197, lost_percent: 48.6 };
    const { lostShare, retransmits, bytes } = transferIn(JSON.stringify({ end: { sum_received: sum } }));
    expect({ lostShare, retransmits, bytes }).toEqual({
      lostShare: 0.486,
      retransmits: null,
      bytes: 12_749_000,
    });
  });

  it.each([
    ['{"end":{},"error":"unable to connect to server"}', 'iperf3: unable to connect to server'],
    ['{"end":{}}', 'iperf3 printed no result'],
    ['{"end":{"sum_received":{"bytes":1,"seconds":0}}}', 'iperf3 printed no result'],
    ['interrupted', 'iperf3 printed no result'],
    ['[]', 'iperf3 printed no result'],
    ['', 'iperf3 printed no result'],
  ])('is refused with one sentence without a result: %s', (stdout, sentence) => {
    expect(() => transferIn(stdout)).toThrow(sentence);
  });
});

describe('what the kernel says of a process', () => {
  it('is its CPU time, whatever its name', () => {
    const after = 'S 1 1 1 0 -1 4194560 1 0 0 0 150 50 9 9 20 0 7 0 123 456 789';
    expect(cpuSecondsIn(`42 (a) b (c) ${after}`)).toBe(2);
    expect(cpuSecondsIn(`42 (node) ${after}`)).toBe(2);
  });

  it('is its memory', () => {
    const rollup = 'Rss:   89772 kB\nPss:   1 kB\nPrivate_Clean:  3 kB\nPrivate_Dirty:     37160 kB\n';
    expect(memoryIn(rollup)).toEqual({ rssKB: 89_772, privateDirtyKB: 37_160 });
    expect(memoryIn('')).toEqual({ rssKB: 0, privateDirtyKB: 0 });
  });

  it('tells an overlay from the LAN by the routes of a host', () => {
    const head = 'Iface\tDestination\tGateway\n';
    expect(hasOverlayRoute(`${head}eth0\t004DA8C0\t00000000\n`)).toBe(false);
    expect(hasOverlayRoute(`${head}eth0\t004DA8C0\t0\ntincan0\t0000400A\t0\n`)).toBe(true);
    expect(hasOverlayRoute('')).toBe(false);
  });
});

describe('round trips', () => {
  it('become average, percentile and losses', () => {
    expect(roundTripsIn('100000\n300000\nlost 1\n')).toEqual({ avgUs: 200, p99Us: 300, lost: 1 });
    expect(roundTripsIn('lost 5\n')).toEqual({ avgUs: null, p99Us: null, lost: 5 });
    expect(roundTripsIn('')).toEqual({ avgUs: null, p99Us: null, lost: 0 });
  });
});

describe('control groups', () => {
  const hybrid =
    'tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n' +
    'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n';

  it('are taken from where the cpu controller is', () => {
    expect(cpuHierarchyIn(hybrid, () => false)).toEqual({
      version: 1,
      directory: '/sys/fs/cgroup/cpu,cpuacct',
    });
    expect(cpuHierarchyIn('cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n', () => true)).toEqual({
      version: 2,
      directory: '/sys/fs/cgroup',
    });
    expect(cpuHierarchyIn('proc /proc proc rw 0 0\n', () => true)).toBeNull();
  });
});

describe('other systems', () => {
  it('give fastd’s keys, or say that there are none', () => {
    expect(keyPairIn('Reading 32 bytes...\nSecret: ab12\nPublic: cd34\n')).toEqual({
      secret: 'ab12',
      public: 'cd34',
    });
    expect(() => keyPairIn('no entropy')).toThrow('printed no keys');
  });

  it('keep n2n in the foreground, old and new', () => {
    expect(foregroundFlags('-f                       | Fork and run as a daemon. Use syslog.')).toEqual([]);
    expect(foregroundFlags(' -f                 | do not fork but run in foreground')).toEqual(['-f']);
  });
});

describe('programs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tincan-programs-'));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('are taken from --peer-bin before PATH, unpacked packages included, when they can be run', () => {
    for (const folder of ['usr/sbin', 'path']) mkdirSync(join(directory, folder), { recursive: true });
    const make = (path: string, mode: number) => {
      writeFileSync(join(directory, path), '');
      chmodSync(join(directory, path), mode);
      return join(directory, path);
    };
    const unpacked = make('usr/sbin/tincd', 0o755);
    make('path/tincd', 0o755);
    make('path/notes', 0o644);
    const programs = new Programs(directory, join(directory, 'path'));
    expect(programs.find('tincd')).toBe(unpacked);
    expect(new Programs(null, join(directory, 'path')).find('tincd')).toBe(join(directory, 'path/tincd'));
    expect(programs.find('notes')).toBeNull();
    expect(programs.find('usr')).toBeNull();
    expect(programs.find('nebula')).toBeNull();
  });
});
