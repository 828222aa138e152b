import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicsOf } from '../../../agent/wire/topics.ts';
import type { ConfigHealth } from '../../../provisioning/device/config-trial.ts';
import type { DeviceConfig } from '../../../provisioning/documents/device-config.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';
import { FleetLab, rest, until } from './fleet-lab.ts';

let lab: FleetLab;

beforeEach(async () => {
  lab = new FleetLab();
  await lab.init();
});

afterEach(() => lab.stop());

/** Changes the fleet's settings as its owner does: in fleet.json. */
async function setMtu(mtuBytes: number): Promise<void> {
  const fleet = JSON.parse(Buffer.from((await lab.store.read('fleet.json')) ?? []).toString());
  fleet.settings.mtuBytes = mtuBytes;
  await lab.store.write('fleet.json', Buffer.from(JSON.stringify(fleet)));
  await lab.clock.advance(1_000);
}

describe('a device on its way into the fleet', () => {
  it('enrols from a claim alone and gets its config with the schema’s defaults', async () => {
    await lab.serve();
    const seen: DeviceConfig[] = [];
    const { device, nodeId } = await lab.enrolled('greenhouse', new MemoryFileStore(), async (config) => {
      seen.push(config);
      return { healthy: true };
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      serial: 1,
      device: { name: 'greenhouse', ip4: '10.64.0.2', tags: ['sensor'] },
      network: { ip4: '10.64.0.0/16', mtuBytes: 1400 },
      links: { iceServers: [], idleCloseMs: 300_000, udpPort: 0 },
      sensors: { enabled: true, intervalMs: 5_000, httpPort: 80 },
    });
    expect(device.state()).toMatchObject({ phase: 'provisioned', problem: null, nodeId, fleetName: 'home' });
    expect(device.state().own?.nodeId).toBe(nodeId);
  });

  it('leaves no trace of the claim’s secret in its state', async () => {
    await lab.serve();
    const claim = await lab.claim('greenhouse');
    const store = new MemoryFileStore();
    const device = lab.device(store);
    await device.start({ claim });
    await until('committed', () => device.state().config?.state === 'committed');
    const record = await (await lab.directory()).device('greenhouse');
    const secret = Buffer.from(record?.claim.secret ?? []).toString('base64');
    expect(store.files.has('claim.json')).toBe(false);
    for (const bytes of store.files.values()) expect(Buffer.from(bytes).toString()).not.toContain(secret);
  });

  it('waits for the registrar, says so, and enrols at once when it hears it', async () => {
    const device = lab.device(new MemoryFileStore());
    await device.start({ claim: await lab.claim('greenhouse') });
    await lab.clock.advance(40_000);
    expect(device.state()).toMatchObject({ phase: 'enrolling' });
    expect(device.state().problem).toMatch(/registrar does not answer/);
    await lab.serve();
    await until('ready', () => lab.events.some(({ event }) => event === 'ready'));
    await lab.clock.advance(2_500);
    await until('committed', () => device.state().config?.state === 'committed');
  });

  it('goes on after a restart without the claim file', async () => {
    const store = new MemoryFileStore();
    const first = lab.device(store);
    await first.start({ claim: await lab.claim('greenhouse') });
    const { nodeId } = first.identity();
    await first.stop();
    await lab.serve();
    const second = lab.device(store.restarted());
    await second.start();
    await until('committed', () => second.state().config?.state === 'committed');
    expect(second.identity().nodeId).toBe(nodeId);
  });

  it('stays unclaimed without a claim, and says what to do', async () => {
    const device = lab.device(new MemoryFileStore());
    await device.start();
    expect(device.state()).toMatchObject({ phase: 'unclaimed' });
    expect(device.state().problem).toMatch(/tincan fleet add/);
  });

  it('admits one device per claim: the second is refused for good', async () => {
    await lab.serve();
    const claim = await lab.claim('greenhouse');
    const first = lab.device(new MemoryFileStore());
    await first.start({ claim });
    await until('committed', () => first.state().config?.state === 'committed');
    const second = lab.device(new MemoryFileStore());
    await second.start({ claim });
    await until('refused', () => second.state().problem !== null);
    expect(second.state()).toMatchObject({ phase: 'unclaimed' });
    expect(second.state().problem).toMatch(/used by another device/);
    expect(lab.events).toContainEqual(expect.objectContaining({ event: 'refused', reason: 'claim-used' }));
  });

  it('admits exactly one of two devices that race for one claim at two registrars', async () => {
    await lab.serve();
    await lab.serve();
    const claim = await lab.claim('greenhouse');
    const devices = [lab.device(new MemoryFileStore()), lab.device(new MemoryFileStore())];
    await Promise.all(devices.map((device) => device.start({ claim })));
    await until('both know', () =>
      devices.every(
        (device) => device.state().config?.state === 'committed' || device.state().phase === 'unclaimed',
      ),
    );
    expect(devices.filter((device) => device.state().phase === 'provisioned')).toHaveLength(1);
  });

  it('ignores a claim of its own fleet later, and refuses one of another fleet', async () => {
    await lab.serve();
    const { store } = await lab.enrolled();
    const again = lab.device(store.restarted());
    await again.start({ claim: await lab.claim('shed') });
    expect(again.state().device).toBe('greenhouse');
    expect(lab.log.of('claim.ignored')).toHaveLength(1);
    const otherLab = new FleetLab();
    await otherLab.init();
    const other = await otherLab.claim('boat');
    await expect(lab.device(store.restarted()).start({ claim: other })).rejects.toMatchObject({
      reason: 'claim-other-fleet',
    });
  });

  it('does not let a claim file that rotted on the card stop a member', async () => {
    await lab.serve();
    const { store } = await lab.enrolled();
    const again = lab.device(store.restarted());
    await again.start({ claim: Buffer.from('{') });
    expect(again.state().phase).toBe('provisioned');
  });

  it('checks everything and changes nothing on check()', async () => {
    const store = new MemoryFileStore();
    const device = lab.device(store);
    expect(await device.check({ claim: await lab.claim('greenhouse') })).toMatchObject({ kind: 'claimed' });
    await expect(device.check({ claim: Buffer.from('x') })).rejects.toMatchObject({
      reason: 'claim-malformed',
    });
    expect(store.changes).toEqual([]);
  });
});

describe('a device in the fleet', () => {
  it('comes back from disk with its last good config while the broker is away', async () => {
    await lab.serve();
    const { store, nodeId } = await lab.enrolled();
    lab.broker.setReachable(false);
    const applied: string[] = [];
    const again = lab.device(store.restarted(), async (config, own, occasion) => {
      applied.push(`${occasion.reason} ${config.device.name} ${own.nodeId}`);
      return { healthy: true };
    });
    await again.start();
    await until('applied', () => applied.length === 1);
    expect(applied).toEqual([`boot greenhouse ${nodeId}`]);
    expect(again.state()).toMatchObject({ phase: 'provisioned', config: { serial: 1, state: 'committed' } });
  });

  it('writes the boot counter and nothing else when nothing has changed', async () => {
    await lab.serve();
    const { store } = await lab.enrolled();
    const restarted = store.restarted();
    const again = lab.device(restarted);
    await again.start();
    await lab.clock.advance(3 * 3_600_000);
    await rest();
    expect(restarted.changes).toEqual(['write boot.json']);
  });

  it('takes a new config, commits it, and the owner sees the ack', async () => {
    await lab.serve();
    const { device } = await lab.enrolled();
    await setMtu(1300);
    await until(
      'second config',
      () => device.config()?.serial === 2 && device.state().config?.state === 'committed',
    );
    expect(device.config()?.network.mtuBytes).toBe(1300);
    await until('ack', async () => (await (await lab.directory()).seen('greenhouse')).ack?.serial === 2);
    expect((await (await lab.directory()).seen('greenhouse')).presence?.online).toBe(true);
  });

  it('rolls back a config that makes the node unhealthy, and does not try it again', async () => {
    await lab.serve();
    const tried: string[] = [];
    const { device, store } = await lab.enrolled(
      'greenhouse',
      new MemoryFileStore(),
      async (config, _, { reason }): Promise<ConfigHealth> => {
        tried.push(`${reason} ${config.serial}`);
        if (config.network.mtuBytes === 1400) return { healthy: true };
        return { healthy: false, reason: 'tap-failed', problem: 'the TAP does not come up' };
      },
    );
    await setMtu(1280);
    await until('rolled back', () => tried.length === 3);
    expect(tried).toEqual(['trial 1', 'trial 2', 'rollback 1']);
    await until(
      'ack',
      async () => (await (await lab.directory()).seen('greenhouse')).ack?.outcome === 'rolled-back',
    );
    expect(device.state().config).toMatchObject({
      serial: 1,
      state: 'committed',
      refused: { reason: 'tap-failed' },
    });
    lab.broker.restart();
    await rest();
    expect(tried).toHaveLength(3);
    expect(store.changes.filter((change) => change === 'write config.json')).toHaveLength(6);
  });

  it('rolls back a config whose trial does not end in time', async () => {
    await lab.serve();
    const { device } = await lab.enrolled('greenhouse', new MemoryFileStore(), async (config) =>
      config.serial === 1 ? { healthy: true } : new Promise<ConfigHealth>(() => undefined),
    );
    await setMtu(1280);
    await until('trial', () => device.state().config?.state === 'trial');
    await lab.clock.advance(60_000);
    await until('back', () => device.state().config?.serial === 1);
    expect(device.state().config?.refused?.reason).toBe('trial-timeout');
  });

  it('rolls back a trial that a restart has cut short', async () => {
    await lab.serve();
    const { device, store } = await lab.enrolled('greenhouse', new MemoryFileStore(), async (config) =>
      config.serial === 1 ? { healthy: true } : new Promise<ConfigHealth>(() => undefined),
    );
    await setMtu(1280);
    await until('trial', () => device.state().config?.state === 'trial');
    const again = lab.device(store.restarted());
    await again.start();
    await until('booted', () => again.config()?.serial === 1);
    expect(again.state().config).toMatchObject({ serial: 1, state: 'committed' });
    await rest();
    expect(again.config()?.serial).toBe(1);
  });

  it('tries a first config again, as there is none to go back to', async () => {
    await lab.serve();
    let attempts = 0;
    const device = lab.device(new MemoryFileStore(), async (): Promise<ConfigHealth> => {
      attempts += 1;
      return attempts < 3
        ? { healthy: false, reason: 'no-tun-device', problem: 'there is no /dev/net/tun' }
        : { healthy: true };
    });
    await device.start({ claim: await lab.claim('greenhouse') });
    await until('first attempt', () => attempts === 1 && device.state().problem !== null);
    expect(device.state().problem).toMatch(/first config does not work yet: there is no \/dev\/net\/tun/);
    await lab.clock.advance(2_000);
    await until('second attempt', () => attempts === 2);
    await rest();
    await lab.clock.advance(4_000);
    await until('committed', () => device.state().config?.state === 'committed');
    expect(device.state().problem).toBeNull();
  });

  it('keeps its config on a full disk, and applies the new one when there is room', async () => {
    await lab.serve();
    const { device, store } = await lab.enrolled();
    const { EnvironmentFault } = await import('../../../agent/errors.ts');
    store.fault = new EnvironmentFault('state-full', 'the disk is full', { retryable: true });
    await setMtu(1300);
    await until('problem', () => device.state().problem === 'the disk is full');
    expect(device.config()?.serial).toBe(1);
    store.fault = null;
    await lab.clock.advance(30_000);
    await until(
      'applied',
      () => device.config()?.serial === 2 && device.state().config?.state === 'committed',
    );
    expect(device.state().problem).toBeNull();
  });

  it('keeps its config when the broker deletes it', async () => {
    await lab.serve();
    const { device, nodeId } = await lab.enrolled();
    const fleetId = device.state().fleetId ?? '';
    lab.broker.publish(topicsOf(fleetId).config(nodeId), new Uint8Array(0), true);
    await rest();
    expect(device.state()).toMatchObject({ phase: 'provisioned', config: { serial: 1 } });
  });

  it('finds everything again on a broker that lost what it retained', async () => {
    await lab.serve();
    const { device } = await lab.enrolled();
    lab.broker.restart();
    const topics = topicsOf(device.state().fleetId ?? '');
    await until('republished', () => lab.broker.retained.has(topics.name('greenhouse')));
    await until('presence', () => lab.broker.retained.has(topics.status(device.identity().nodeId)));
  });
});

describe('a power cut', () => {
  it('at any write leaves a state that comes back and ends committed', async () => {
    await lab.serve();
    const claim = await lab.claim('greenhouse');
    const whole = new MemoryFileStore();
    const reference = lab.device(whole);
    await reference.start({ claim });
    await until('committed', () => reference.state().config?.state === 'committed');
    await reference.stop();
    expect(whole.changes.length).toBeGreaterThan(6);
    for (let cut = 0; cut < whole.changes.length; cut++) {
      const name = `device-${cut}`;
      const store = new MemoryFileStore();
      store.changesLeft = cut;
      const own = await lab.claim(name);
      const first = lab.device(store);
      await first.start({ claim: own }).catch(() => undefined);
      await until(`the cut at ${cut}`, () => store.changesLeft === 0);
      await rest();
      await first.stop();
      const second = lab.device(store.restarted());
      await second.start({ claim: own });
      await until(`committed after a cut at ${cut}`, () => second.state().config?.state === 'committed');
      expect(second.state().own?.name).toBe(name);
      await second.stop();
    }
  });
});
