/** A member: its configs, their trials, and what it comes back as after a restart or a power cut. */
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
    await lab.setMtu(1300);
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
    await lab.setMtu(1280);
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
    await lab.setMtu(1280);
    await until('trial', () => device.state().config?.state === 'trial');
    await lab.clock.advance(60_000);
    await until('back', () => device.state().config?.serial === 1);
    expect(device.state().config?.refused?.reason).toBe('trial-timeout');
  });

  /** Never knows whether a config works. */
  const undecided = async (config: DeviceConfig): Promise<ConfigHealth> =>
    config.serial === 1 ? { healthy: true } : new Promise<ConfigHealth>(() => undefined);

  it('tries a config again whose trial a restart has cut short', async () => {
    await lab.serve();
    const { device, store } = await lab.enrolled('greenhouse', new MemoryFileStore(), undecided);
    await lab.setMtu(1280);
    await until('trial', () => device.state().config?.state === 'trial');
    const again = lab.device(store.restarted());
    await again.start();
    await until('committed', () => again.state().config?.state === 'committed');
    expect(again.config()?.serial).toBe(2);
  });

  it('rolls back a trial that restarts have cut short twice', async () => {
    await lab.serve();
    const { device, store } = await lab.enrolled('greenhouse', new MemoryFileStore(), undecided);
    await lab.setMtu(1280);
    await until('trial', () => device.state().config?.state === 'trial');
    const kept = store.restarted();
    const second = lab.device(kept, undecided);
    await second.start();
    await until('the second trial', () => second.config()?.serial === 2);
    const again = lab.device(kept.restarted());
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
    await lab.setMtu(1300);
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
