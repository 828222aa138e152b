/** Enrolment over a broker that lies, and with claims that are not good. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSigningKeyPem, signingKeyOfPem } from '../../../agent/trust/signed-envelope.ts';
import { topicsOf, wildcardOf } from '../../../agent/wire/topics.ts';
import { readClaim } from '../../../provisioning/documents/claim.ts';
import { readHello, signHello, signReply } from '../../../provisioning/documents/enrolment-messages.ts';
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
