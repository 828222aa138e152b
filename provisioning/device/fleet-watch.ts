/**
 * What an enrolled device listens to: its config, the next root version, the revocation list, and fresh statements.
 */
import * as v from 'valibot';
import { sentenceOf } from '../../agent/errors.ts';
import type { Clock } from '../../agent/ports/clock.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { Log } from '../../agent/ports/log.ts';
import type { MessageBus, Subscription } from '../../agent/ports/message-bus.ts';
import { topicsOf } from '../../agent/wire/topics.ts';
import { timeField } from '../documents/document-fields.ts';
import { readFresh } from '../documents/fresh-statement.ts';
import { rotateRoot, type TrustedRoot } from '../documents/root-document.ts';
import { readJson, writeJson } from '../documents/stored-json.ts';
import type { Revocations } from './revocations.ts';
import type { TrustedTime } from './trusted-time.ts';

const TIME_FILE = 'time.json';
/** The floor goes to disk this often: after a power cut it is at most a day behind, and flash is spared. */
const FLOOR_STEP_MS = 24 * 3_600_000;

const TimeSchema = v.strictObject({ floorMs: timeField, sequence: timeField });

export type StoredTime = v.InferOutput<typeof TimeSchema>;

/** What an earlier start knew of the time. Damaged is as good as none: the build time is a floor too. */
export async function readStoredTime(store: FileStore): Promise<StoredTime> {
  const stored = await readJson(store, TIME_FILE, TimeSchema).catch(() => null);
  return stored ?? { floorMs: 0, sequence: 0 };
}

export interface FleetWatchOptions {
  bus: MessageBus;
  store: FileStore;
  clock: Clock;
  log: Log;
  time: TrustedTime;
  revocations: Revocations;
  nodeId: string;
  root: TrustedRoot;
  onConfig(bytes: Uint8Array): void;
  /** Persists the new root; it counts only when that has worked. */
  onRoot(root: TrustedRoot): Promise<void>;
  /** The revocation list has grown. */
  onRevoked(): void;
  /** Time or root have moved. */
  onChange(): void;
}

export class FleetWatch {
  readonly #options: FleetWatchOptions;
  readonly #topics: ReturnType<typeof topicsOf>;
  readonly #subscriptions: Subscription[] = [];
  #rootSubscription: Subscription | null = null;
  #configSubscription: Subscription | null = null;
  #turn: Promise<void> = Promise.resolve();
  #stored: StoredTime = { floorMs: 0, sequence: 0 };
  #sequence = 0;
  #revokedSerial = 0;
  #fresh: { issuedAt: number; receivedAtMs: number } | null = null;
  root: TrustedRoot;

  constructor(options: FleetWatchOptions) {
    this.#options = options;
    this.#topics = topicsOf(options.root.document.fleetId);
    this.root = options.root;
  }

  /** `stored`: what an earlier start knew of the time. */
  start(stored: StoredTime): void {
    const { bus } = this.#options;
    this.#stored = stored;
    this.#sequence = stored.sequence;
    this.#subscriptions.push(bus.subscribe(this.#topics.fresh, (_, payload) => this.#hearFresh(payload)));
    this.#subscriptions.push(bus.subscribe(this.#topics.revoked, (_, payload) => this.#hearRevoked(payload)));
    this.#watchNextRoot();
    this.#watchConfig();
  }

  /** The fleet has a revocation list that is newer than ours. */
  lacksRevocations(): boolean {
    return this.#revokedSerial > this.#options.revocations.serial;
  }

  /** How old the newest fresh statement is; null before the first. */
  freshAgeMs(): number | null {
    if (!this.#fresh) return null;
    const { clock, time } = this.#options;
    const since = clock.monotonicMs() - this.#fresh.receivedAtMs;
    return time.isSynchronised() ? Math.max(0, clock.wallMs() - this.#fresh.issuedAt) : since;
  }

  /** Writes the floor down where it has moved by a day; called also when a config was accepted. */
  async keepTime(): Promise<void> {
    const { store, time } = this.#options;
    const floorMs = time.floorMs();
    if (floorMs - this.#stored.floorMs < FLOOR_STEP_MS) return;
    const next = { floorMs, sequence: this.#sequence };
    await writeJson(store, TIME_FILE, TimeSchema, next);
    this.#stored = next;
  }

  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.cancel();
    this.#rootSubscription?.cancel();
    this.#configSubscription?.cancel();
    await this.#turn;
  }

  #watchNextRoot(): void {
    this.#rootSubscription?.cancel();
    const topic = this.#topics.root(this.root.document.version + 1);
    this.#rootSubscription = this.#options.bus.subscribe(topic, (_, payload) => this.#hearRoot(payload));
  }

  /** Subscribing again brings the retained config again, which may count under a new root. */
  #watchConfig(): void {
    const { bus, nodeId, onConfig, log } = this.#options;
    this.#configSubscription?.cancel();
    this.#configSubscription = bus.subscribe(this.#topics.config(nodeId), (_, payload) => {
      // A deleted config is the broker's word against our own disk: we keep what we have.
      if (payload.length === 0) log.warn('config.deleted-on-broker');
      else onConfig(payload);
    });
  }

  #hearFresh(payload: Uint8Array): void {
    const { time, clock, log, onChange } = this.#options;
    if (payload.length === 0) return;
    try {
      const statement = readFresh(payload, this.root.document);
      if (statement.sequence <= this.#sequence) return;
      this.#sequence = statement.sequence;
      this.#revokedSerial = statement.revokedSerial ?? 0;
      this.#fresh = { issuedAt: statement.issuedAt, receivedAtMs: clock.monotonicMs() };
      time.hear(statement.issuedAt);
      this.#enqueue('fresh.not-stored', () => this.keepTime());
      onChange();
    } catch (error) {
      log.warn('fresh.refused', { problem: sentenceOf(error) });
    }
  }

  #hearRevoked(payload: Uint8Array): void {
    if (payload.length === 0) return;
    this.#enqueue('revoked.refused', async () => {
      const { revocations, onRevoked } = this.#options;
      if (await revocations.hear(payload, this.root.document)) onRevoked();
    });
  }

  #hearRoot(payload: Uint8Array): void {
    if (payload.length === 0) return;
    this.#enqueue('root.refused', async () => {
      const next = rotateRoot(this.root, payload);
      await this.#options.onRoot(next);
      this.root = next;
      this.#options.time.raise(next.document.issuedAt);
      this.#options.log.info('root.rotated', { version: next.document.version });
      this.#watchNextRoot();
      this.#watchConfig();
      this.#options.onChange();
    });
  }

  #enqueue(failure: string, act: () => Promise<void>): void {
    this.#turn = this.#turn.then(act).catch((error: unknown) => {
      this.#options.log.warn(failure, { problem: sentenceOf(error) });
    });
  }
}
