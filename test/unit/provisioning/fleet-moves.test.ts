/** What a running fleet survives: new keys, and another broker. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSigningKeyPem, signingKeyOfPem } from '../../../agent/trust/signed-envelope.ts';
import { topicsOf } from '../../../agent/wire/topics.ts';
import { readAck } from '../../../provisioning/documents/device-reports.ts';
import { base64Of } from '../../../provisioning/documents/document-fields.ts';
import { signRoot } from '../../../provisioning/documents/root-document.ts';
import { FleetLab, until } from './fleet-lab.ts';

let lab: FleetLab;
let topics: ReturnType<typeof topicsOf>;

beforeEach(async () => {
  lab = new FleetLab();
  const { fleet } = await lab.init();
  topics = topicsOf(fleet.fleetId);
});

afterEach(() => lab.stop());

/** The owner's fleet moves to a broker that only some devices can reach. */
function moveBroker(): Promise<void> {
  return lab.changeFleet(({ broker }) => {
    broker.url = 'mqtt://elsewhere.example:1883';
  });
}

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
    await lab.setMtu(1300);
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
    await moveBroker();
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
    lab.elsewhere.setReachable(true);
    await moveBroker();
    await until(
      'committed',
      () => device.config()?.serial === 2 && device.state().config?.state === 'committed',
    );
    lab.elsewhere.publish('a/topic', Buffer.from('there'));
    await until('heard', () => heard.length === 1);
    expect(heard).toEqual(['there']);
  });
});
