/** What a broker, a thief of the broker's password, or a thief of one key may try. Each attack has its named refusal. */
import { beforeEach, describe, expect, it } from 'vitest';
import { HpkeSealer } from '../../../agent/adapters/hpke-sealer.ts';
import { payloadTypeOf } from '../../../agent/trust/document-kinds.ts';
import {
  newSigningKeyPem,
  type SigningKey,
  signEnvelope,
  signingKeyOfPem,
} from '../../../agent/trust/signed-envelope.ts';
import { idOfPublicKey, ip6NetworkOfFleet, ip6OfNode } from '../../../agent/wire/node-address.ts';
import { TrustedTime } from '../../../provisioning/device/trusted-time.ts';
import { type ConfigContext, verifyConfig } from '../../../provisioning/device/verify-config.ts';
import { type ConfigContent, hashOf, signConfig } from '../../../provisioning/documents/config-document.ts';
import { base64Of } from '../../../provisioning/documents/document-fields.ts';
import { readFresh, signFresh } from '../../../provisioning/documents/fresh-statement.ts';
import { readCertificate, signCertificate } from '../../../provisioning/documents/membership.ts';
import {
  adoptRoot,
  rotateRoot,
  signRoot,
  type TrustedRoot,
} from '../../../provisioning/documents/root-document.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const NOW = Date.UTC(2026, 10, 1);
const sealer = new HpkeSealer();
const newKey = (): SigningKey => signingKeyOfPem(newSigningKeyPem());
const [rootKey, configKey, freshKey, deviceKey] = [newKey(), newKey(), newKey(), newKey()];
const fleetId = rootKey.keyId;
const nodeId = deviceKey.keyId;
const network = { ip4: '10.64.0.0/16', ip6: ip6NetworkOfFleet(fleetId) };

interface Roles {
  version?: number;
  epoch?: number;
  root?: SigningKey[];
  rootThreshold?: number;
  config?: SigningKey;
}

function rootOf({ version = 1, epoch = 1, root = [rootKey], rootThreshold = 1, config = configKey }: Roles) {
  const role = (keys: SigningKey[], threshold = 1) => ({
    threshold,
    keys: keys.map((key) => base64Of(key.publicKey)),
  });
  const roles = { root: role(root, rootThreshold), config: role([config]), fresh: role([freshKey]) };
  return { fleetId, fleetName: 'home', version, epoch, issuedAt: NOW, network, roles };
}

const root = adoptRoot(signRoot(rootOf({}), [rootKey]));

let sealing: { publicKey: Uint8Array; privateKey: Uint8Array };
let clock: ManualClock;
let context: ConfigContext;

beforeEach(async () => {
  sealing ??= await sealer.generateKeyPair();
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

function certificate(change: object = {}, key = configKey): Uint8Array {
  const content = {
    fleetId,
    name: 'greenhouse',
    publicKey: deviceKey.publicKey,
    sealingKey: sealing.publicKey,
    ip4: '10.64.0.2',
    tags: ['sensor'],
    epoch: 1,
    serial: 1,
    issuedAt: NOW,
    expires: null,
  };
  return signCertificate({ ...content, ...change }, key);
}

function content(change: Partial<ConfigContent> = {}): ConfigContent {
  return {
    fleetId,
    nodeId,
    rootVersion: 1,
    epoch: 1,
    serial: 5,
    issuedAt: NOW,
    expires: null,
    certificate: certificate(),
    settings: {
      device: { name: 'greenhouse', ip4: '10.64.0.2', ip6: ip6OfNode(fleetId, nodeId), tags: ['sensor'] },
      network: { ...network, mtuBytes: 1400 },
      broker: { url: 'mqtts://broker.example' },
      links: { iceServers: [], idleCloseMs: 300_000, udpPort: 0 },
      sensors: { enabled: true, intervalMs: 5_000, httpPort: 80 },
      confirm: { timeoutMs: 60_000 },
    },
    ...change,
  };
}

function config(
  change: Partial<ConfigContent> = {},
  key = configKey,
  to = sealing.publicKey,
): Promise<Uint8Array> {
  return signConfig(content(change), { brokerPassword: 'swordfish', iceServers: [] }, to, sealer, key);
}

/** Signs whatever it is given, past the schema: what a thief of the config key can do. */
function rawConfig(change: object, drop: string[] = []): Uint8Array {
  const payload: Record<string, unknown> = {
    ...content(),
    certificate: base64Of(certificate()),
    secrets: null,
    ...change,
  };
  for (const name of drop) delete payload[name];
  return signEnvelope(payloadTypeOf('config'), payload, [configKey]);
}

async function reasonOf(bytes: Uint8Array, changed: Partial<ConfigContext> = {}): Promise<string> {
  const reason = await verifyConfig(bytes, { ...context, ...changed }).then(
    () => 'accepted',
    (error: { reason?: string }) => error.reason ?? String(error),
  );
  return reason;
}

function envelopeWith(bytes: Uint8Array, change: (envelope: Record<string, unknown>) => void): Uint8Array {
  const envelope = JSON.parse(Buffer.from(bytes).toString());
  change(envelope);
  return Buffer.from(JSON.stringify(envelope));
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

describe('a root', () => {
  const second = newKey();
  const third = newKey();

  function rotated(roles: Roles, keys: SigningKey[], from = root): string {
    try {
      rotateRoot(from, signRoot(rootOf(roles), keys));
      return 'accepted';
    } catch (error) {
      return (error as { reason?: string }).reason ?? String(error);
    }
  }

  it('needs the old keys and the new ones', () => {
    expect(rotated({ version: 2, root: [second] }, [rootKey, second])).toBe('accepted');
    expect(rotated({ version: 2, root: [second] }, [second])).toBe('bad-signature');
    expect(rotated({ version: 2, root: [second] }, [rootKey])).toBe('bad-signature');
  });

  it('counts a key once, however often it signs', () => {
    const two = { version: 2, root: [rootKey, second, third], rootThreshold: 2 };
    expect(rotated(two, [rootKey, rootKey])).toBe('bad-signature');
    expect(rotated(two, [rootKey, third])).toBe('accepted');
  });

  it('follows version by version, in its own fleet, and never lowers the epoch', () => {
    expect(rotated({ version: 3 }, [rootKey])).toBe('root-version');
    expect(rotated({ version: 1 }, [rootKey])).toBe('root-version');
    const late = adoptRoot(signRoot(rootOf({ version: 2, epoch: 4 }), [rootKey]));
    expect(rotated({ version: 3, epoch: 3 }, [rootKey], late)).toBe('root-epoch');
    const foreign = signRoot({ ...rootOf({ version: 2 }), fleetId: second.keyId }, [rootKey]);
    expect(() => rotateRoot(root, foreign)).toThrow(expect.objectContaining({ reason: 'root-other-fleet' }));
  });

  it('of version 1 is the one that its fleet id names', () => {
    expect(() => adoptRoot(signRoot(rootOf({ root: [second] }), [second]))).toThrow(
      expect.objectContaining({ reason: 'root-not-its-own' }),
    );
  });

  it('with one key twice, or a threshold that nobody can reach, is refused', () => {
    expect(() => signRoot(rootOf({ root: [rootKey, rootKey] }), [rootKey])).toThrow(/wrong roles.root/);
    expect(() => signRoot(rootOf({ rootThreshold: 2 }), [rootKey])).toThrow(/wrong roles.root/);
  });
});

describe('a fresh statement', () => {
  const statement = { fleetId, sequence: 1, issuedAt: NOW, rootVersion: 1 };

  it('counts only from the fresh key, for this fleet', () => {
    expect(readFresh(signFresh(statement, freshKey), root.document)).toEqual(statement);
    expect(() => readFresh(signFresh(statement, configKey), root.document)).toThrow(
      expect.objectContaining({ reason: 'bad-signature' }),
    );
    const other = signFresh({ ...statement, fleetId: nodeId }, freshKey);
    expect(() => readFresh(other, root.document)).toThrow(expect.objectContaining({ reason: 'other-fleet' }));
  });
});

describe('a membership certificate', () => {
  const never = (): boolean => false;
  const refusal = (bytes: Uint8Array, isPast = never): string => {
    try {
      readCertificate(bytes, root.document, isPast);
      return 'accepted';
    } catch (error) {
      return (error as { reason?: string }).reason ?? String(error);
    }
  };

  it('is believed from the fleet’s root alone', () => {
    const { member } = readCertificate(certificate(), root.document, never);
    expect(member).toMatchObject({
      nodeId,
      name: 'greenhouse',
      ip4: '10.64.0.2',
      ip6: ip6OfNode(fleetId, nodeId),
    });
  });

  it('is refused when key, address, fleet, epoch or time do not fit', () => {
    expect(refusal(certificate({}, newKey()))).toBe('bad-signature');
    expect(refusal(certificate({ ip4: '192.168.1.5' }))).toBe('address-mismatch');
    expect(refusal(certificate({ epoch: 2 }))).toBe('wrong-epoch');
    expect(refusal(certificate({ fleetId: nodeId }))).toBe('other-fleet');
    expect(refusal(certificate({ expires: NOW }), () => true)).toBe('member-expired');
    const { payload } = JSON.parse(Buffer.from(certificate()).toString());
    const fields = JSON.parse(Buffer.from(payload, 'base64').toString());
    const renamed = signEnvelope(payloadTypeOf('member'), { ...fields, nodeId: newKey().keyId }, [configKey]);
    expect(refusal(renamed)).toBe('node-id-mismatch');
    const moved = { ...fields, ip6: ip6OfNode(fleetId, idOfPublicKey(newKey().publicKey)) };
    expect(refusal(signEnvelope(payloadTypeOf('member'), moved, [configKey]))).toBe('address-mismatch');
  });
});

describe('trusted time', () => {
  it('is a floor that rises by statements and monotonic time, and nothing lowers it', async () => {
    const time = new TrustedTime(clock, () => false, NOW);
    await clock.advance(5_000);
    expect(time.floorMs()).toBe(NOW + 5_000);
    time.raise(NOW + 60_000);
    time.raise(NOW + 10_000);
    expect(time.floorMs()).toBe(NOW + 60_000);
    expect(time.isPast(NOW + 60_000)).toBe(true);
    expect(time.isPast(NOW + 60_001)).toBe(false);
  });
});
