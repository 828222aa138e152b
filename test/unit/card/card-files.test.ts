import { beforeAll, describe, expect, it } from 'vitest';
import { type CardWishes, cardFiles, checkAgainstFleet } from '../../../image-build/card/card-files.ts';
import { FleetDirectory } from '../../../provisioning/fleet/fleet-directory.ts';
import { initFleet } from '../../../provisioning/fleet/fleet-init.ts';
import { MemoryFileStore } from '../../fakes/memory-file-store.ts';

const NOW_MS = Date.UTC(2026, 10, 1);
const SSH_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB2rUoG8hiK8v1bsYXpkCw3v0pYgEjsZbLq9wIuSoNno me@laptop';

async function fleetWith(name: string, device: string) {
  const store = new MemoryFileStore();
  const wanted = { name, brokerUrl: 'mqtt://127.0.0.1', password: null, network: '10.64.0.0/16', ca: null };
  await initFleet(store, { ...wanted, deviceLogin: null, iceServers: [] }, NOW_MS);
  const fleet = await FleetDirectory.open(store);
  const { claim } = await fleet.add({ name: device, ip4: null, tags: [], expiresDays: 30 }, NOW_MS);
  return { store, fleet, claim };
}

let claim: Uint8Array;
beforeAll(async () => {
  ({ claim } = await fleetWith('home', 'greenhouse'));
});

function filesFor(wishes: Partial<CardWishes>, nowMs = NOW_MS): Record<string, string> {
  const all = { claim, wifi: null, sshKeys: null, hostname: null, ...wishes };
  const { files } = cardFiles(all, nowMs);
  return Object.fromEntries([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));
}

describe('cardFiles', () => {
  it('writes what was asked for, and leaves the rest alone', () => {
    expect(Object.keys(filesFor({}))).toEqual(['claim.json']);
    expect(filesFor({ sshKeys: `# mine\r\n${SSH_KEY}\r\n`, hostname: 'Green-1' })).toEqual({
      'claim.json': Buffer.from(claim).toString(),
      authorized_keys: `${SSH_KEY}\n`,
      hostname: 'green-1\n',
    });
  });

  it('needs no claim for what all devices of a fleet share', () => {
    const card = cardFiles(
      { claim: null, wifi: { ssid: 'Net', password: null, country: null }, sshKeys: null, hostname: null },
      NOW_MS,
    );
    expect(card.claim).toBeNull();
    expect([...card.files.keys()]).toEqual(['wifi.json']);
  });

  it.each([
    'My network',
    ' spaces ',
    `it's "quoted" \\ and $HOME`,
    'Café ☕ Улица',
    'a'.repeat(32),
    '{"a":1}',
    "'; rm -rf /; '",
  ])('takes a network called %j', (ssid) => {
    const text = filesFor({ wifi: { ssid, password: 'pass "word" \\', country: 'de' } })['wifi.json'] ?? '';
    expect(JSON.parse(text)).toEqual({ ssid, password: 'pass "word" \\', country: 'DE' });
  });

  it('takes an open network, and a key of 64 digits', () => {
    expect(
      JSON.parse(filesFor({ wifi: { ssid: 'x', password: null, country: null } })['wifi.json'] ?? ''),
    ).toEqual({
      ssid: 'x',
    });
    expect(() => filesFor({ wifi: { ssid: 'x', password: 'ab'.repeat(32), country: null } })).not.toThrow();
  });

  it.each<[string, Partial<CardWishes>]>([
    ['has 0 bytes', { wifi: { ssid: '', password: null, country: null } }],
    ['has 33 bytes', { wifi: { ssid: 'a'.repeat(33), password: null, country: null } }],
    ['has 34 bytes', { wifi: { ssid: 'é'.repeat(17), password: null, country: null } }],
    ['cannot be one', { wifi: { ssid: 'x', password: 'short', country: null } }],
    ['cannot be one', { wifi: { ssid: 'x', password: 'pässwörter', country: null } }],
    ['is no country code', { wifi: { ssid: 'x', password: null, country: 'Germany' } }],
    ['private SSH key', { sshKeys: '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n' }],
    ['is no public SSH key', { sshKeys: 'ssh-ed25519 nonsense' }],
    ['has no key in it', { sshKeys: '\n# nothing\n' }],
    ['cannot be a host name', { hostname: 'my host' }],
    ['cannot be a host name', { hostname: '-x' }],
    ['not a usable claim', { claim: Buffer.from('{}') }],
  ])('refuses: %s', (sentence, wishes) => {
    expect(() => filesFor(wishes)).toThrow(sentence);
  });

  it('refuses a claim that was changed, and one that is over', () => {
    const text = Buffer.from(claim).toString();
    const { payload, ...rest } = JSON.parse(text);
    const other = Buffer.from(payload, 'base64').toString().replace('greenhouse', 'greenhausx');
    const changed = Buffer.from(JSON.stringify({ ...rest, payload: Buffer.from(other).toString('base64') }));
    expect(() => filesFor({ claim: changed })).toThrow('was changed after it was made');
    expect(() => filesFor({}, NOW_MS + 31 * 86_400_000)).toThrow('ended on 2026-12-01');
  });
});

describe('checkAgainstFleet', () => {
  const read = (bytes: Uint8Array) => {
    const { claim: signed } = cardFiles({ claim: bytes, wifi: null, sshKeys: null, hostname: null }, NOW_MS);
    if (!signed) throw new Error('the claim is gone');
    return signed;
  };

  it('takes an unused claim of the fleet', async () => {
    const { fleet, claim: own } = await fleetWith('home', 'greenhouse');
    await expect(checkAgainstFleet(read(own), fleet)).resolves.toBeUndefined();
  });

  it('refuses a claim of another fleet, even of one with the same name', async () => {
    const { fleet } = await fleetWith('home', 'greenhouse');
    await expect(checkAgainstFleet(read(claim), fleet)).rejects.toMatchObject({
      reason: 'claim-other-fleet',
    });
  });

  it('refuses a claim that the fleet does not know', async () => {
    const { store, claim: own } = await fleetWith('home', 'greenhouse');
    store.files.delete('devices/greenhouse.json');
    const fleet = await FleetDirectory.open(store);
    await expect(checkAgainstFleet(read(own), fleet)).rejects.toMatchObject({ reason: 'claim-unknown' });
  });

  it('refuses a claim that a device used', async () => {
    const { fleet, claim: own } = await fleetWith('home', 'greenhouse');
    const device = await fleet.device('greenhouse');
    if (!device) throw new Error('the device is gone');
    const key = new Uint8Array(32);
    const hardware = { model: 'a board', arch: 'arm64', agent: '0.1.0' };
    const hello = { claimId: device.claim.id, publicKey: key, sealingKey: key, hardware };
    await fleet.enrol(device, hello as unknown as Parameters<typeof fleet.enrol>[1], NOW_MS);
    await expect(checkAgainstFleet(read(own), fleet)).rejects.toMatchObject({ reason: 'claim-used' });
  });
});
