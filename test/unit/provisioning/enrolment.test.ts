/** A device from its claim to its first config. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceConfig } from '../../../provisioning/documents/device-config.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';
import { FleetLab, until } from './fleet-lab.ts';

let lab: FleetLab;

beforeEach(async () => {
  lab = new FleetLab();
  await lab.init();
});

afterEach(() => lab.stop());

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
