/**
 * One link to one member, from the first wish to the last bye: joins negotiation (link-negotiator.ts) and the session
 * while it is up (link-session.ts), and tries again while there is demand. States for people: connecting, up, failed
 * (waits for the next try), closing.
 */
import type { LinkReport, LinkState } from '../ports/agent-control.ts';
import type { Endpoint, PeerTraffic } from '../ports/datapath.ts';
import type { Membership } from '../ports/member-directory.ts';
import type { SendResult } from '../ports/peer-transport.ts';
import type { Signal } from '../ports/signal-service.ts';
import type { LinkConnection } from './link-connection.ts';

import { LinkDemand } from './link-demand.ts';
import { LinkNegotiator } from './link-negotiator.ts';
import { LinkNews } from './link-news.ts';
import type { PingAnswer } from './link-pings.ts';
import { linkReport } from './link-report.ts';
import { LinkSession } from './link-session.ts';
import { LinkTraffic } from './link-traffic.ts';
import type { LinkParts } from './link-types.ts';
import type { NegotiationMemory } from './negotiation-types.ts';
import { UpWaiters } from './up-waiters.ts';

/** A peer that says one of these does not want to be called back at once. */
const FINAL_REASONS: ReadonlySet<string> = new Set(['idle', 'closed', 'stopping', 'revoked', 'no-free-slot']);

export class Link {
  readonly #parts: LinkParts;
  readonly #traffic: LinkTraffic;
  readonly #negotiator: LinkNegotiator;
  readonly #demand: LinkDemand;
  readonly #waiters: UpWaiters<LinkSession>;
  readonly #news: LinkNews;
  readonly #bornMs: number;
  #session: LinkSession | null = null;
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
    this.#news = new LinkNews(parts.events);
    this.#waiters = new UpWaiters(options.clock);
    this.#demand = new LinkDemand(options.clock, options.random ?? Math.random, () => this.#tryWhileWanted());
    this.#negotiator = new LinkNegotiator({
      selfId: options.self.nodeId,
      peerId: member.nodeId,
      memory: parts.memory,
      transports: options.transports,
      iceServers: options.iceServers,
      clock: options.clock,
      send: parts.send,
      up: (connection) => this.#becameUp(connection),
      replaced: () => this.#session?.orphaned || this.#sessionOver('peer-restarted'),
      ended: (reason, by) => this.#ended(reason, by),
      doubt: () => this.#session?.doubt(),
      control: (message) => this.#session?.control(message),
      frame: (frame) => this.#received(frame),
    });
  }

  get member(): Membership {
    return this.#parts.member;
  }

  /** Frames can be sent. */
  get isUp(): boolean {
    return this.#session?.open ?? false;
  }

  get usedAtMs(): number {
    return this.#traffic.usedAtMs;
  }

  get memory(): NegotiationMemory {
    return this.#negotiator.memory;
  }

  /** Somebody wants this link now. */
  request(): void {
    this.#demand.want(this.#nowMs());
    this.#traffic.used(this.#nowMs());
    if (this.#over || this.#demand.waiting || !this.#negotiator.idle) return;
    this.#tryWhileWanted();
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
    } else if (!this.#demand.waiting && !this.#session) this.#end('not-wanted');
  }

  sendFrame(frame: Uint8Array): SendResult {
    if (!this.#session) return 'closed';
    const { result, path } = this.#session.sendFrame(frame);
    if (result === 'sent') this.#traffic.sent(frame, path, this.#nowMs());
    return result;
  }

  probeReply(endpoint: Endpoint, id: number, rttUs: number): void {
    this.#session?.probeReply(endpoint, id, rttUs);
  }

  heard(endpoint: Endpoint): void {
    this.#session?.fast.heard(endpoint);
  }

  /** A new network is a new chance: paths prove themselves again, and no backoff is sat out. */
  networkChanged(): void {
    this.#session?.fast.networkChanged();
    if (!this.#demand.waiting) return;
    this.#demand.failures = 0;
    this.#demand.retryNow();
  }

  /** To be called every 250 ms. */
  tick(nowMs: number, counters: PeerTraffic | undefined): void {
    if (!this.#session) return;
    this.#traffic.observe(counters, nowMs);
    this.#demand.want(this.#traffic.usedAtMs);
    const verdict = this.#session.tick(nowMs, counters, this.#traffic.usedAtMs);
    if (verdict === 'dead') this.#negotiator.fail('peer-silent');
    else if (verdict === 'idle') this.close('idle');
    this.#tell('peer-silent');
  }

  /** Waits for the link within the time limit, then for one round trip. Rejects with Refusal('no-answer'). */
  async ping(timeoutMs: number): Promise<PingAnswer> {
    const startMs = this.#nowMs();
    const session = (this.isUp && this.#session) || (await this.#waiters.wait(timeoutMs));
    return session.ping(Math.max(1, timeoutMs - (this.#nowMs() - startMs)));
  }

  /** Says bye and ends for good; `events.over` follows. */
  close(reason: string): void {
    if (this.#over) return;
    this.#demand.unwant();
    this.#session?.sayBye(reason);
    this.#negotiator.close(reason);
    this.#end(reason);
  }

  report(): LinkReport {
    return linkReport({
      member: this.#parts.member,
      state: this.#state(),
      session: this.#session?.alive ? this.#session : null,
      traffic: this.#traffic,
      setupMs: this.#setupMs,
      ageMs: this.#nowMs() - this.#bornMs,
      problem: this.#problem,
    });
  }

  #state(): LinkState {
    if (this.#over) return 'closing';
    if (this.#session?.alive) return 'up';
    return this.#negotiator.idle ? 'failed' : 'connecting';
  }

  #nowMs(): number {
    return this.#parts.options.clock.monotonicMs();
  }

  #becameUp(connection: LinkConnection): void {
    const { options, slot, indexes, events } = this.#parts;
    const session = new LinkSession({
      slot,
      connection,
      indexes,
      options,
      bye: (reason) => this.#negotiator.byeOfPeer(reason),
      pathChanged: (path, endpoint) => {
        if (this.#session !== session) return;
        events.happened('link.path', { path, endpoint });
        this.#tell('peer-silent');
      },
    });
    const old = this.#session;
    this.#session = session;
    old?.stop('replaced');
    this.#demand.failures = 0;
    this.#problem = null;
    this.#setupMs = Math.round((this.#nowMs() - this.#attemptAtMs) * 10) / 10;
    this.#traffic.used(this.#nowMs());
    session.start();
    this.#tell('');
  }

  #received(frame: Uint8Array): void {
    if (!this.#session) return;
    this.#session.frameArrived();
    this.#traffic.receivedSlow(frame);
    this.#parts.events.frame(frame);
  }

  /** The session that was up, if any, is no more. */
  #sessionOver(reason: string): void {
    const session = this.#session;
    if (!session) return;
    this.#session = null;
    session.stop(reason);
    this.#tell(reason);
  }

  #tell(reason: string): void {
    if (this.#news.tell(this.#session, reason, this.#setupMs)) this.#waiters.tell(this.#session);
  }

  #ended(reason: string, by: 'self' | 'peer'): void {
    const wasUp = this.#session !== null && !this.#session.orphaned;
    this.#problem = `the link ended: ${reason}${by === 'peer' ? ' (said by the peer)' : ''}`;
    if (by === 'peer' && FINAL_REASONS.has(reason)) {
      this.#end(reason);
      return;
    }
    this.#session?.orphan(reason);
    this.#tell(reason);
    this.#demand.failures += 1;
    if (!wasUp) this.#parts.events.happened('link.failed', { reason, failures: this.#demand.failures });
    // A link that was up had a peer a moment ago: the first try is made at once.
    if (this.#demand.wanted) this.#demand.retryLater(wasUp);
    else if (!this.#session) this.#end(reason);
  }

  #tryWhileWanted(): void {
    this.#attemptAtMs = this.#nowMs();
    if (this.#demand.wanted) this.#negotiator.want();
    else if (!this.#session) this.#end('not-wanted');
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#sessionOver(reason);
    this.#demand.cancelRetry();
    this.#waiters.tell(null);
    this.#parts.events.over(reason);
  }
}
