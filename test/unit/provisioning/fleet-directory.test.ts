import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicsOf } from '../../../agent/wire/topics.ts';
import { readClaim } from '../../../provisioning/documents/claim.ts';
import { FleetDirectory } from '../../../provisioning/fleet/fleet-directory.ts';
import { initFleet } from '../../../provisioning/fleet/fleet-init.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';
import { FleetLab, rest, START, until } from './fleet-lab.ts';

const wanted = {
  name: 'home',
  brokerUrl: 'mqtt://owner:p%40ss@broker.example',
  password: null,
  network: '10.64.0.0/29',
  ca: null,
  deviceLogin: { username: 'board', password: 'swordfish' },
  iceServers: ['stun:stun.example:3478', 'turn:user:hidden@turn.example:3478'],
};
const device = (name: string, ip4: string | null = null) => ({ name, ip4, tags: [], expiresDays: 30 });

describe('a fleet directory', () => {
  let store: MemoryFileStore;
  let directory: FleetDirectory;

  beforeEach(async () => {
    store = new MemoryFileStore();
    await initFleet(store, wanted, START);
    directory = await FleetDirectory.open(store);
  });

  it('keeps every file to its owner, and takes user and password out of the URL', () => {
    expect([...store.modes.values()].every((mode) => mode === 0o600)).toBe(true);
    expect(directory.fleet.broker).toEqual({
      url: 'mqtt://broker.example',
      username: 'owner',
      password: 'p@ss',
    });
  });

  it('is made once', async () => {
    const before = new Map(store.files);
    await expect(initFleet(store, wanted, START)).rejects.toMatchObject({ reason: 'fleet-exists' });
    expect(store.files).toEqual(before);
  });

  it('gives the lowest free addresses until the network is full', async () => {
    const given: string[] = [];
    await directory.add(device('fixed', '10.64.0.3'), START);
    for (const name of ['a', 'b', 'c', 'd'])
      given.push((await directory.add(device(name), START)).device.ip4);
    expect(given).toEqual(['10.64.0.2', '10.64.0.4', '10.64.0.5', '10.64.0.6']);
    await expect(directory.add(device('e'), START)).rejects.toMatchObject({ reason: 'network-full' });
  });

  it('refuses a name or address that is taken, and addresses outside the network', async () => {
    await directory.add(device('a', '10.64.0.3'), START);
    await expect(directory.add(device('a'), START)).rejects.toMatchObject({ reason: 'device-exists' });
    await expect(directory.add(device('b', '10.64.0.3'), START)).rejects.toMatchObject({
      reason: 'address-taken',
    });
    for (const ip4 of ['10.64.0.0', '10.64.0.7', '10.64.0.8', '1', '10.64.0.03', '::1', '']) {
      await expect(directory.add(device('b', ip4), START)).rejects.toThrow(/not an address for a device/);
    }
    for (const name of ['A', 'a.b', '-a', 'a-', '', '../x', 'x'.repeat(64)]) {
      await expect(directory.add(device(name), START)).rejects.toThrow(/not a device name/);
    }
  });

  it('gives two adds at once different addresses, and one name once', async () => {
    const other = await FleetDirectory.open(store);
    const added = await Promise.all([directory.add(device('a'), START), other.add(device('b'), START)]);
    expect(new Set(added.map(({ device: { ip4 } }) => ip4)).size).toBe(2);
    const same = await Promise.allSettled([directory.add(device('c'), START), other.add(device('c'), START)]);
    expect(same.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('writes the devices’ login into claims, not the owner’s', async () => {
    const { claim } = await directory.add(device('a'), START);
    expect(readClaim(claim, () => false).broker).toEqual({
      url: 'mqtt://broker.example',
      username: 'board',
      password: 'swordfish',
    });
  });

  it('survives a power cut at any write of init and add', async () => {
    const all = store.changes.length + 4;
    for (let cut = 0; cut <= all; cut++) {
      const cutShort = new MemoryFileStore();
      cutShort.changesLeft = cut;
      await initFleet(cutShort, wanted, START)
        .then(() => FleetDirectory.open(cutShort))
        .then((opened) => opened.add(device('a'), START))
        .catch(() => undefined);
      const after = cutShort.restarted();
      await initFleet(after, wanted, START).catch((error: { reason?: string }) => {
        expect(error.reason).toBe('fleet-exists');
      });
      const opened = await FleetDirectory.open(after);
      await opened.add(device('a'), START).catch((error: { reason?: string }) => {
        expect(error.reason).toBe('device-exists');
      });
      expect((await opened.device('a'))?.ip4).toMatch(/^10\.64\.0\.[23]$/);
    }
  });

  it('names a damaged file instead of going on', async () => {
    await directory.add(device('a'), START);
    await store.write('devices/a.json', Buffer.from('{"name":"a"'));
    await expect(directory.device('a')).rejects.toThrow(/devices\/a.json is damaged/);
  });
});

describe('registrars', () => {
  let lab: FleetLab;

  beforeEach(async () => {
    lab = new FleetLab();
    await lab.init();
  });

  afterEach(() => lab.stop());

  it('of which two serve one directory issue one document per serial', async () => {
    await lab.serve();
    await lab.serve();
    const { nodeId } = await lab.enrolled();
    for (const mtuBytes of [1300, 1310, 1320]) {
      const fleet = JSON.parse(Buffer.from((await lab.store.read('fleet.json')) ?? []).toString());
      fleet.settings.mtuBytes = mtuBytes;
      await lab.store.write('fleet.json', Buffer.from(JSON.stringify(fleet)));
      await lab.clock.advance(1_000);
      await rest();
    }
    const topics = topicsOf((await lab.directory()).fleet.fleetId);
    const configs = lab.broker.published.filter(({ topic }) => topic === topics.config(nodeId));
    const distinct = new Set(configs.map(({ payload }) => Buffer.from(payload).toString('hex')));
    expect(distinct.size).toBe(4);
    const kept = await lab.store.list('issued/greenhouse');
    expect(kept).toEqual(['config-2.json', 'config-3.json', 'config-4.json', 'member-1.json']);
    expect(lab.log.of('config.refused')).toEqual([]);
  });

  it('give a device the sensors that the owner declared for it alone', async () => {
    await lab.serve();
    const { nodeId } = await lab.enrolled();
    const fleet = JSON.parse(Buffer.from((await lab.store.read('fleet.json')) ?? []).toString());
    const gpio = [{ name: 'door', line: 'pin 11', edge: 'rising', debounceMs: 20, counter: true }];
    fleet.settings.deviceSensors = { greenhouse: { gpio }, other: { sampling: [{ id: 'a', deadband: 1 }] } };
    await lab.store.write('fleet.json', Buffer.from(JSON.stringify(fleet)));
    await lab.clock.advance(1_000);
    await rest();
    const config = lab.broker.retained.get(topicsOf((await lab.directory()).fleet.fleetId).config(nodeId));
    const { payload } = JSON.parse(Buffer.from(config ?? []).toString());
    const { settings } = JSON.parse(Buffer.from(payload, 'base64').toString());
    expect(settings.sensors).toEqual({ enabled: true, intervalMs: 5_000, httpPort: 80, gpio });
  });

  it('that are restarted publish the same documents again, byte for byte', async () => {
    const first = await lab.serve();
    const { nodeId } = await lab.enrolled();
    const topics = topicsOf((await lab.directory()).fleet.fleetId);
    const wantedTopics = [
      topics.member(nodeId),
      topics.config(nodeId),
      topics.name('greenhouse'),
      topics.root(1),
    ];
    const before = wantedTopics.map((topic) => lab.broker.retained.get(topic));
    await first.stop();
    lab.broker.retained.clear();
    await lab.serve();
    await until('published', () => wantedTopics.every((topic) => lab.broker.retained.has(topic)));
    expect(wantedTopics.map((topic) => lab.broker.retained.get(topic))).toEqual(before);
  });

  it('go on after a damaged device file, and say so', async () => {
    await lab.serve();
    await lab.claim('broken');
    await lab.store.write('devices/broken.json', Buffer.from('?'));
    await lab.clock.advance(1_000);
    await until('said', () => lab.events.some((event) => event.event === 'problem'));
    await lab.store.remove('devices/broken.json');
    await lab.clock.advance(1_000);
    await lab.enrolled();
  });
});
