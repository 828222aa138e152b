/**
 * Takes configs one after another and brings the good ones into force:
 *
 * 1 verify (verify-config.ts); a refusal is reported and changes nothing
 * 2 stage on disk
 * 3 trial: its deadline on disk, then the caller applies it and says whether the node is healthy
 * 4 commit, or go back to the committed config; a first config, with nothing to go back to, is tried again
 *
 * After a restart: a staged config gets its trial, and one whose trial was cut short another; cut short again, it is rolled
 * back. One power cut says nothing about a config; an agent that ended twice while it tried one does.
 */
import { Refusal, sentenceOf } from '../../agent/errors.ts';
import type { ConfigRefusal } from '../../agent/ports/agent-control.ts';
import type { Clock, Timer } from '../../agent/ports/clock.ts';
import type { FileStore } from '../../agent/ports/file-store.ts';
import type { Log } from '../../agent/ports/log.ts';
import { hashOf } from '../documents/config-document.ts';
import type { Ack } from '../documents/device-reports.ts';
import { ConfigStore } from './config-store.ts';
import { type ConfigHandler, type ConfigHealth, type ConfigOccasion, runTrial } from './config-trial.ts';
import { type AppliedConfig, readStoredConfig, serialIn } from './stored-config.ts';
import { type ConfigContext, type VerifiedConfig, verifyConfig } from './verify-config.ts';

/** A first config that fails is tried again after this, doubled up to the cap. */
const RETRY_MS = { first: 2_000, cap: 60_000 };
/** A disk that is full or read-only now may be writable later. */
const DISK_RETRY_MS = 30_000;
const MAX_TRIAL_ATTEMPTS = 2;
/** Refusals that a newer root or a later clock can lift. */
const MAY_COUNT_LATER = new Set(['root-not-ours', 'wrong-epoch', 'not-yet-valid']);

export type AckFacts = Pick<Ack, 'serial' | 'hash' | 'outcome' | 'reason' | 'problem'>;

export interface ConfigApplierOptions {
  store: FileStore;
  clock: Clock;
  log: Log;
  bootCount: number;
  /** What to check against now; `highest` is the applier's own. */
  context(): Omit<ConfigContext, 'highest'>;
  apply: ConfigHandler;
  report(ack: AckFacts): void;
  /** A config passed all checks: its time of issue counts. */
  onVerified(issuedAt: number): void;
}

export class ConfigApplier {
  readonly #options: ConfigApplierOptions;
  readonly #store: ConfigStore;
  readonly #stopped = new AbortController();
  #turn: Promise<void> = Promise.resolve();
  #waiting: Uint8Array | null = null;
  #deferred: Uint8Array | null = null;
  #retryMs = RETRY_MS.first;
  #retry: Timer | null = null;
  #lastReport = '';
  /** What the node runs with now. */
  active: AppliedConfig | null = null;
  refused: ConfigRefusal | null = null;
  problem: string | null = null;

  constructor(options: ConfigApplierOptions) {
    this.#options = options;
    this.#store = new ConfigStore(options.store);
  }

  /** `none`, `staged`, `trial` or `committed`, for the status report. */
  get phase(): string {
    const { candidate, committed } = this.#store.slots;
    if (candidate) return candidate.trial ? 'trial' : 'staged';
    return committed ? 'committed' : 'none';
  }

  get committedAt(): number | null {
    return this.#store.slots.committed?.committedAt ?? null;
  }

  /**
   * Reads the disk and settles what an earlier start left. Resolves to the committed config, which `boot` then applies,
   * so that the caller can open the right broker first.
   */
  async load(): Promise<AppliedConfig | null> {
    const { candidate, committed } = await this.#store.load();
    if (candidate && committed && this.#store.trialAttempts >= MAX_TRIAL_ATTEMPTS) {
      await this.#store.reject('restarted-in-trial');
      const problem = `the agent was restarted ${MAX_TRIAL_ATTEMPTS} times before this config had shown that it works`;
      this.#report(candidate.envelope, 'rolled-back', 'restarted-in-trial', problem);
    }
    this.active = committed && (await this.#readStored(committed.envelope));
    return this.active;
  }

  /** Applies what lies on disk, in the background. */
  boot(): void {
    this.#enqueue(async () => {
      if (this.#store.slots.candidate) return this.#tryCandidate();
      if (this.active) await this.#use(this.active, 'boot');
    });
  }

  /** A config arrived. Of several that wait, only the last counts: each is the full state. */
  offer(bytes: Uint8Array): void {
    this.#waiting = bytes;
    this.#enqueue(async () => {
      const next = this.#waiting;
      this.#waiting = null;
      if (next) await this.#take(next);
    });
  }

  /** Root or clock have moved: what was refused for their sake gets another look. */
  reconsider(): void {
    const bytes = this.#deferred;
    this.#deferred = null;
    if (bytes && !this.#waiting) this.offer(bytes);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#retry?.cancel();
    await this.#turn;
  }

  #enqueue(act: () => Promise<void>): void {
    this.#turn = this.#turn.then(async () => {
      if (this.#stopped.signal.aborted) return;
      await act().catch((error: unknown) => this.#fail(error));
    });
  }

  /** The disk did not take it: the node goes on with what it has, and tries again. */
  #fail(error: unknown): void {
    this.problem = sentenceOf(error);
    this.#options.log.error('config.not-stored', { problem: this.problem });
    const again = this.#deferred;
    this.#retryAfter(DISK_RETRY_MS, () => (again ? this.reconsider() : this.boot()));
  }

  async #take(bytes: Uint8Array): Promise<void> {
    this.#deferred = bytes;
    const verified = await this.#verify(bytes);
    if (!verified) return;
    await this.#store.stage(bytes, verified.epoch, verified.serial);
    this.#deferred = null;
    this.refused = null;
    this.#retryMs = RETRY_MS.first;
    this.#options.onVerified(verified.issuedAt);
    this.#options.log.info('config.staged', { serial: verified.serial });
    await this.#tryCandidate();
  }

  async #verify(bytes: Uint8Array): Promise<VerifiedConfig | null> {
    try {
      const { highest } = this.#store.slots;
      const verified = await verifyConfig(bytes, { ...this.#options.context(), highest });
      if (!verified) this.#deferred = null;
      return verified;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!MAY_COUNT_LATER.has(error.reason)) this.#deferred = null;
      this.#refuse(bytes, error);
      return null;
    }
  }

  #refuse(bytes: Uint8Array, refusal: Refusal): void {
    const serial = serialIn(bytes);
    this.refused = { serial, reason: refusal.reason, problem: refusal.message };
    this.#options.log.warn('config.refused', { serial, reason: refusal.reason, problem: refusal.message });
    this.#report(bytes, 'refused', refusal.reason, refusal.message);
  }

  async #tryCandidate(): Promise<void> {
    const { candidate } = this.#store.slots;
    const { clock, log, bootCount } = this.#options;
    if (!candidate) return;
    const next = await this.#readStored(candidate.envelope);
    if (!next) return this.#rollBack(candidate.envelope, 'config-unreadable', 'it cannot be read any more');
    await this.#store.beginTrial(clock.wallMs() + next.config.confirm.timeoutMs, bootCount);
    log.info('config.trial', { serial: next.serial });
    const health = await this.#use(next, 'trial');
    if (this.#stopped.signal.aborted) return;
    if (!health.healthy) return this.#rollBack(candidate.envelope, health.reason, health.problem);
    await this.#store.commit(clock.wallMs());
    this.#retryMs = RETRY_MS.first;
    this.problem = null;
    log.info('config.committed', { serial: next.serial });
    this.#report(candidate.envelope, 'committed', null, null);
  }

  async #rollBack(bytes: Uint8Array, reason: string, problem: string): Promise<void> {
    const { committed } = this.#store.slots;
    this.#options.log.warn('config.failed', { serial: serialIn(bytes), reason, problem });
    if (!committed) {
      this.problem = `the first config does not work yet: ${problem}`;
      this.#report(bytes, 'trial', reason, problem);
      this.#retryAfter(this.#retryMs, () => this.boot());
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.cap);
      return;
    }
    await this.#store.reject(reason);
    this.refused = { serial: serialIn(bytes), reason, problem };
    this.#report(bytes, 'rolled-back', reason, problem);
    const lastGood = await this.#readStored(committed.envelope);
    if (lastGood) await this.#use(lastGood, 'rollback');
  }

  async #use(next: AppliedConfig, reason: ConfigOccasion['reason']): Promise<ConfigHealth> {
    this.active = next;
    const { clock, apply } = this.#options;
    const timeoutMs = next.config.confirm.timeoutMs;
    const health = await runTrial(clock, timeoutMs, this.#stopped.signal, (signal) =>
      apply(next.config, next.own, { reason, signal }),
    );
    // A committed config is tried on by whoever runs the node, who says why it does not run, for as long as it does not.
    if (reason !== 'trial') this.problem = null;
    return health;
  }

  async #readStored(bytes: Uint8Array): Promise<AppliedConfig | null> {
    try {
      const { sealer, sealingPrivateKey } = this.#options.context();
      return await readStoredConfig(bytes, sealer, sealingPrivateKey);
    } catch (error) {
      this.#options.log.error('config.unreadable', { problem: sentenceOf(error) });
      return null;
    }
  }

  #report(bytes: Uint8Array, outcome: Ack['outcome'], reason: string | null, problem: string | null): void {
    const ack = {
      serial: serialIn(bytes),
      hash: hashOf(bytes),
      outcome,
      reason,
      problem: problem?.slice(0, 300) ?? null,
    };
    const key = JSON.stringify(ack);
    if (key === this.#lastReport) return;
    this.#lastReport = key;
    this.#options.report(ack);
  }

  #retryAfter(delayMs: number, act: () => void): void {
    this.#retry?.cancel();
    this.#retry = this.#options.clock.after(delayMs, act);
  }
}
