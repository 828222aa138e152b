/** A fleet as its owner keeps it: devices, claims, and which node used which claim. See fleet-records.ts for the files. */
import { createHash, randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { Refusal, UsageError } from '../../agent/errors.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { SigningKey } from '../../agent/trust/signed-envelope.ts';
import { contains } from '../documents/address-plan.ts';
import { type BrokerAccess, CLAIM_SECRET_BYTES, signClaim } from '../documents/claim.ts';
import { base64Of, ip4Field, LABEL_PATTERN } from '../documents/document-fields.ts';
import { type Hello, nodeIdOf } from '../documents/enrolment-messages.ts';
import { adoptRoot, type TrustedRoot } from '../documents/root-document.ts';
import { createJson, readJson, writeJson } from '../documents/stored-json.ts';
import { reserveAddress } from './address-reservations.ts';
import { labelSentence } from './fleet-init.ts';
import { readKey } from './fleet-keys.ts';
import {
  type Device,
  DeviceSchema,
  type EnrolledNode,
  EnrolledSchema,
  type Fleet,
  FleetSchema,
  RevisionSchema,
  type Seen,
  SeenSchema,
  type Settings,
} from './fleet-records.ts';
import { type Rollout, readRollout, settingsFor } from './rollout.ts';

const DAY_MS = 86_400_000;

export interface NewDevice {
  name: string;
  /** Null: the lowest free address. */
  ip4: string | null;
  tags: readonly string[];
  expiresDays: number;
}

export class FleetDirectory {
  readonly store: FileStore;
  readonly fleet: Fleet;
  /** Every root version there is, the newest last. */
  readonly roots: readonly TrustedRoot[];
  readonly root: TrustedRoot;
  /** Null: no change of settings is under way. */
  readonly rollout: Rollout | null;

  private constructor(
    store: FileStore,
    fleet: Fleet,
    roots: TrustedRoot[],
    newest: TrustedRoot,
    rollout: Rollout | null,
  ) {
    this.store = store;
    this.fleet = fleet;
    this.roots = roots;
    this.root = newest;
    this.rollout = rollout;
  }

  /** Throws Refusal('not-a-fleet'), EnvironmentFault('state-corrupt'), Refusal of a root that does not count. */
  static async open(store: FileStore): Promise<FleetDirectory> {
    const fleet = await readJson(store, 'fleet.json', FleetSchema);
    if (!fleet)
      throw new Refusal(
        'not-a-fleet',
        "there is no fleet in this directory; make one with 'tincan fleet init'",
      );
    const versions = numbersIn(await store.list('root'), /^(\d+)\.json$/);
    const bytes = await Promise.all(versions.map((version) => store.read(`root/${version}.json`)));
    const roots = bytes.flatMap((root) => (root ? [adoptRoot(root)] : []));
    const newest = roots.at(-1);
    if (!newest)
      throw new Refusal(
        'not-a-fleet',
        'root/1.json is missing; bring it back from your copy of the directory',
      );
    return new FleetDirectory(store, fleet, roots, newest, await readRollout(store));
  }

  configKey(): Promise<SigningKey> {
    return readKey(this.store, 'config');
  }

  /**
   * Adds a device and returns its claim file. Throws UsageError for wrong values, Refusal: `device-exists`,
   * `address-taken`, `network-full`.
   */
  async add(wanted: NewDevice, nowMs: number): Promise<{ device: Device; claim: Uint8Array }> {
    this.checkWanted(wanted);
    const key = await this.configKey();
    if (await this.device(wanted.name)) throw deviceExists(wanted.name);
    const ip4 = await reserveAddress(this.store, this.fleet.network.ip4, wanted);
    const device: Device = {
      name: wanted.name,
      ip4,
      tags: [...new Set(wanted.tags)],
      addedAt: nowMs,
      claim: {
        id: randomBytes(16).toString('hex'),
        secret: randomBytes(CLAIM_SECRET_BYTES),
        expires: nowMs + Math.round(wanted.expiresDays * DAY_MS),
      },
    };
    const claim = signClaim(this.#claimContent(device), key);
    const record = { ...device, claim: { ...device.claim, secret: base64Of(device.claim.secret) } };
    if (!(await createJson(this.store, devicePath(wanted.name), DeviceSchema, record)))
      throw deviceExists(wanted.name);
    await this.changed();
    return { device, claim };
  }

  async deviceNames(): Promise<string[]> {
    const files = await this.store.list('devices');
    return files
      .flatMap((file) => /^(.+)\.json$/.exec(file)?.[1] ?? [])
      .filter((name) => LABEL_PATTERN.test(name));
  }

  async device(name: string): Promise<Device | null> {
    return LABEL_PATTERN.test(name) ? readJson(this.store, devicePath(name), DeviceSchema) : null;
  }

  async enrolled(name: string): Promise<EnrolledNode | null> {
    return readJson(this.store, `enrolled/${name}.json`, EnrolledSchema);
  }

  /** Uses the device's claim for this node. False when another node was first; the same node may ask as often as it likes. */
  async enrol(device: Device, hello: Hello, nowMs: number): Promise<boolean> {
    const { publicKey, sealingKey, hardware } = hello;
    const node = {
      claimId: device.claim.id,
      nodeId: nodeIdOf(hello),
      publicKey: base64Of(publicKey),
      sealingKey: base64Of(sealingKey),
      hardware,
      enrolledAt: nowMs,
    };
    if (await createJson(this.store, `enrolled/${device.name}.json`, EnrolledSchema, node)) return true;
    const first = await this.enrolled(device.name);
    return first?.nodeId === node.nodeId && base64Of(first.sealingKey) === node.sealingKey;
  }

  async seen(name: string): Promise<Seen> {
    const seen = await readJson(this.store, `seen/${name}.json`, SeenSchema).catch(() => null);
    return seen ?? { presence: null, ack: null };
  }

  /** Writes only what is new. */
  async recordSeen(name: string, change: Partial<Seen>): Promise<void> {
    const before = await this.seen(name);
    const after = { ...before, ...change };
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    await writeJson(this.store, `seen/${name}.json`, SeenSchema, after);
  }

  /** Differs from the last answer when the owner has changed something since, by command or in fleet.json by hand. */
  async revision(): Promise<string> {
    const names = ['fleet.json', 'revision.json', 'rollout.json'];
    const files = await Promise.all(names.map((name) => this.store.read(name)));
    const hash = createHash('sha256');
    for (const bytes of files) hash.update(bytes ?? '');
    return hash.update(`${await this.store.list('root')}`).digest('hex');
  }

  /** What the owner wants of a device now. */
  settingsOf(device: string): Settings {
    return settingsFor(this.fleet, this.rollout, device);
  }

  /** The broker as devices are told of it. */
  deviceBroker(): BrokerAccess {
    return { ...this.fleet.broker, ...this.fleet.deviceLogin };
  }

  /** Tells running registrars of a change. */
  async changed(): Promise<void> {
    await writeJson(this.store, 'revision.json', RevisionSchema, {
      revision: randomBytes(8).toString('hex'),
    });
  }

  /** Throws UsageError where a value cannot be used. */
  checkWanted({ name, ip4, tags, expiresDays }: NewDevice): void {
    if (!LABEL_PATTERN.test(name)) throw new UsageError(labelSentence('device', name));
    const wrong = tags.find((tag) => !LABEL_PATTERN.test(tag));
    if (wrong !== undefined) throw new UsageError(labelSentence('tag', wrong));
    if (tags.length > 32) throw new UsageError(`${tags.length} tags are too many; a device has at most 32`);
    if (!(expiresDays > 0 && expiresDays <= 3650)) {
      throw new UsageError(`a claim cannot last ${expiresDays} days; give more than 0 and at most 3650`);
    }
    const { ip4: network } = this.fleet.network;
    if (ip4 !== null && !(v.is(ip4Field, ip4) && contains(network, ip4))) {
      throw new UsageError(
        `"${ip4}" is not an address for a device in ${network}; leave --ip away to get a free one`,
      );
    }
  }

  #claimContent(device: Device) {
    return {
      fleetId: this.fleet.fleetId,
      fleetName: this.fleet.name,
      device: device.name,
      claimId: device.claim.id,
      secret: device.claim.secret,
      root: this.root.bytes,
      broker: this.deviceBroker(),
      issuedAt: device.addedAt,
      expires: device.claim.expires,
    };
  }
}

/** The numbers in file names of one form, in order. */
export function numbersIn(files: readonly string[], form: RegExp): number[] {
  return files
    .flatMap((file) => Number(form.exec(file)?.[1] ?? Number.NaN))
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b);
}

function devicePath(name: string): string {
  return `devices/${name}.json`;
}

function deviceExists(name: string): Refusal {
  return new Refusal('device-exists', `there is a device ${name} already; choose another name`);
}
