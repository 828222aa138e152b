/**
 * Looks members up on the broker, one retained topic per question, and believes nothing but the fleet's signature.
 * What was found stays in memory and on disk, so that a node finds its peers again while the broker is away.
 */
import * as v from 'valibot';
import { Refusal, sentenceOf } from '../../agent/errors.ts';
import type { Clock } from '../../agent/ports/clock.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { Log } from '../../agent/ports/log.ts';
import type { MemberDirectory, Membership } from '../../agent/ports/member-directory.ts';
import type { MessageBus, Subscription } from '../../agent/ports/message-bus.ts';
import { topicsOf } from '../../agent/wire/topics.ts';
import { base64Of, blobField } from '../documents/document-fields.ts';
import { type Certificate, readCertificate } from '../documents/membership.ts';
import type { RootDocument } from '../documents/root-document.ts';
import { readJson, writeJson } from '../documents/stored-json.ts';
import { KnownMembers, MAX_KNOWN_MEMBERS } from './known-members.ts';
import { rollCall } from './roll-call.ts';

const CACHE_FILE = 'members.json';
/** A retained message comes in one round trip; a slow mobile network takes a second for it. */
const LOOKUP_TIMEOUT_MS = 1_500;
/** A frame to nobody every millisecond must not become a subscription every millisecond. */
const ABSENT_MS = 3_000;
const MAX_ABSENT = 256;
/** Changes within this time share one write of the cache. */
const CACHE_DELAY_MS = 2_000;

const CacheSchema = v.pipe(v.array(blobField(4 * 1024)), v.maxLength(MAX_KNOWN_MEMBERS));

export interface MemberDirectoryOptions {
  bus: MessageBus;
  store: FileStore;
  clock: Clock;
  log: Log;
  /** The newest trusted root; null before the device is enrolled, when nobody is known. */
  root(): RootDocument | null;
  isPast(unixMs: number): boolean;
  isRevoked(nodeId: string): boolean;
}

export class BusMemberDirectory implements MemberDirectory {
  readonly #options: MemberDirectoryOptions;
  readonly #known = new KnownMembers((nodeId) => this.#unwatch(nodeId));
  readonly #watches = new Map<string, Subscription>();
  readonly #pending = new Map<string, Promise<Membership | null>>();
  readonly #absentUntilMs = new Map<string, number>();
  #saving: Promise<void> = Promise.resolve();
  #saveTimer: { cancel(): void } | null = null;

  constructor(options: MemberDirectoryOptions) {
    this.#options = options;
  }

  /** Takes in the cache of an earlier start. Call it once the root is known; a damaged cache is an empty one. */
  async load(): Promise<void> {
    const cached = await readJson(this.#options.store, CACHE_FILE, CacheSchema).catch(() => null);
    for (const bytes of cached ?? []) {
      const certificate = this.#read(bytes);
      if (certificate && this.#known.add(certificate) === 'added') this.#watch(certificate.member.nodeId);
    }
  }

  byIp4(address: string): Promise<Membership | null> {
    return this.#find(`ip/${address}`, (topics) => topics.address(address));
  }

  byIp6(address: string): Promise<Membership | null> {
    return this.#find(`ip/${address}`, (topics) => topics.address(address));
  }

  byNodeId(nodeId: string): Promise<Membership | null> {
    return this.#find(`id/${nodeId}`, (topics) => topics.member(nodeId));
  }

  byName(name: string): Promise<Membership | null> {
    return this.#find(`name/${name}`, (topics) => topics.name(name));
  }

  verify(bytes: Uint8Array): Membership | null {
    const certificate = this.#read(bytes);
    if (!certificate) return null;
    this.#take(certificate);
    // An older certificate of a member whose newer one we have does not count any more.
    const newest = this.#known.get(`id/${certificate.member.nodeId}`);
    return newest?.member ?? null;
  }

  /** Call it when somebody was revoked. */
  forgetRevoked(): void {
    for (const { member } of this.#known.all()) {
      if (this.#options.isRevoked(member.nodeId)) this.#known.remove(member.nodeId);
    }
    this.#saveSoon();
  }

  known(): readonly Membership[] {
    return this.#known.all().map((certificate) => certificate.member);
  }

  async everyone(): Promise<readonly Membership[]> {
    const { bus, clock, isPast } = this.#options;
    const root = this.#options.root();
    const all = new KnownMembers(() => undefined);
    for (const certificate of this.#known.all()) {
      if (certificate.expires === null || !isPast(certificate.expires)) all.add(certificate);
    }
    // What it tells is not kept: who only looks must not watch the whole fleet from then on.
    if (root) {
      await rollCall(bus, clock, topicsOf(root.fleetId).everyMember, (payload) => {
        const certificate = this.#read(payload);
        if (certificate) all.add(certificate);
      });
    }
    return all.all().map(({ member }) => member);
  }

  /** Ends all watches and writes the cache if something is unwritten. */
  async stop(): Promise<void> {
    for (const subscription of this.#watches.values()) subscription.cancel();
    this.#watches.clear();
    if (this.#saveTimer) this.#save();
    await this.#saving;
  }

  async #find(
    key: string,
    topicOf: (topics: ReturnType<typeof topicsOf>) => string,
  ): Promise<Membership | null> {
    const root = this.#options.root();
    // A name with a wildcard or a slash would be another topic.
    if (!root || !/^[a-z]+\/[a-z0-9:.-]{1,64}$/.test(key)) return null;
    const found = this.#current(key);
    if (found) return found;
    if ((this.#absentUntilMs.get(key) ?? 0) > this.#options.clock.monotonicMs()) return null;
    const asked = this.#pending.get(key) ?? this.#lookUp(key, topicOf(topicsOf(root.fleetId)));
    this.#pending.set(key, asked);
    return asked.finally(() => this.#pending.delete(key));
  }

  #current(key: string): Membership | null {
    const found = this.#known.get(key);
    if (!found) return null;
    if (found.expires === null || !this.#options.isPast(found.expires)) return found.member;
    this.#known.remove(found.member.nodeId);
    return null;
  }

  #lookUp(key: string, topic: string): Promise<Membership | null> {
    const { bus, clock } = this.#options;
    return new Promise((resolve) => {
      const finish = (member: Membership | null): void => {
        timer.cancel();
        // The answer may come from inside subscribe, before the subscription has its name.
        queueMicrotask(() => subscription.cancel());
        if (!member) this.#rememberAbsent(key);
        resolve(member);
      };
      const timer = clock.after(LOOKUP_TIMEOUT_MS, () => finish(null));
      const subscription = bus.subscribe(topic, (_, payload) => {
        const certificate = this.#read(payload);
        if (certificate) this.#take(certificate);
        // Only a certificate that bears what was asked for is an answer; a wrong one may be followed by the right one.
        const member = this.#current(key);
        if (member) finish(member);
      });
    });
  }

  #rememberAbsent(key: string): void {
    this.#absentUntilMs.delete(key);
    this.#absentUntilMs.set(key, this.#options.clock.monotonicMs() + ABSENT_MS);
    const eldest = this.#absentUntilMs.keys().next().value;
    if (this.#absentUntilMs.size > MAX_ABSENT && eldest !== undefined) this.#absentUntilMs.delete(eldest);
  }

  #read(bytes: Uint8Array): Certificate | null {
    const { root, isPast, isRevoked, log } = this.#options;
    const trusted = root();
    if (!trusted || bytes.length === 0) return null;
    try {
      const certificate = readCertificate(bytes, trusted, isPast);
      const { nodeId, name } = certificate.member;
      if (isRevoked(nodeId)) throw new Refusal('revoked', `${name} (${nodeId}) was put out of the fleet`);
      return certificate;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      log.debug('member.refused', { reason: error.reason, problem: sentenceOf(error) });
      return null;
    }
  }

  #take(certificate: Certificate): void {
    if (this.#known.add(certificate) !== 'added') return;
    const { nodeId, name, serial } = certificate.member;
    this.#options.log.debug('member.learnt', { nodeId, name, serial });
    this.#watch(nodeId);
    this.#saveSoon();
  }

  /** Changes of a member reach us as long as we know it. */
  #watch(nodeId: string): void {
    const root = this.#options.root();
    if (!root || this.#watches.has(nodeId)) return;
    const subscription = this.#options.bus.subscribe(topicsOf(root.fleetId).member(nodeId), (_, payload) => {
      const certificate = this.#read(payload);
      if (certificate) this.#take(certificate);
    });
    this.#watches.set(nodeId, subscription);
  }

  #unwatch(nodeId: string): void {
    this.#watches.get(nodeId)?.cancel();
    this.#watches.delete(nodeId);
  }

  #saveSoon(): void {
    this.#saveTimer ??= this.#options.clock.after(CACHE_DELAY_MS, () => this.#save());
  }

  #save(): void {
    this.#saveTimer?.cancel();
    this.#saveTimer = null;
    const certificates = this.#known.all().map(({ member }) => base64Of(member.certificate));
    this.#saving = this.#saving
      .then(() => writeJson(this.#options.store, CACHE_FILE, CacheSchema, certificates))
      .catch((error: unknown) =>
        this.#options.log.warn('members.not-stored', { problem: sentenceOf(error) }),
      );
  }
}
