/** A running fleet whose broker lies, withholds, repeats and mixes up. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicsOf } from '../../../agent/wire/topics.ts';
import { readAck, signPresence } from '../../../provisioning/documents/device-reports.ts';
import { signFresh } from '../../../provisioning/documents/fresh-statement.ts';
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

describe('a member under a hostile broker', () => {
  it('is not moved by an older config, a foreign one, or garbage, and says why', async () => {
    await lab.serve();
    const { device, nodeId } = await lab.enrolled();
    const other = await lab.enrolled('shed');
    const old = lab.broker.last(topics.config(nodeId)) ?? new Uint8Array();
    const foreign = lab.broker.last(topics.config(other.nodeId)) ?? new Uint8Array();
    await lab.setMtu(1300);
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
    await lab.setMtu(1290);
    await until('trial', () => device.state().config?.state === 'trial');
    await lab.setMtu(1300);
    await lab.setMtu(1310);
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
