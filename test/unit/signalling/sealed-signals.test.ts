import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { HpkeSealer } from '../../../agent/adapters/hpke-sealer.ts';
import type { Signal } from '../../../agent/ports/signal-service.ts';
import {
  SealedSignals,
  SIGNAL_CONTEXT,
  type SignalIdentity,
  SignalMemory,
} from '../../../agent/signalling/sealed-signals.ts';
import { signEnvelope } from '../../../agent/trust/signed-envelope.ts';
import { SIGNAL_PAYLOAD_TYPE } from '../../../agent/wire/signal-message.ts';
import { topicsOf } from '../../../agent/wire/topics.ts';
import { FakeBroker } from '../../fakes/fake-message-bus.ts';
import { directoryOf, TEST_FLEET, testIdentity, testSigningKey } from '../../fakes/fleet-of-two.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

const topics = topicsOf(TEST_FLEET);
const sealer = new HpkeSealer();
const bye: Signal = { kind: 'bye', session: 'ab'.repeat(16), reason: 'idle' };
const soon = { timeout: 3000, interval: 2 };

let broker: FakeBroker;
let north: SignalIdentity;
let south: SignalIdentity;
let clock: ManualClock;

function signals(own: SignalIdentity, believed = [north.membership, south.membership]) {
  const bus = broker.open({ url: 'mqtt://fake', clientId: own.nodeId });
  bus.connect();
  const parts = {
    bus,
    sealer,
    directory: directoryOf(believed),
    topics,
    own,
    clock,
    log: new RecordingLog(),
  };
  const service = new SealedSignals(parts);
  const heard: Array<{ from: string; signal: Signal; sequence: number }> = [];
  service.onSignal((from, signal, sequence) => heard.push({ from: from.nodeId, signal, sequence }));
  return { service, heard };
}

/** Sealed to south, with whatever an attacker who has keys might change. */
async function forged(change: Record<string, unknown>, key = north.signingKey): Promise<Uint8Array> {
  const certificate = Buffer.from(north.membership.certificate).toString('base64');
  const message = { from: north.nodeId, to: south.nodeId, sequence: 1, certificate, signal: bye, ...change };
  const envelope = signEnvelope(SIGNAL_PAYLOAD_TYPE, message, [key]);
  const aad = Buffer.from(south.nodeId);
  return sealer.seal(south.membership.sealingKey, SIGNAL_CONTEXT, aad, envelope);
}

beforeEach(async () => {
  broker = new FakeBroker();
  clock = new ManualClock();
  north = await testIdentity('north', 1);
  south = await testIdentity('south', 2);
});

describe('sealed signals', () => {
  it('arrive in order, with the sender’s membership and rising sequences', async () => {
    const from = signals(north);
    const to = signals(south);
    for (const reason of ['1', '2', '3']) void from.service.send(south.membership, { ...bye, reason });
    await vi.waitFor(() => expect(to.heard).toHaveLength(3), soon);
    expect(to.heard.map((entry) => entry.signal)).toEqual(
      ['1', '2', '3'].map((reason) => ({ ...bye, reason })),
    );
    expect(to.heard.map((entry) => entry.sequence)).toEqual([2 ** 32 + 1, 2 ** 32 + 2, 2 ** 32 + 3]);
    expect(to.heard[0]?.from).toBe(north.nodeId);
  });

  it('show the broker nothing of what they say', async () => {
    const from = signals(north);
    await from.service.send(south.membership, bye);
    const seen = Buffer.from(broker.published[0]?.payload ?? []).toString('latin1');
    expect(seen.length).toBeGreaterThan(100);
    expect(seen).not.toContain('bye');
    expect(seen).not.toContain(north.nodeId);
  });

  it('go up over a restart, and are not believed a second time', async () => {
    const to = signals(south);
    await signals({ ...north, memory: new SignalMemory(7) }).service.send(south.membership, bye);
    const again = broker.published[0]?.payload ?? new Uint8Array();
    broker.publish(topics.signals(south.nodeId), again);
    await vi.waitFor(() => expect(to.service.drops()).toEqual({ replayed: 1 }), soon);
    expect(to.heard).toHaveLength(1);
    await signals({ ...north, memory: new SignalMemory(6) }).service.send(south.membership, bye);
    await vi.waitFor(() => expect(to.service.drops()).toEqual({ replayed: 2 }), soon);
  });

  it('go on where they were when the node is built anew, and still refuse what it has heard', async () => {
    const to = signals(south);
    for (const reason of ['1', '2']) {
      const from = signals(north);
      await from.service.send(south.membership, { ...bye, reason });
      from.service.close();
    }
    await vi.waitFor(() => expect(to.heard.map((entry) => entry.signal)).toHaveLength(2), soon);
    to.service.close();
    const anew = signals(south);
    await anew.service.ready;
    broker.publish(topics.signals(south.nodeId), broker.published[0]?.payload ?? new Uint8Array());
    await vi.waitFor(() => expect(anew.service.drops()).toEqual({ replayed: 1 }), soon);
  });

  it.each([
    ['not-sealed-to-us', async () => new Uint8Array(200)],
    ['too-large', async () => new Uint8Array(32 * 1024 + 1)],
    ['bad-signature', () => forged({}, testSigningKey())],
    ['not-a-member', () => forged({ certificate: Buffer.from('somebody').toString('base64') })],
    ['wrong-recipient', () => forged({ to: north.nodeId })],
    ['wrong-sender', () => forged({ from: south.nodeId })],
    ['bad-shape', () => forged({ extra: 1 })],
    ['bad-shape', () => forged({ signal: { ...bye, session: 'x' } })],
    [
      'own-signal',
      () =>
        forged(
          { from: south.nodeId, certificate: Buffer.from(south.membership.certificate).toString('base64') },
          south.signingKey,
        ),
    ],
    [
      'not-an-envelope',
      () =>
        sealer.seal(
          south.membership.sealingKey,
          SIGNAL_CONTEXT,
          Buffer.from(south.nodeId),
          Buffer.from('{}'),
        ),
    ],
    [
      'not-sealed-to-us',
      async () => {
        const envelope = Buffer.from('{}');
        return sealer.seal(
          south.membership.sealingKey,
          'another context',
          Buffer.from(south.nodeId),
          envelope,
        );
      },
    ],
  ])('count %s and deliver nothing', async (reason, make) => {
    const to = signals(south);
    broker.publish(topics.signals(south.nodeId), await make());
    await vi.waitFor(() => expect(to.service.drops()).toEqual({ [reason]: 1 }), soon);
    expect(to.heard).toEqual([]);
  });

  it('are limited in rate, for each sender, and a bye is heard all the same', async () => {
    const to = signals(south);
    const from = signals(north);
    const candidates: Signal = { kind: 'candidates', session: bye.session, candidates: [] };
    await Promise.all(Array.from({ length: 80 }, () => from.service.send(south.membership, candidates)));
    await from.service.send(south.membership, bye);
    await vi.waitFor(() => expect(to.heard.at(-1)?.signal).toEqual(bye), soon);
    expect(to.heard).toHaveLength(60 + 1);
    expect(to.service.drops()).toEqual({ 'rate-sender': 20 });
  });

  it('give up on a broker that does not come back, instead of waiting for ever', async () => {
    const from = signals(north);
    broker.setReachable(false);
    const sending = from.service.send(south.membership, bye).catch((error: Error) => error.message);
    await vi.waitFor(async () => {
      await clock.advance(8_000);
      expect(await Promise.race([sending, 'still waiting'])).not.toBe('still waiting');
    }, soon);
    expect(await sending).toEqual(expect.any(String));
  });

  it('never throw, whatever arrives', async () => {
    const to = signals(south);
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        sent += 1;
        const envelope = signEnvelope(SIGNAL_PAYLOAD_TYPE, { value }, [north.signingKey]);
        const aad = Buffer.from(south.nodeId);
        const sealed = await sealer.seal(south.membership.sealingKey, SIGNAL_CONTEXT, aad, envelope);
        broker.publish(topics.signals(south.nodeId), sealed);
      }),
      { numRuns: 50 },
    );
    await vi.waitFor(() => expect(to.service.drops()).toEqual({ 'bad-shape': sent }), soon);
  });
});
