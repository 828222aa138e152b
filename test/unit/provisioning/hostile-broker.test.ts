/** A running fleet whose broker lies, withholds, repeats and mixes up. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSigningKeyPem, signingKeyOfPem } from '../../../agent/trust/signed-envelope.ts';
import { topicsOf, wildcardOf } from '../../../agent/wire/topics.ts';
import { readClaim } from '../../../provisioning/documents/claim.ts';
import { readAck, signPresence } from '../../../provisioning/documents/device-reports.ts';
import { base64Of } from '../../../provisioning/documents/document-fields.ts';
import { readHello, signHello, signReply } from '../../../provisioning/documents/enrolment-messages.ts';
import { signFresh } from '../../../provisioning/documents/fresh-statement.ts';
import { signRoot } from '../../../provisioning/documents/root-document.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';
import { FleetLab, rest, START, until } from './fleet-lab.ts';

let lab: FleetLab;
let topics: ReturnType<typeof topicsOf>;

beforeEach(async () => {
  lab = new FleetLab();
  const { fleet } = await lab.init();
  topics = topicsOf(fleet.fleetId);
});

afterEach(() => lab.stop());

async function setMtu(mtuBytes: number): Promise<void> {
  const fleet = JSON.parse(Buffer.from((await lab.store.read('fleet.json')) ?? []).toString());
  fleet.settings.mtuBytes = mtuBytes;
  await lab.store.write('fleet.json', Buffer.from(JSON.stringify(fleet)));
  await lab.clock.advance(1_000);
}

describe('enrolment', () => {
  it('does not let the broker put its own key into a hello', async () => {
    await lab.serve();
    const claim = await lab.claim('greenhouse');
    const mallory = signingKeyOfPem(newSigningKeyPem());
    lab.broker.intercept = ({ topic, payload }) => {
      if (wildcardOf(topics.everyHello, topic) === null) return payload;
      const hello = readHello(payload);
      return signHello({ ...hello, publicKey: mallory.publicKey }, new Uint8Array(32), mallory);
    };
    const device = lab.device(new MemoryFileStore());
    await device.start({ claim });
    await until('heard', () => lab.log.of('hello.unproven').length > 0);
    expect(await (await lab.directory()).enrolled('greenhouse')).toBeNull();
    lab.broker.intercept = null;
    await lab.clock.advance(5_000);
    await until('committed', () => device.state().config?.state === 'committed');
  });

  it('takes no reply that is unsigned, for another node, or for an earlier question', async () => {
    const bytes = await lab.claim('greenhouse');
    const claim = readClaim(bytes, () => false);
    const device = lab.device(new MemoryFileStore());
    await device.start({ claim: bytes });
    await until('hello', () => lab.broker.last(topics.enrolHello(claim.claimId)) !== null);
    const hello = readHello(lab.broker.last(topics.enrolHello(claim.claimId)) ?? new Uint8Array());
    const { nodeId } = device.identity();
    const reply = {
      fleetId: claim.fleetId,
      claimId: claim.claimId,
      nonce: hello.nonce,
      nodeId,
      issuedAt: START,
      refusal: null,
    };
    const stranger = signingKeyOfPem(newSigningKeyPem());
    const configKey = await lab.key('config');
    for (const forged of [
      signReply(reply, stranger),
      signReply(reply, await lab.key('fresh')),
      signReply({ ...reply, nonce: new Uint8Array(16) }, configKey),
      signReply({ ...reply, nodeId: stranger.keyId }, configKey),
    ]) {
      lab.broker.publish(topics.enrolReply(claim.claimId), forged);
    }
    await rest();
    expect(lab.log.of('enrolment.reply-ignored')).toHaveLength(4);
    expect(device.state().phase).toBe('enrolling');
  });

  it('refuses an ended claim at the registrar, which has a clock', async () => {
    const claim = await lab.claim('greenhouse', 1);
    await lab.clock.advance(2 * 86_400_000);
    await lab.serve();
    const device = lab.device(new MemoryFileStore());
    await device.start({ claim });
    await until('refused', () => device.state().phase === 'unclaimed');
    expect(lab.events).toContainEqual(expect.objectContaining({ event: 'refused', reason: 'claim-expired' }));
  });

  it('refuses an ended claim on a device that knows the time', async () => {
    const claim = await lab.claim('greenhouse', 1);
    await lab.clock.advance(2 * 86_400_000);
    const device = lab.device(new MemoryFileStore(), undefined, true);
    await expect(device.start({ claim })).rejects.toMatchObject({ reason: 'claim-expired' });
  });

  it('refuses a changed claim and a broken one, each by its name', async () => {
    const claim = await lab.claim('greenhouse');
    const envelope = JSON.parse(Buffer.from(claim).toString());
    const payload = Buffer.from(envelope.payload, 'base64').toString().replace('greenhouse', 'greenhouze');
    const changed = Buffer.from(
      JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }),
    );
    const start = (bytes: Uint8Array) => lab.device(new MemoryFileStore()).start({ claim: bytes });
    await expect(start(changed)).rejects.toMatchObject({ reason: 'claim-changed' });
    await expect(start(claim.subarray(0, claim.length - 9))).rejects.toMatchObject({
      reason: 'claim-malformed',
    });
  });

  it('answers an unknown claim with a refusal that is not final, and a flood not at all', async () => {
    await lab.serve();
    const claim = await lab.claim('greenhouse');
    const record = 'devices/greenhouse.json';
    const kept = (await lab.store.read(record)) ?? new Uint8Array();
    await lab.store.remove(record);
    const device = lab.device(new MemoryFileStore());
    await device.start({ claim });
    await until('refused', () => lab.events.some((event) => event.event === 'refused'));
    await lab.clock.advance(2_000);
    expect(device.state().problem).toMatch(/does not know this claim/);
    await lab.store.write(record, kept);
    await lab.clock.advance(10_000);
    await until('admitted', () => device.state().config?.state === 'committed');

    const { claimId } = readClaim(claim, () => false);
    const hello = lab.broker.last(topics.enrolHello(claimId)) ?? new Uint8Array();
    const before = lab.broker.published.length;
    for (let copy = 0; copy < 40; copy++) lab.broker.publish(topics.enrolHello(claimId), hello);
    await until('limited', () => lab.log.of('hello.limited').length >= 35);
    await rest();
    expect(lab.broker.published.length - before - 40).toBeLessThanOrEqual(5);
  });
});

describe('a member under a hostile broker', () => {
  it('is not moved by an older config, a foreign one, or garbage, and says why', async () => {
    await lab.serve();
    const { device, nodeId } = await lab.enrolled();
    const other = await lab.enrolled('shed');
    const old = lab.broker.last(topics.config(nodeId)) ?? new Uint8Array();
    const foreign = lab.broker.last(topics.config(other.nodeId)) ?? new Uint8Array();
    await setMtu(1300);
    await until(
      'second',
      () => device.state().config?.serial === 2 && device.state().config?.state === 'committed',
    );
    for (const [bytes, reason] of [
      [old, 'rollback'],
      [foreign, 'wrong-audience'],
      [Buffer.from('{}'), 'not-an-envelope'],
      [Buffer.alloc(200_000), 'too-large'],
    ] as const) {
      lab.broker.publish(topics.config(nodeId), bytes, true);
      await until(reason, () => device.state().config?.refused?.reason === reason);
      const ack = () =>
        readAck(
          lab.broker.last(topics.ack(nodeId)) ?? new Uint8Array(),
          device.identity().signingKey.publicKey,
          nodeId,
        );
      await until('ack', () => ack().reason === reason);
      expect(ack().outcome).toBe('refused');
    }
    expect(device.config()?.network.mtuBytes).toBe(1300);
  });

  it('does not apply a config twice because it came twice', async () => {
    await lab.serve();
    let applied = 0;
    const { device, nodeId } = await lab.enrolled('greenhouse', new MemoryFileStore(), async () => {
      applied += 1;
      return { healthy: true };
    });
    const bytes = lab.broker.last(topics.config(nodeId)) ?? new Uint8Array();
    for (let copy = 0; copy < 5; copy++) lab.broker.publish(topics.config(nodeId), bytes);
    lab.broker.setReachable(false);
    lab.broker.setReachable(true);
    await rest();
    expect(applied).toBe(1);
    expect(device.state().config).toMatchObject({ state: 'committed', refused: null });
  });

  it('ends with the newest of configs that arrive while a trial runs', async () => {
    await lab.serve();
    const release: Array<() => void> = [];
    const { device } = await lab.enrolled('greenhouse', new MemoryFileStore(), async (config) => {
      if (config.serial === 2) await new Promise<void>((resolve) => release.push(resolve));
      return { healthy: true };
    });
    await setMtu(1290);
    await until('trial', () => device.state().config?.state === 'trial');
    await setMtu(1300);
    await setMtu(1310);
    await rest();
    expect(device.config()?.serial).toBe(2);
    for (const go of release) go();
    await until(
      'newest',
      () => device.config()?.network.mtuBytes === 1310 && device.state().config?.state === 'committed',
    );
  });

  it('notices when fresh statements stop, and takes no repeated or forged one', async () => {
    await lab.serve();
    const { device } = await lab.enrolled();
    await lab.clock.advance(60_000);
    await until('fresh', () => device.state().clock.freshAgeMs === 0);
    const old = lab.broker.last(topics.fresh) ?? new Uint8Array();
    const { floor } = device.state().clock;
    lab.broker.intercept = ({ topic, payload }) => (topic === topics.fresh ? null : payload);
    await lab.clock.advance(600_000);
    lab.broker.publish(topics.fresh, old, true);
    const statement = {
      fleetId: device.state().fleetId ?? '',
      sequence: 2 ** 40,
      issuedAt: 2 ** 42,
      rootVersion: 1,
    };
    lab.broker.publish(topics.fresh, signFresh(statement, await lab.key('config')), true);
    await rest();
    expect(device.state().clock.freshAgeMs).toBe(600_000);
    expect(device.state().clock.floor).toBe(floor + 600_000);
  });

  it('cannot be spoken for: presence and acks count under the device’s own key only', async () => {
    await lab.serve();
    const { nodeId } = await lab.enrolled();
    const other = await lab.enrolled('shed');
    await until(
      'online',
      async () => (await (await lab.directory()).seen('greenhouse')).presence?.online === true,
    );
    const fleetId = other.device.state().fleetId ?? '';
    const lie = { fleetId, nodeId, online: false, agent: 'x', bootCount: 9, at: START };
    lab.broker.publish(topics.status(nodeId), signPresence(lie, other.device.identity().signingKey), true);
    lab.broker.publish(
      topics.ack(nodeId),
      lab.broker.last(topics.ack(other.nodeId)) ?? new Uint8Array(),
      true,
    );
    await until('both refused', () => lab.log.of('registrar.problem').length === 2);
    expect((await (await lab.directory()).seen('greenhouse')).presence?.online).toBe(true);
  });
});

describe('a rotation of the root', () => {
  async function rotate(version: number, signers: Array<'root' | 'config'>): Promise<Uint8Array> {
    const { document } = (await lab.directory()).root;
    const { issuedAt, ...rest } = document;
    const newConfig = signingKeyOfPem(newSigningKeyPem());
    const role = (keys: readonly Uint8Array[]) => ({ threshold: 1, keys: keys.map(base64Of) });
    const roles = {
      root: role(document.roles.root.keys),
      config: role([newConfig.publicKey]),
      fresh: role(document.roles.fresh.keys),
    };
    const keys = await Promise.all(signers.map((signer) => lab.key(signer)));
    const bytes = signRoot({ ...rest, issuedAt: issuedAt + 1, version, epoch: version, roles }, keys);
    await lab.store.write(
      'keys/config.pem',
      Buffer.from(newConfig.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    );
    await lab.store.write(`root/${version}.json`, bytes);
    return bytes;
  }

  it('reaches devices, which then take configs of the new key only, also after a restart', async () => {
    await lab.serve();
    const { device, store, nodeId } = await lab.enrolled();
    const before = lab.broker.last(topics.config(nodeId)) ?? new Uint8Array();
    await rotate(2, ['root']);
    await lab.clock.advance(1_000);
    await until(
      'under the new key',
      () => device.config()?.serial === 2 && device.state().config?.state === 'committed',
    );
    lab.broker.publish(topics.config(nodeId), before);
    await until('old key', () => device.state().config?.refused?.reason === 'bad-signature');
    await device.stop();
    const again = lab.device(store.restarted());
    await again.start();
    await until('back', () => again.config()?.serial === 2);
    expect(lab.log.of('root.rotated')).toEqual([{ version: 2 }]);
    await setMtu(1300);
    await until('goes on', () => again.config()?.serial === 3 && again.state().config?.state === 'committed');
  });

  it('that the root keys did not sign, or that skips a version, is refused', async () => {
    await lab.serve();
    const { device } = await lab.enrolled();
    const { document } = (await lab.directory()).root;
    const roles = JSON.parse(JSON.stringify(document.roles, (_, value) => value));
    for (const role of Object.values(roles) as Array<{ keys: unknown }>) {
      role.keys = document.roles.root.keys.map(base64Of);
    }
    const forged = signRoot({ ...document, version: 2, roles }, [await lab.key('config')]);
    const skipping = signRoot({ ...document, version: 3, roles }, [await lab.key('root')]);
    lab.broker.publish(topics.root(2), forged, true);
    lab.broker.publish(topics.root(2), skipping, true);
    await until('refused', () => lab.log.of('root.refused').length === 2);
    expect(lab.log.of('root.rotated')).toEqual([]);
    expect(device.state().config?.serial).toBe(1);
  });
});

describe('a move to another broker', () => {
  it('is committed only when the device reaches it, and else taken back', async () => {
    await lab.serve();
    const { device, nodeId } = await lab.enrolled();
    const fleet = JSON.parse(Buffer.from((await lab.store.read('fleet.json')) ?? []).toString());
    fleet.broker.url = 'mqtt://elsewhere.example:1883';
    await lab.store.write('fleet.json', Buffer.from(JSON.stringify(fleet)));
    await lab.clock.advance(1_000);
    await until('trial', () => device.state().config?.state === 'trial');
    expect(device.brokerUrl()).toBe('mqtt://elsewhere.example:1883');
    await lab.clock.advance(60_000);
    await until('back', () => device.state().config?.refused?.reason === 'trial-timeout');
    await until('reported', () => {
      const bytes = lab.broker.last(topics.ack(nodeId));
      return (
        bytes !== null &&
        readAck(bytes, device.identity().signingKey.publicKey, nodeId).outcome === 'rolled-back'
      );
    });
    expect(device.brokerUrl()).toBe('mqtt://broker.example:1883');
    expect(device.bus().state().connected).toBe(true);
  });

  it('takes the subscriptions along', async () => {
    await lab.serve();
    const { device } = await lab.enrolled();
    const heard: string[] = [];
    device.bus().subscribe('a/topic', (_, payload) => heard.push(Buffer.from(payload).toString()));
    const fleet = JSON.parse(Buffer.from((await lab.store.read('fleet.json')) ?? []).toString());
    fleet.broker.url = 'mqtt://elsewhere.example:1883';
    await lab.store.write('fleet.json', Buffer.from(JSON.stringify(fleet)));
    lab.elsewhere.setReachable(true);
    await lab.clock.advance(1_000);
    await until(
      'committed',
      () => device.config()?.serial === 2 && device.state().config?.state === 'committed',
    );
    lab.elsewhere.publish('a/topic', Buffer.from('there'));
    await until('heard', () => heard.length === 1);
    expect(heard).toEqual(['there']);
  });
});
