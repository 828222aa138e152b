import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSigningKeyPem, signingKeyOfPem } from '../../../agent/trust/signed-envelope.ts';
import { ip6OfNode } from '../../../agent/wire/node-address.ts';
import { topicsOf } from '../../../agent/wire/topics.ts';
import { BusMemberDirectory } from '../../../provisioning/device/bus-member-directory.ts';
import { KnownMembers, MAX_KNOWN_MEMBERS } from '../../../provisioning/device/known-members.ts';
import { readCertificate, signCertificate } from '../../../provisioning/documents/membership.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';
import { FleetLab, rest, START } from './fleet-lab.ts';

let lab: FleetLab;
let fleetId: string;
let store: MemoryFileStore;
let members: BusMemberDirectory;
let now: number;
const revoked = new Set<string>();
const [one, two] = [signingKeyOfPem(newSigningKeyPem()), signingKeyOfPem(newSigningKeyPem())];

beforeEach(async () => {
  lab = new FleetLab();
  fleetId = (await lab.init()).fleet.fleetId;
  store = new MemoryFileStore();
  now = START;
  revoked.clear();
  members = await directoryOn(store);
});

afterEach(() => members.stop());

async function directoryOn(files: MemoryFileStore): Promise<BusMemberDirectory> {
  const bus = lab.broker.open({ url: 'mqtt://x', clientId: 'd' });
  bus.connect();
  const { document } = (await lab.directory()).root;
  const directory = new BusMemberDirectory({
    bus,
    store: files,
    clock: lab.clock,
    log: lab.log,
    root: () => document,
    isPast: (unixMs) => now >= unixMs,
    isRevoked: (nodeId) => revoked.has(nodeId),
  });
  await directory.load();
  await lab.clock.settle();
  return directory;
}

async function certificate(change: object = {}, signer: 'config' | 'fresh' = 'config'): Promise<Uint8Array> {
  const content = {
    fleetId,
    name: 'greenhouse',
    publicKey: one.publicKey,
    sealingKey: new Uint8Array(32),
    ip4: '10.64.0.2',
    tags: [],
    epoch: 1,
    serial: 1,
    issuedAt: START,
    expires: null,
  };
  return signCertificate({ ...content, ...change }, await lab.key(signer));
}

function retain(bytes: Uint8Array, nodeId: string = one.keyId, ip4 = '10.64.0.2', name = 'greenhouse'): void {
  const topics = topicsOf(fleetId);
  for (const topic of [topics.member(nodeId), topics.address(ip4), topics.name(name)]) {
    lab.broker.publish(topic, bytes, true);
  }
  lab.broker.publish(topics.address(ip6OfNode(fleetId, nodeId)), bytes, true);
}

async function answerOf<T>(asked: Promise<T>): Promise<T> {
  await lab.clock.advance(1_500);
  return asked;
}

describe('the member directory', () => {
  it('finds a member by each of its names, and remembers it without the broker', async () => {
    retain(await certificate());
    const ip6 = ip6OfNode(fleetId, one.keyId);
    expect((await members.byIp4('10.64.0.2'))?.nodeId).toBe(one.keyId);
    lab.broker.setReachable(false);
    for (const found of [members.byIp6(ip6), members.byNodeId(one.keyId), members.byName('greenhouse')]) {
      expect((await found)?.ip6).toBe(ip6);
    }
    expect(members.known()).toHaveLength(1);
  });

  it('answers null when nobody answers, and does not ask again for a while', async () => {
    expect(await answerOf(members.byIp4('10.64.0.9'))).toBeNull();
    retain(await certificate({ ip4: '10.64.0.9' }), one.keyId, '10.64.0.9');
    expect(await members.byIp4('10.64.0.9')).toBeNull();
    await lab.clock.advance(3_000);
    expect((await members.byIp4('10.64.0.9'))?.name).toBe('greenhouse');
  });

  it('answers null, never an error, to forged, misplaced and malformed answers and questions', async () => {
    const topics = topicsOf(fleetId);
    lab.broker.publish(topics.address('10.64.0.3'), await certificate(), true);
    lab.broker.publish(topics.address('10.64.0.4'), await certificate({ ip4: '10.64.0.4' }, 'fresh'), true);
    lab.broker.publish(topics.address('10.64.0.5'), Buffer.from('?'), true);
    for (const ip4 of ['10.64.0.3', '10.64.0.4', '10.64.0.5']) {
      expect(await answerOf(members.byIp4(ip4))).toBeNull();
    }
    for (const name of ['+', '#', 'a/b', '', '\0', 'x'.repeat(200)])
      expect(await members.byName(name)).toBeNull();
  });

  it('tells of everyone that the broker has, believes nobody unsigned, and watches nobody for it', async () => {
    const namesNow = async () => {
      const asked = members.everyone();
      await lab.clock.advance(3_000);
      return (await asked).map(({ name }) => name).sort();
    };
    expect(await namesNow()).toEqual([]);
    retain(await certificate());
    const cellar = { name: 'cellar', publicKey: two.publicKey, ip4: '10.64.0.3' };
    retain(await certificate(cellar), two.keyId, cellar.ip4, cellar.name);
    lab.broker.publish(topicsOf(fleetId).member('forged'), await certificate({ name: 'f' }, 'fresh'), true);
    expect(await namesNow()).toEqual(['cellar', 'greenhouse']);
    expect(members.known()).toEqual([]);
    await members.byName('greenhouse');
    lab.broker.setReachable(false);
    expect(await namesNow()).toEqual(['greenhouse']);
  });

  it('takes the newest serial of a member, and never an older one again', async () => {
    const old = await certificate();
    retain(old);
    await members.byName('greenhouse');
    retain(await certificate({ serial: 2, tags: ['new'] }));
    await lab.clock.settle();
    expect((await members.byName('greenhouse'))?.tags).toEqual(['new']);
    retain(old);
    await lab.clock.settle();
    expect(members.verify(old)?.serial).toBe(2);
    expect((await members.byName('greenhouse'))?.serial).toBe(2);
  });

  it('lets an address move to the node that was issued it later, and not back', async () => {
    const before = await certificate();
    retain(before);
    await members.byIp4('10.64.0.2');
    const after = await certificate({ publicKey: two.publicKey, issuedAt: START + 1 });
    expect(members.verify(after)?.nodeId).toBe(two.keyId);
    expect((await members.byIp4('10.64.0.2'))?.nodeId).toBe(two.keyId);
    expect(members.verify(before)).toBeNull();
    expect(members.known()).toHaveLength(1);
  });

  it('forgets a member that was revoked, and believes its certificate from nobody, in memory or on disk', async () => {
    const bytes = await certificate();
    retain(bytes);
    expect(await members.byName('greenhouse')).not.toBeNull();
    revoked.add(one.keyId);
    members.forgetRevoked();
    expect(members.known()).toEqual([]);
    expect(members.verify(bytes)).toBeNull();
    expect(await answerOf(members.byName('greenhouse'))).toBeNull();
    await members.stop();
    expect(Buffer.from((await store.read('members.json')) ?? []).toString()).not.toContain(
      Buffer.from(bytes).toString('base64'),
    );
    members = await directoryOn(store);
    expect(members.known()).toEqual([]);
  });

  it('forgets a member whose certificate has ended', async () => {
    retain(await certificate({ expires: START + 1_000 }));
    expect(await members.byName('greenhouse')).not.toBeNull();
    now = START + 1_000;
    expect(await answerOf(members.byName('greenhouse'))).toBeNull();
  });

  it('keeps its cache on disk, writes it once for many, and not at all when nothing changed', async () => {
    retain(await certificate());
    await members.byName('greenhouse');
    await members.byIp4('10.64.0.2');
    await lab.clock.advance(2_000);
    await rest();
    expect(store.changes).toEqual(['write members.json']);
    lab.broker.setReachable(false);
    const restarted = store.restarted();
    const again = await directoryOn(restarted);
    expect((await again.byName('greenhouse'))?.nodeId).toBe(one.keyId);
    await lab.clock.advance(10_000);
    await again.stop();
    expect(restarted.changes).toEqual([]);
  });

  it('asks once for several questions at a time, and leaves no timer behind', async () => {
    retain(await certificate());
    const found = await Promise.all([1, 2, 3].map(() => members.byName('greenhouse')));
    expect(found.every((member) => member?.nodeId === one.keyId)).toBe(true);
    await members.stop();
    expect(lab.clock.pending()).toBe(0);
  });

  it('knows nobody before there is a fleet', async () => {
    const lonely = new BusMemberDirectory({
      bus: lab.broker.open({ url: 'mqtt://x', clientId: 'l' }),
      store,
      clock: lab.clock,
      log: lab.log,
      root: () => null,
      isPast: () => false,
      isRevoked: () => false,
    });
    expect(await lonely.byName('greenhouse')).toBeNull();
    expect(lonely.verify(await certificate())).toBeNull();
  });
});

describe('known members', () => {
  it('are bounded: the one that was not used for longest goes', async () => {
    const forgotten: string[] = [];
    const known = new KnownMembers((nodeId) => forgotten.push(nodeId));
    const { document } = (await lab.directory()).root;
    const template = readCertificate(await certificate(), document, () => false);
    for (let index = 0; index <= MAX_KNOWN_MEMBERS; index++) {
      const member = {
        ...template.member,
        nodeId: `n${index}`,
        name: `d${index}`,
        ip4: `i${index}`,
        ip6: `j${index}`,
      };
      known.add({ ...template, member: { ...member, certificate: Buffer.from(`${index}`) } });
      if (index === 1) known.get('id/n0');
      known.get('id/n0');
    }
    expect(forgotten).toEqual(['n1']);
    expect(known.all()).toHaveLength(MAX_KNOWN_MEMBERS);
  });
});
