import type { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { TapUpkeep } from '../../../agent/adapters/tap-upkeep.ts';
import { EnvironmentFault } from '../../../agent/errors.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

type Entry = NonNullable<ReturnType<typeof networkInterfaces>[string]>[number];

const MAC = '02:00:00:00:00:0a';
const OTHER_MAC = '02:00:00:00:00:ff';
const SECOND_MS = 1_000;

const ip4 = (mac = MAC): Entry => {
  return { address: '10.64.0.1', family: 'IPv4', mac, netmask: '', internal: false, cidr: null };
};
const ip6 = (): Entry => {
  return {
    address: 'fd0a::1',
    family: 'IPv6',
    mac: MAC,
    netmask: '',
    internal: false,
    cidr: null,
    scopeid: 0,
  };
};

/** A device, and the agent that looks after it. `repairs` false: what others change stays changed. */
function deviceWith({ ip6Configured = true, repairs = true } = {}) {
  const made = ip6Configured ? [ip4(), ip6()] : [ip4()];
  const device = { entries: made, restored: 0, fault: null as EnvironmentFault | null };
  const [clock, log] = [new ManualClock(), new RecordingLog()];
  const datapath = {
    tapName: 'tincan0',
    ip6Configured,
    restoreInterface: () => {
      device.restored++;
      if (device.fault) throw device.fault;
      if (repairs) device.entries = made;
    },
  };
  const options = { datapath, mac: MAC, ip4: '10.64.0.1', ip6: 'fd0a::1', clock, log };
  const upkeep = new TapUpkeep(options, () => ({ lo: [ip4()], tincan0: device.entries }));
  return { device, upkeep, clock, log };
}

describe('the upkeep of the TAP device', () => {
  it.each([true, false])('leaves a device alone that is as it was made (IPv6: %s)', async (ip6Configured) => {
    const { device, upkeep, clock, log } = deviceWith({ ip6Configured });
    await clock.advance(60 * SECOND_MS);
    expect(device.restored).toBe(0);
    expect(upkeep.problem()).toBeNull();
    expect(log.lines).toEqual([]);
    upkeep.close();
    expect(clock.pending()).toBe(0);
  });

  it.each([
    ['another MAC address', [ip4(OTHER_MAC), ip6()], `its MAC address is ${OTHER_MAC} and not ${MAC}`],
    ['no IPv6', [ip4()], 'it lost fd0a::1'],
    ['no IPv4', [ip6()], 'it lost 10.64.0.1'],
    ['nothing', [], 'it is down or without addresses'],
  ])('repairs one with %s, once', async (_what, entries, change) => {
    const { device, upkeep, clock, log } = deviceWith();
    device.entries = entries;
    await clock.advance(5 * SECOND_MS);
    expect(device.restored).toBe(1);
    expect(log.of('tap.repaired')).toEqual([{ tap: 'tincan0', change, problem: null }]);
    expect(upkeep.problem()).toBeNull();
  });

  it('goes on when another program contests it, says so, and not in a line a second', async () => {
    const { device, upkeep, clock, log } = deviceWith({ repairs: false });
    device.entries = [ip4(OTHER_MAC), ip6()];
    await clock.advance(30 * SECOND_MS);
    expect(device.restored).toBe(30);
    expect(upkeep.problem()).toBe(
      `another program keeps changing tincan0 (its MAC address is ${OTHER_MAC} and not ${MAC}): tell it to leave tincan0 alone`,
    );
    expect(log.of('tap.repaired')).toHaveLength(3);
    device.entries = [ip4(), ip6()];
    await clock.advance(60 * SECOND_MS);
    expect(upkeep.problem()).toBeNull();
  });

  it('says that it cannot be repaired until it is', async () => {
    const { device, upkeep, clock, log } = deviceWith();
    device.entries = [];
    device.fault = new EnvironmentFault('no-privilege', 'It is not permitted.');
    await clock.advance(5 * SECOND_MS);
    expect(upkeep.problem()).toBe(
      'tincan0 was changed (it is down or without addresses), and cannot be repaired: It is not permitted.',
    );
    expect(log.of('tap.repaired')).toHaveLength(1);
    device.fault = null;
    await clock.advance(SECOND_MS);
    expect(upkeep.problem()).toBeNull();
  });
});
