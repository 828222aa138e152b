/**
 * One link to one member, from the first wish to the last bye: joins negotiation (link-negotiator.ts) and the session
 * (link-session.ts), which outlives its PeerConnection, and tries again while there is demand.
 */
import type { LinkReport, LinkState } from '../ports/agent-control.ts';
import type { Endpoint, PeerTraffic } from '../ports/datapath.ts';
import type { LinkCondition } from '../ports/link-table.ts';
import type { Membership } from '../ports/member-directory.ts';
import type { SendResult } from '../ports/peer-transport.ts';
import type { Signal } from '../ports/signal-service.ts';
import { KeptSession } from './kept-session.ts';
import { FINAL_REASONS, LinkDemand } from './link-demand.ts';
import { LinkNegotiator } from './link-negotiator.ts';
import type { PingAnswer } from './link-pings.ts';
import { linkReport } from './link-report.ts';
import type { LinkSession } from './link-session.ts';
import { LinkTraffic } from './link-traffic.ts';
import type { LinkParts } from './link-types.ts';
import type { NegotiationMemory } from './negotiation-types.ts';
import type { FrameLimit } from './path-mtu.ts';
import { UpWaiters } from './up-waiters.ts';

export class Link {
  readonly #parts: LinkParts;
  readonly #traffic: LinkTraffic;
  readonly #negotiator: LinkNegotiator;
  readonly #demand: LinkDemand;
  readonly #waiters: UpWaiters<LinkSession>;
  readonly #bornMs: number;
  readonly #session: KeptSession;
  #attemptAtMs: number;
  #setupMs: number | null = null;
  #problem: string | null = null;
  #over = false;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    const { options, member } = parts;
    this.#bornMs = options.clock.monotonicMs();
    this.#attemptAtMs = this.#bornMs;
    this.#traffic = new LinkTraffic(this.#bornMs);
    this.#waiters = new UpWaiters(options.clock);
    this.#demand = new LinkDemand(options.clock, options.random ?? Math.random, () => this.#tryWhileWanted());
    this.#session = new KeptSession(
      {
        ...parts,
        bye: (reason) => this.#negotiator.byeOfPeer(reason),
        inquire: () => this.#negotiator.inquire(),
      },
      (path, endpoint) => parts.events.happened('link.path', { path, endpoint }),
      { up: (session) => this.#becameUp(session), down: (reason) => this.#becameDown(reason) },
    );
    this.#negotiator = new LinkNegotiator({
      selfId: options.self.nodeId,
      peerId: member.nodeId,
      memory: parts.memory,
      transports: options.transports,
      iceServers: options.iceServers,
      clock: options.clock,
      send: parts.send,
      up: (connection) => this.#session.connected(connection),
      replaced: () => void this.#session.lostConnection('peer-restarted'),
      ended: (reason, by) => this.#ended(reason, by),
      endedBefore: (reason) => this.#demand.asked || !FINAL_REASONS.has(reason) || this.close(reason),
      doubt: () => this.#session.kept?.doubt(),
      control: (message) => this.#session.kept?.control(message),
      frame: (frame) => this.#received(frame),
    });
  }

  get member(): Membership {
    return this.#parts.member;
  }

  get isUp(): boolean {
    return this.#session.usable !== null;
  }

  get frameLimit(): FrameLimit | null {
    return this.#session.usable?.fast.frameLimit ?? null;
  }

  get condition(): LinkCondition {
    return this.#session.kept?.condition ?? 'steady';
  }

  get usedAtMs(): number {
    return this.#traffic.usedAtMs;
  }

  get memory(): NegotiationMemory {
    return this.#negotiator.memory;
  }

  /** Somebody wants this link now. */
  request(): void {
    this.#demand.ask(this.#nowMs());
    this.#traffic.used(this.#nowMs());
    if (!this.#over && !this.#demand.waiting && this.#negotiator.idle) this.#tryWhileWanted();
  }

  receiveSignal(signal: Signal, sequence: number): void {
    if (this.#over) return;
    const wasIdle = this.#negotiator.idle;
    this.#negotiator.receive(signal, sequence);
    if (this.#over || !wasIdle) return;
    if (!this.#negotiator.idle) {
      this.#attemptAtMs = this.#nowMs();
      this.#demand.cancelRetry();
      // Else it was stale: a link that only this signal asked for is wanted by nobody.
    } else if (!this.#demand.waiting && !this.#session.kept) this.#end('not-wanted');
  }

  sendFrame(frame: Uint8Array): SendResult {
    const session = this.#session.usable;
    if (!session) return 'closed';
    const { result, path } = session.sendFrame(frame);
    if (result === 'sent') this.#traffic.sent(frame, path, this.#nowMs());
    return result;
  }

  probeReply(endpoint: Endpoint, id: number, rttUs: number): void {
    this.#session.kept?.probeReply(endpoint, id, rttUs);
  }

  heard(endpoint: Endpoint): void {
    this.#session.kept?.fast.heard(endpoint);
  }

  /** A new network is a new chance: paths prove themselves again, and no backoff is sat out. */
  networkChanged(): void {
    this.#session.kept?.fast.networkChanged();
    if (!this.#demand.waiting) return;
    this.#demand.failures = 0;
    this.#demand.retryNow();
  }

  /** Our own endpoints are others, or more: the peer must know. */
  tellEndpoints(): void {
    this.#session.kept?.fast.tellEndpoints();
  }

  /** To be called every 250 ms. */
  tick(nowMs: number, counters: PeerTraffic | undefined): void {
    const session = this.#session.kept;
    if (!session) return;
    this.#traffic.observe(counters, nowMs);
    this.#demand.want(this.#traffic.usedAtMs);
    const verdict = session.tick(nowMs, counters, this.#traffic.usedAtMs);
    this.#session.look('peer-silent');
    if (!this.#session.kept && this.#negotiator.idle && !this.#demand.waiting) this.#end('peer-silent');
    else if (verdict === 'dead') this.#negotiator.fail('peer-silent');
    else if (verdict === 'idle') this.close('idle');
  }

  /** Waits for the link within the time limit, then for one round trip. Rejects with Refusal('no-answer'). */
  async ping(timeoutMs: number): Promise<PingAnswer> {
    const startMs = this.#nowMs();
    const session = this.#session.usable ?? (await this.#waiters.wait(timeoutMs));
    return session.ping(Math.max(1, timeoutMs + startMs - this.#nowMs()));
  }

  /** Says bye and ends for good; `events.over` follows. */
  close(reason: string): void {
    if (this.#over) return;
    this.#demand.unwant();
    this.#session.kept?.sayBye(reason);
    this.#negotiator.close(reason);
    this.#end(reason);
  }

  report(): LinkReport {
    return linkReport({
      member: this.#parts.member,
      state: this.#state(),
      session: this.#session.usable,
      traffic: this.#traffic,
      setupMs: this.#setupMs,
      repeatedAttempts: this.#demand.repeats,
      ageMs: this.#nowMs() - this.#bornMs,
      problem: this.#problem,
    });
  }

  #state(): LinkState {
    if (this.#over) return 'closing';
    if (this.#session.usable) return 'up';
    return this.#negotiator.idle ? 'failed' : 'connecting';
  }

  #nowMs(): number {
    return this.#parts.options.clock.monotonicMs();
  }

  #becameUp(session: LinkSession): void {
    this.#demand.failures = 0;
    this.#problem = null;
    this.#setupMs = Math.round((this.#nowMs() - this.#attemptAtMs) * 10) / 10;
    this.#traffic.used(this.#nowMs());
    this.#parts.events.happened('link.up', { setupMs: this.#setupMs });
    this.#parts.events.up();
    this.#waiters.tell(session);
  }

  #becameDown(reason: string): void {
    this.#problem = `the link ended: ${reason}`;
    this.#parts.events.happened('link.down', { reason });
    this.#parts.events.down(reason);
  }

  #received(frame: Uint8Array): void {
    const session = this.#session.kept;
    if (!session) return;
    session.frameArrived();
    this.#traffic.receivedSlow(frame);
    this.#parts.events.frame(frame);
  }

  /** A PeerConnection, or an attempt at one, is over. */
  #ended(reason: string, by: 'self' | 'peer'): void {
    if (by === 'peer' && FINAL_REASONS.has(reason)) {
      this.#end(reason);
      return;
    }
    const wasUp = this.#session.usable !== null;
    const stillUp = this.#session.lostConnection(reason);
    this.#problem = `the link ended: ${reason}${by === 'peer' ? ' (said by the peer)' : ''}`;
    const atOnce = this.#demand.failed(reason, wasUp);
    const said = { reason, failures: this.#demand.failures };
    if (!wasUp && !atOnce) this.#parts.events.happened('link.failed', said);
    const kept = this.#session.kept !== null;
    if (this.#demand.wanted || stillUp) this.#demand.retryLater(atOnce, kept);
    else if (!kept) this.#end(reason);
  }

  #tryWhileWanted(): void {
    if (!this.#demand.repeating) this.#attemptAtMs = this.#nowMs();
    if (this.#demand.wanted || this.#session.usable) this.#negotiator.want(this.#demand.careful);
    else if (!this.#session.kept) this.#end('not-wanted');
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#session.drop(reason);
    this.#over = true;
    this.#demand.cancelRetry();
    this.#waiters.tell(null);
    this.#parts.events.over(reason);
  }
}
