/** What a broker, a thief of its password, or a thief of one key may try with a config. Each attack has its named refusal. */
import { beforeEach, describe, expect, it } from 'vitest';
import { payloadTypeOf } from '../../../agent/trust/document-kinds.ts';
import { signEnvelope } from '../../../agent/trust/signed-envelope.ts';
import { TrustedTime } from '../../../provisioning/device/trusted-time.ts';
import { type ConfigContext, verifyConfig } from '../../../provisioning/device/verify-config.ts';
import { hashOf, signConfig } from '../../../provisioning/documents/config-document.ts';
import { base64Of } from '../../../provisioning/documents/document-fields.ts';
import { rotateRoot, signRoot, type TrustedRoot } from '../../../provisioning/documents/root-document.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import {
  certificate,
  config,
  configKey,
  content,
  deviceKey,
  envelopeWith,
  freshKey,
  NOW,
  newKey,
  nodeId,
  rawConfig,
  root,
  rootKey,
  rootOf,
  sealer,
  sealing,
} from './forged-documents.ts';

let clock: ManualClock;
let context: ConfigContext;

beforeEach(() => {
  clock = new ManualClock(NOW);
  context = contextFor(root, false, NOW);
});

function contextFor(trusted: TrustedRoot, synchronised: boolean, floorMs: number): ConfigContext {
  return {
    root: trusted.document,
    nodeId,
    publicKey: deviceKey.publicKey,
    sealingPrivateKey: sealing.privateKey,
    sealer,
    time: new TrustedTime(clock, () => synchronised, floorMs),
    highest: null,
  };
}

async function reasonOf(bytes: Uint8Array, changed: Partial<ConfigContext> = {}): Promise<string> {
  const reason = await verifyConfig(bytes, { ...context, ...changed }).then(
    () => 'accepted',
    (error: { reason?: string }) => error.reason ?? String(error),
  );
  return reason;
}

describe('a config', () => {
  it('that is good passes, with its secrets joined in', async () => {
    const verified = await verifyConfig(await config(), context);
    expect(verified?.config).toMatchObject({ serial: 5, broker: { password: 'swordfish' } });
    expect(verified?.own.name).toBe('greenhouse');
  });

  it.each([
    { homeAssistantPassword: 'swordfish', iceServers: [] },
    { wifi: [{ ssid: 'house', password: 'swordfish' }], iceServers: [] },
  ])('brings a single secret: %j', async (secrets) => {
    const bytes = await signConfig(content(), secrets, sealing.publicKey, sealer, configKey);
    const { payload } = JSON.parse(Buffer.from(bytes).toString());
    const text = Buffer.from(payload, 'base64').toString();
    expect(text).not.toContain('swordfish');
    expect(JSON.parse(text).secrets).not.toBeNull();
    const opened = await verifyConfig(bytes, context);
    expect(opened?.config.wifi).toEqual(secrets.wifi ?? []);
  });

  it('shows its secrets to nobody on the broker', async () => {
    const bytes = await config();
    const { payload } = JSON.parse(Buffer.from(bytes).toString());
    expect(Buffer.from(payload, 'base64').toString()).not.toContain('swordfish');
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array, string]>([
    ['of ten megabytes', () => Buffer.alloc(10_000_000, '['), 'too-large'],
    ['that is empty', () => Buffer.alloc(0), 'not-an-envelope'],
    ['that is no JSON', () => Buffer.from('hello'), 'not-an-envelope'],
    ['with a byte order mark', (bytes) => Buffer.concat([Buffer.from('\ufeff'), bytes]), 'not-an-envelope'],
    ['that is not UTF-8', () => Buffer.from([0xc3, 0x28]), 'not-an-envelope'],
    ['nested sixty thousand deep', () => Buffer.from('['.repeat(60_000)), 'not-an-envelope'],
    [
      'with a flipped bit in its payload',
      (bytes) =>
        envelopeWith(bytes, (envelope) => {
          const payload = Buffer.from(String(envelope['payload']), 'base64');
          payload[20] = (payload[20] ?? 0) ^ 1;
          envelope['payload'] = payload.toString('base64');
        }),
      'bad-signature',
    ],
    [
      'with a flipped bit in its signature',
      (bytes) =>
        envelopeWith(bytes, (envelope) => {
          const [entry] = envelope['signatures'] as Array<{ sig: string }>;
          const sig = Buffer.from(entry?.sig ?? '', 'base64');
          sig[3] = (sig[3] ?? 0) ^ 1;
          if (entry) entry.sig = sig.toString('base64');
        }),
      'bad-signature',
    ],
    [
      'without signatures',
      (bytes) => envelopeWith(bytes, (e) => Object.assign(e, { signatures: [] })),
      'bad-signature',
    ],
    [
      'posing as a root',
      (bytes) => envelopeWith(bytes, (e) => Object.assign(e, { payloadType: payloadTypeOf('root') })),
      'wrong-type',
    ],
    [
      'in base64 of another form',
      (bytes) => envelopeWith(bytes, (e) => Object.assign(e, { payload: `${e['payload']}\n` })),
      'not-an-envelope',
    ],
  ])('%s is refused', async (_, change, reason) => {
    expect(await reasonOf(change(await config()))).toBe(reason);
  });

  it('signed by another role, by the device, or by nobody we know is refused', async () => {
    for (const key of [freshKey, rootKey, deviceKey, newKey()]) {
      expect(await reasonOf(await config({}, key))).toBe('bad-signature');
    }
  });

  it('under a stranger’s signature with our key id is refused', async () => {
    const forged = envelopeWith(await config({}, newKey()), (envelope) => {
      const [entry] = envelope['signatures'] as Array<{ keyid: string }>;
      if (entry) entry.keyid = configKey.keyId;
    });
    expect(await reasonOf(forged)).toBe('bad-signature');
  });

  it('with fields outside the signature is read without them', async () => {
    const decorated = envelopeWith(await config(), (envelope) => Object.assign(envelope, { serial: 99 }));
    expect((await verifyConfig(decorated, context))?.serial).toBe(5);
  });

  it.each<[string, object]>([
    ['an unknown key', { surprise: 1 }],
    ['a constructor key', { constructor: { prototype: {} } }],
    ['a serial of zero', { serial: 0 }],
    ['a negative serial', { serial: -1 }],
    ['a fraction as serial', { serial: 1.5 }],
    ['a serial beyond 2^53', { serial: 2 ** 53 }],
    ['null as serial (what NaN and 1e400 become)', { serial: null }],
    ['text as serial', { serial: '7' }],
  ])('with %s is refused', async (_, change) => {
    expect(await reasonOf(rawConfig(change))).toBe('bad-schema');
  });

  it('with a missing field is refused', async () => {
    expect(await reasonOf(rawConfig({}, ['expires']))).toBe('bad-schema');
  });

  it('cannot reach a prototype', async () => {
    const text = JSON.stringify({ ...content(), certificate: base64Of(certificate()), secrets: null });
    const payload = JSON.parse(`{"__proto__":{"polluted":true},${text.slice(1)}`);
    await reasonOf(signEnvelope(payloadTypeOf('config'), payload, [configKey]));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('for another node or fleet is refused, whatever topic it came on', async () => {
    expect(await reasonOf(await config({ nodeId: newKey().keyId }))).toBe('wrong-audience');
    expect(await reasonOf(await config({ fleetId: newKey().keyId }))).toBe('other-fleet');
  });

  it('made under another root version or epoch is refused', async () => {
    expect(await reasonOf(await config({ rootVersion: 2 }))).toBe('root-not-ours');
    expect(await reasonOf(await config({ epoch: 2 }))).toBe('wrong-epoch');
  });

  it('older than one that was seen is a rollback, other content is an equivocation, a repeat is nothing', async () => {
    const bytes = await config();
    const highest = { epoch: 1, serial: 5, hash: hashOf(bytes) };
    expect(await verifyConfig(bytes, { ...context, highest })).toBeNull();
    expect(await reasonOf(await config({ issuedAt: NOW + 1 }), { highest })).toBe('equivocation');
    expect(await reasonOf(await config({ serial: 4 }), { highest })).toBe('rollback');
    expect(await reasonOf(await config({ serial: 6 }), { highest })).toBe('accepted');
  });

  it('that uses up the serials is refused, and a new epoch begins them anew', async () => {
    expect(await reasonOf(await config({ serial: Number.MAX_SAFE_INTEGER }))).toBe('serial-jump');
    const highest = { epoch: 1, serial: Number.MAX_SAFE_INTEGER, hash: '0'.repeat(64) };
    const recovered = newKey();
    const next = rotateRoot(root, signRoot(rootOf({ version: 2, epoch: 2, config: recovered }), [rootKey]));
    const fresh = { rootVersion: 2, epoch: 2, serial: 1, certificate: certificate({ epoch: 2 }, recovered) };
    const after = { ...contextFor(next, false, NOW), highest };
    expect(await reasonOf(await config(fresh, recovered), after)).toBe('accepted');
    expect(await reasonOf(await config({ ...fresh, serial: 2 }, configKey), after)).toBe('bad-signature');
  });

  it('that has ended is refused by the floor, also when the clock says 1970', async () => {
    const bytes = await config({ expires: NOW + 1_000 });
    expect(await reasonOf(bytes, contextFor(root, false, NOW + 1_000))).toBe('expired');
    clock = new ManualClock(0);
    expect(await reasonOf(bytes, contextFor(root, false, NOW - 1))).toBe('accepted');
    expect(await reasonOf(bytes, contextFor(root, false, NOW + 5_000))).toBe('expired');
  });

  it('is judged by the wall clock only when that is synchronised', async () => {
    clock = new ManualClock(Date.UTC(2040, 0, 1));
    const bytes = await config({ expires: NOW + 1_000 });
    expect(await reasonOf(bytes, contextFor(root, false, NOW))).toBe('accepted');
    expect(await reasonOf(bytes, contextFor(root, true, NOW))).toBe('expired');
    clock = new ManualClock(NOW - 86_400_000);
    expect(await reasonOf(await config(), contextFor(root, true, 0))).toBe('not-yet-valid');
  });

  it('whose certificate or addresses do not fit is refused', async () => {
    const { settings } = content();
    const device = { ...settings.device, ip4: '10.64.0.3' };
    expect(await reasonOf(await config({ settings: { ...settings, device } }))).toBe('bad-certificate');
    const wide = { ...settings, network: { ...settings.network, ip4: '10.0.0.0/8' } };
    expect(await reasonOf(await config({ settings: wide }))).toBe('address-mismatch');
    const strange = certificate({ publicKey: newKey().publicKey });
    expect(await reasonOf(await config({ certificate: strange }))).toBe('bad-certificate');
    const forged = certificate({}, newKey());
    expect(await reasonOf(await config({ certificate: forged }))).toBe('bad-certificate');
  });

  it('whose secrets are sealed to another device, or taken from another config, is refused', async () => {
    const other = await sealer.generateKeyPair();
    expect(await reasonOf(await config({}, configKey, other.publicKey))).toBe('secrets-unreadable');
    const { payload } = JSON.parse(Buffer.from(await config({ serial: 4 })).toString());
    const { secrets } = JSON.parse(Buffer.from(payload, 'base64').toString());
    expect(await reasonOf(rawConfig({ secrets }))).toBe('secrets-unreadable');
  });
});
