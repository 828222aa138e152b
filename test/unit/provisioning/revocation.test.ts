import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicsOf } from '../../../agent/wire/topics.ts';
import { readFresh } from '../../../provisioning/documents/fresh-statement.ts';
import { readRevocationList, signRevocationList } from '../../../provisioning/documents/revocation-list.ts';
import { FleetDirectory } from '../../../provisioning/fleet/fleet-directory.ts';
import { revoke, revokedNodes } from '../../../provisioning/fleet/revocation.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';
import { FleetLab, rest, START, until } from './fleet-lab.ts';

let lab: FleetLab;
let fleetId: string;

beforeEach(async () => {
  lab = new FleetLab();
  fleetId = (await lab.init()).fleet.fleetId;
});

afterEach(() => lab.stop());

const wanted = (name: string) => ({ name, ip4: null, tags: [], expiresDays: 30 });

async function revoked(name: string) {
  const node = await revoke(await lab.directory(), name, lab.clock.wallMs());
  await lab.clock.advance(1_000);
  await rest();
  return node;
}

const retained = () => [...lab.broker.retained].filter(([, bytes]) => bytes.length > 0);

describe('a device that its owner revokes', () => {
  it('loses certificate, config and addresses on the broker, and stands on a signed list', async () => {
    await lab.serve();
    const { nodeId } = await lab.enrolled('greenhouse');
    await lab.enrolled('cellar');
    await revoked('greenhouse');
    const topics = topicsOf(fleetId);
    await until('the list is there', () => lab.broker.retained.has(topics.revoked));
    await until('its documents are gone', () => retained().every(([topic]) => !topic.includes(nodeId)));
    expect(retained().map(([topic]) => topic)).not.toContain(topics.name('greenhouse'));
    expect(retained().map(([topic]) => topic)).toContain(topics.name('cellar'));
    const { root } = await lab.directory();
    const list = readRevocationList(
      lab.broker.retained.get(topics.revoked) ?? new Uint8Array(),
      root.document,
    );
    expect(list.nodes).toEqual([nodeId]);
    await until('fresh statements name the list', () => {
      const bytes = lab.broker.retained.get(topics.fresh);
      return bytes !== undefined && readFresh(bytes, root.document).revokedSerial === list.serial;
    });
  });

  it('ends with a sentence, at once and at every start', async () => {
    await lab.serve();
    const { device, store } = await lab.enrolled('greenhouse');
    const refusals: string[] = [];
    device.onRefused((refusal) => refusals.push(refusal.message));
    await revoked('greenhouse');
    await until('refused', () => refusals.length > 0);
    expect(refusals[0]).toMatch(/was put out of fleet home by its owner/);
    expect(device.state().problem).toBe(refusals[0]);
    await device.stop();
    lab.broker.setReachable(false);
    const again = lab.device(store);
    again.onRefused((refusal) => refusals.push(refusal.reason));
    await again.start();
    expect(refusals.at(-1)).toBe('revoked');
    expect(again.config()).toBeNull();
  });

  it('is nobody to the others: they are told to end their links, and find it no more, also after a restart', async () => {
    await lab.serve();
    const { nodeId } = await lab.enrolled('greenhouse');
    const cellar = await lab.enrolled('cellar');
    expect(await cellar.device.directory().byName('greenhouse')).not.toBeNull();
    const isRevoked: Array<(id: string) => boolean> = [];
    cellar.device.onRevoked((predicate) => isRevoked.push(predicate));
    await revoked('greenhouse');
    await until('told', () => isRevoked.length > 0);
    expect([nodeId, cellar.nodeId].map((id) => isRevoked[0]?.(id))).toEqual([true, false]);
    expect(cellar.device.directory().known()).toEqual([]);
    await cellar.device.stop();
    lab.broker.setReachable(false);
    const again = lab.device(cellar.store.restarted());
    await again.start();
    expect(again.directory().known()).toEqual([]);
    expect(again.state().phase).toBe('provisioned');
  });

  it('leaves name and address to another one', async () => {
    await lab.serve();
    const first = await lab.enrolled('greenhouse');
    await revoked('greenhouse');
    const second = await lab.enrolled('greenhouse');
    expect(second.nodeId).not.toBe(first.nodeId);
    expect(second.device.state().own?.ip4).toBe(first.device.config()?.device.ip4);
    const topics = topicsOf(fleetId);
    await lab.clock.advance(61_000);
    await rest();
    expect(lab.broker.retained.get(topics.name('greenhouse'))?.length).toBeGreaterThan(0);
  });

  it('does not come back with a new claim under its old identity', async () => {
    await lab.serve();
    const { device, store } = await lab.enrolled('greenhouse');
    device.onRefused(() => undefined);
    await revoked('greenhouse');
    await device.stop();
    await store.remove('enrolment.json');
    await store.remove('revoked.json');
    const again = lab.device(store);
    const refusals: string[] = [];
    again.onRefused((refusal) => refusals.push(refusal.message));
    await again.start({ claim: await lab.claim('cellar') });
    await until('refused', () => refusals.length > 0);
    expect(refusals[0]).toMatch(/empty its state directory/);
  });

  it('before it used its claim can use it no more', async () => {
    await lab.serve();
    const claim = await lab.claim('greenhouse');
    expect(await revoked('greenhouse')).toBeNull();
    const device = lab.device(new MemoryFileStore());
    await device.start({ claim });
    await rest();
    await lab.clock.advance(10_000);
    await until('told why', () => device.state().problem?.includes('does not know this claim') ?? false);
    expect(lab.broker.retained.has(topicsOf(fleetId).revoked)).toBe(false);
  });
});

describe('a revocation list', () => {
  let nodeId: string;
  let cellar: Awaited<ReturnType<FleetLab['enrolled']>>;

  beforeEach(async () => {
    await lab.serve();
    nodeId = (await lab.enrolled('greenhouse')).nodeId;
    cellar = await lab.enrolled('cellar');
  });

  const list = (serial: number, nodes: string[], other: object = {}) => ({
    ...{ fleetId, epoch: 1, serial, issuedAt: START, nodes },
    ...other,
  });
  const publish = async (bytes: Uint8Array) => {
    lab.broker.publish(topicsOf(fleetId).revoked, bytes, true);
    await rest();
  };

  it('counts only from the config key, for this fleet and epoch', async () => {
    const config = await lab.key('config');
    await publish(signRevocationList(list(9, [nodeId]), await lab.key('fresh')));
    await publish(signRevocationList(list(9, [nodeId], { epoch: 2 }), config));
    await publish(signRevocationList(list(9, [nodeId], { fleetId: cellar.nodeId }), config));
    expect(await cellar.device.directory().byName('greenhouse')).not.toBeNull();
    await publish(signRevocationList(list(9, [nodeId]), config));
    expect(cellar.device.directory().known()).toEqual([]);
  });

  it('that is older, or leaves somebody out, brings nobody back', async () => {
    const config = await lab.key('config');
    await publish(signRevocationList(list(9, [nodeId]), config));
    const written = cellar.store.changes.length;
    await publish(signRevocationList(list(8, []), config));
    await publish(new Uint8Array(0));
    expect(cellar.store.changes.length).toBe(written);
    await publish(signRevocationList(list(10, []), config));
    const bytes = lab.broker.retained.get(topicsOf(fleetId).member(nodeId)) ?? new Uint8Array();
    expect(cellar.device.directory().verify(bytes)).toBeNull();
    const asked = cellar.device.directory().byName('greenhouse');
    await lab.clock.advance(1_500);
    expect(await asked).toBeNull();
  });

  it('that the broker keeps back is missed', async () => {
    const keptBack = topicsOf(fleetId).revoked;
    lab.broker.intercept = ({ topic, payload }) => (topic === keptBack ? null : payload);
    await revoked('greenhouse');
    await until('missed', () => cellar.device.state().problem?.includes('keeps back the list') ?? false);
  });
});

describe('the owner’s directory', () => {
  let directory: FleetDirectory;

  beforeEach(async () => {
    directory = await lab.directory();
  });

  it('has nothing left of a revoked device but the fact', async () => {
    await lab.serve();
    const before = new Set(lab.store.files.keys());
    const { nodeId } = await lab.enrolled('greenhouse');
    await revoked('greenhouse');
    const added = [...lab.store.files.keys()].filter((path) => !before.has(path) && path !== 'revision.json');
    expect(added.filter((path) => path !== 'fresh.json')).toEqual([`revoked/${nodeId}.json`]);
  });

  it('refuses a device that there is not, and says where to look', async () => {
    await expect(revoke(directory, 'attic', START)).rejects.toThrow(/no device attic .* "tincan fleet list"/);
    await expect(revoke(directory, '../keys', START)).rejects.toThrow(/no device/);
  });

  it('numbers lists upwards, also when its clock was set back', async () => {
    await lab.serve();
    for (const name of ['a', 'b', 'c']) await lab.enrolled(name);
    await revoke(directory, 'a', START + 5_000);
    await revoke(directory, 'b', START);
    await revoke(directory, 'c', 0);
    const nodes = await revokedNodes(lab.store);
    expect(nodes.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(new Set(nodes.map(({ serial }) => serial)).size).toBe(3);
  });

  it('cut off at any write, has the device or can revoke it again', async () => {
    await lab.serve();
    await lab.enrolled('greenhouse');
    await lab.stop();
    for (let cut = 0; cut < 12; cut++) {
      const store = new MemoryFileStore(lab.store.files);
      const cutShort = await FleetDirectory.open(store);
      store.changesLeft = cut;
      await revoke(cutShort, 'greenhouse', START).catch(() => undefined);
      const after = store.restarted();
      const opened = await FleetDirectory.open(after);
      await revoke(opened, 'greenhouse', START).catch((error: { reason?: string }) => {
        expect(error.reason).toBe('no-such-device');
      });
      expect(await revokedNodes(after)).toHaveLength(1);
      expect(await opened.device('greenhouse')).toBeNull();
      expect((await opened.add(wanted('greenhouse'), START)).device.ip4).toBe('10.64.0.2');
    }
  });
});
