/**
 * Two negotiation machines in virtual time over a channel with seeded faults, and transports that connect when both
 * sides hold each other's description and a candidate. A transport whose other end is closed fails after a while.
 */
import { negotiate, startNegotiation } from '../../../agent/links/link-negotiation.ts';
import type {
  Negotiation,
  NegotiationAction,
  NegotiationEvent,
} from '../../../agent/links/negotiation-types.ts';
import type { Signal } from '../../../agent/ports/signal-service.ts';

export interface Faults {
  seed: number;
  lossPercent: number;
  repeatPercent: number;
  longestDelayMs: number;
}

interface Transport {
  session: string;
  described: boolean;
  candidates: number;
  ready: boolean;
}

interface Node {
  state: Negotiation;
  transport: Transport | null;
  wanted: boolean;
  sequence: number;
  timers: { retransmit: number; expiry: number };
  failures: number;
}

const LIVENESS_MS = 8_000;

export class NegotiationWorld {
  #nowMs = 0;
  #order = 0;
  #agenda: Array<{ atMs: number; order: number; run: () => void }> = [];
  #faults: Faults;
  #random: number;
  readonly #ids: [string, string];
  readonly #nodes: Node[];

  constructor(faults: Faults, ids: [string, string]) {
    this.#faults = faults;
    this.#random = faults.seed >>> 0;
    this.#ids = ids;
    this.#nodes = [this.#fresh(0), this.#fresh(1)];
  }

  phases(): string[] {
    return this.#nodes.map((node) => node.state.phase);
  }

  sessions(): Array<string | null> {
    return this.#nodes.map((node) => node.state.session);
  }

  openTransports(): number {
    return this.#nodes.filter((node) => node.transport).length;
  }

  want(who: number, atMs: number): void {
    this.#at(atMs, () => {
      this.#node(who).wanted = true;
      this.#step(who, { kind: 'wanted', session: this.#name(who) });
    });
  }

  bye(who: number, afterMs: number): void {
    this.#after(afterMs, () => {
      for (const node of this.#nodes) node.wanted = false;
      this.#step(who, { kind: 'close', reason: 'closed' });
    });
  }

  /** Forgets everything but its identity; sequences go up with the boot count. */
  restart(who: number, atMs: number): void {
    this.#at(atMs, () => {
      const old = this.#node(who);
      const fresh = this.#fresh(who);
      fresh.sequence = old.sequence + 1_000_000;
      fresh.wanted = old.wanted || this.#node(1 - who).wanted;
      this.#nodes[who] = fresh;
      this.#noticeLoss(1 - who);
      if (fresh.wanted) this.#step(who, { kind: 'wanted', session: this.#name(who) });
    });
  }

  heal(): void {
    this.#faults = { ...this.#faults, lossPercent: 0 };
  }

  spoil(faults: Faults): void {
    this.#faults = faults;
  }

  run(forMs: number): void {
    const untilMs = this.#nowMs + forMs;
    for (;;) {
      this.#agenda.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const next = this.#agenda[0];
      if (!next || next.atMs > untilMs) break;
      this.#agenda.shift();
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = untilMs;
  }

  #fresh(who: number): Node {
    return {
      state: startNegotiation(this.#ids[who] ?? '', this.#ids[1 - who] ?? ''),
      transport: null,
      wanted: false,
      sequence: 0,
      timers: { retransmit: 0, expiry: 0 },
      failures: 0,
    };
  }

  #node(who: number): Node {
    const node = this.#nodes[who];
    if (!node) throw new RangeError(`there is no node ${who}`);
    return node;
  }

  #step(who: number, event: NegotiationEvent): void {
    const node = this.#node(who);
    const { state, actions } = negotiate(node.state, event);
    node.state = state;
    for (const action of actions) this.#perform(who, node, action);
  }

  #perform(who: number, node: Node, action: NegotiationAction): void {
    switch (action.do) {
      case 'send':
        this.#send(who, node, action.signal);
        break;
      case 'create-offer':
      case 'create-answer':
        this.#create(who, node, action);
        break;
      case 'accept-answer':
        if (node.transport) node.transport.described = true;
        this.#candidates(who, action.candidates.length);
        break;
      case 'add-candidates':
        this.#candidates(who, action.candidates.length);
        break;
      case 'drop-transport':
        if (node.transport?.session === action.session) node.transport = null;
        this.#noticeLoss(1 - who);
        break;
      case 'arm-retransmit':
        this.#timer(who, node, 'retransmit', action.session, action.delayMs);
        break;
      case 'arm-expiry':
        this.#timer(who, node, 'expiry', action.session, action.delayMs);
        break;
      case 'disarm':
        node.timers.retransmit++;
        node.timers.expiry++;
        break;
      case 'up':
        node.failures = 0;
        break;
      case 'replaced':
        break;
      case 'down':
        this.#tryAgain(who, node);
        break;
    }
  }

  #create(
    who: number,
    node: Node,
    action: { do: string; session: string; candidates?: readonly unknown[] },
  ): void {
    const { session } = action;
    node.transport = { session, described: action.do === 'create-answer', candidates: 0, ready: false };
    this.#after(3, () => {
      const candidates = [{ candidate: `host of ${who} ${session}`, mid: '0' }];
      this.#step(who, { kind: 'described', session, sdp: `sdp of ${who}`, candidates });
    });
    this.#after(30, () => {
      const candidates = [{ candidate: `srflx of ${who} ${session}`, mid: '0' }];
      this.#step(who, { kind: 'gathered', session, candidates });
    });
    this.#candidates(who, action.candidates?.length ?? 0);
  }

  #candidates(who: number, count: number): void {
    const { transport } = this.#node(who);
    if (transport) transport.candidates += count;
    const [a, b] = this.#nodes.map((node) => node.transport);
    if (
      !a ||
      !b ||
      a.session !== b.session ||
      !a.described ||
      !b.described ||
      a.candidates + b.candidates === 0
    )
      return;
    for (const [index, end] of [a, b].entries()) {
      if (end.ready) continue;
      end.ready = true;
      this.#after(5 + this.#chance(20), () => this.#step(index, { kind: 'ready', session: end.session }));
    }
  }

  /** What DTLS or liveness tells: a ready transport whose other end is gone fails. */
  #noticeLoss(who: number): void {
    const session = this.#node(who).transport?.session;
    if (session === undefined) return;
    this.#after(1 + this.#chance(LIVENESS_MS), () => {
      const mine = this.#node(who).transport;
      const gone = this.#node(1 - who).transport?.session !== session;
      if (mine?.session === session && mine.ready && gone) {
        this.#step(who, { kind: 'failed', session, reason: 'peer-silent' });
      }
    });
  }

  #tryAgain(who: number, node: Node): void {
    node.failures++;
    const delayMs = 250 + this.#chance(Math.min(30_000, 500 * 2 ** node.failures));
    this.#after(delayMs, () => {
      if (this.#node(who) === node && node.wanted)
        this.#step(who, { kind: 'wanted', session: this.#name(who) });
    });
  }

  #timer(who: number, node: Node, name: 'retransmit' | 'expiry', session: string, delayMs: number): void {
    const armed = ++node.timers[name];
    this.#after(delayMs, () => {
      if (this.#node(who) !== node || node.timers[name] !== armed) return;
      this.#step(who, { kind: name === 'expiry' ? 'expired' : 'retransmit', session });
    });
  }

  #send(who: number, node: Node, signal: Signal): void {
    const sequence = ++node.sequence;
    const copies =
      this.#chance(100) < this.#faults.lossPercent
        ? 0
        : this.#chance(100) < this.#faults.repeatPercent
          ? 2
          : 1;
    // The replay guard of sealed-signals.ts lets only one of the copies through; delays are independent.
    const delays = Array.from({ length: copies }, () => 1 + this.#chance(this.#faults.longestDelayMs));
    if (copies > 0) {
      const delayMs = Math.min(...delays);
      this.#after(delayMs, () => this.#step(1 - who, { kind: 'signal', signal, sequence }));
    }
  }

  #name(who: number): string {
    return `${who}-${this.#order++}`;
  }

  #after(delayMs: number, run: () => void): void {
    this.#at(this.#nowMs + delayMs, run);
  }

  #at(atMs: number, run: () => void): void {
    this.#agenda.push({ atMs, order: this.#order++, run });
  }

  /** A seeded whole number in [0, below): mulberry32. */
  #chance(below: number): number {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let t = this.#random;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % Math.max(1, below);
  }
}
