/** The node's links: LinkTable over signals, transports and the datapath. It owns the slots and the 250 ms tick. */
import { Refusal } from '../errors.ts';
import type { AgentEvent, LinkReport } from '../ports/agent-control.ts';
import type { Timer } from '../ports/clock.ts';
import type { DatapathEvent } from '../ports/datapath.ts';
import type { LinkCondition, LinkTable } from '../ports/link-table.ts';
import type { Membership } from '../ports/member-directory.ts';
import type { SendResult } from '../ports/peer-transport.ts';
import type { Signal } from '../ports/signal-service.ts';
import { macOfNode } from '../wire/node-address.ts';
import { ReceiveIndexes } from './fast-keys.ts';
import { Link } from './link.ts';
import type { PingAnswer } from './link-pings.ts';
import type { LinkFields, LinkManagerOptions } from './link-types.ts';
import { NegotiationMemories } from './negotiation-memory.ts';
import type { FrameLimit } from './path-mtu.ts';
import { ReflexiveEndpoints } from './reflexive-endpoints.ts';
import { SignalOutbox } from './signal-outbox.ts';

/** Slots of the datapath's table, see ports/datapath.ts. */
const SLOTS = 1024;
/** Liveness counts in quarters of a second (link-liveness.ts). */
const TICK_MS = 250;
/** A link used this lately is not sacrificed for another. */
const KEEP_USED_MS = 10_000;
/** How long `stop` waits for peers to hear the byes at least, and for the broker to take them at most. */
const BYE_MS = 100;
const BYE_LIMIT_MS = 1_000;

export class LinkManager implements LinkTable {
  readonly #options: LinkManagerOptions;
  readonly #slots: number;
  readonly #links = new Map<number, Link>();
  readonly #slotOf = new Map<string, number>();
  readonly #memories = new NegotiationMemories();
  readonly #indexes = new ReceiveIndexes();
  readonly #reflexive: ReflexiveEndpoints;
  readonly #outbox: SignalOutbox;
  readonly #onUp: Array<(slot: number) => void> = [];
  readonly #onDown: Array<(slot: number, reason: string) => void> = [];
  readonly #onFrame: Array<(slot: number, frame: Uint8Array) => void> = [];
  readonly #onEvent: Array<(event: AgentEvent) => void> = [];
  #tick: Timer | null = null;
  #stopped = false;

  constructor(options: LinkManagerOptions, slots = SLOTS) {
    this.#options = options;
    this.#slots = slots;
    this.#outbox = new SignalOutbox(options.signals, options.log);
    this.#reflexive = new ReflexiveEndpoints({
      resolve: async (host) => [host],
      ...options,
      changed: () => this.#links.forEach((link) => void link.tellEndpoints()),
    });
    options.signals.onSignal((from, signal, sequence) => this.#receiveSignal(from, signal, sequence));
    options.host.onChange(() => this.networkChanged());
  }

  /** Throws Refusal: `no-free-slot`, `stopping`, `not-a-peer` (ourselves), and those of Datapath.setPeer. */
  request(member: Membership): number {
    const known = this.#slotOf.get(member.nodeId);
    const slot = known ?? this.#open(member);
    this.#links.get(slot)?.request();
    return slot;
  }

  isUp(slot: number): boolean | null {
    return this.#links.get(slot)?.isUp ?? null;
  }

  memberAt(slot: number): Membership | null {
    return this.#links.get(slot)?.member ?? null;
  }

  upSlots(): number[] {
    return [...this.#links].filter(([, link]) => link.isUp).map(([slot]) => slot);
  }

  sendFrame(slot: number, frame: Uint8Array): SendResult {
    return this.#links.get(slot)?.sendFrame(frame) ?? 'closed';
  }

  frameLimit(slot: number): FrameLimit | null {
    return this.#links.get(slot)?.frameLimit ?? null;
  }

  condition(slot: number): LinkCondition {
    return this.#links.get(slot)?.condition ?? 'steady';
  }

  onUp(listener: (slot: number) => void): void {
    this.#onUp.push(listener);
  }

  onDown(listener: (slot: number, reason: string) => void): void {
    this.#onDown.push(listener);
  }

  onFrame(listener: (slot: number, frame: Uint8Array) => void): void {
    this.#onFrame.push(listener);
  }

  /** `link.requested`, `link.up`, `link.path`, `link.down`, `link.failed`, `link.closed`, each with the peer. */
  onEvent(listener: (event: AgentEvent) => void): void {
    this.#onEvent.push(listener);
  }

  reports(): LinkReport[] {
    return [...this.#links.values()].map((link) => link.report());
  }

  /** Takes every event of the datapath; those that are not about paths are not looked at. */
  receiveDatapathEvent(event: DatapathEvent): void {
    if (event.kind === 'probe-reply') {
      this.#links.get(event.slot)?.probeReply(event.endpoint, event.id, event.rttUs);
    } else if (event.kind === 'heard') this.#links.get(event.slot)?.heard(event.endpoint);
    else if (event.kind === 'stun') this.#reflexive.receive(event.endpoint, event.message);
  }

  /** Says bye and frees the slot; false where there is no link. */
  close(nodeId: string, reason: string): boolean {
    const slot = this.#slotOf.get(nodeId);
    if (slot === undefined) return false;
    this.#links.get(slot)?.close(reason);
    return true;
  }

  /** One round trip, after the link is up. Rejects with Refusal: `no-such-link`, `no-answer`. */
  ping(slot: number, timeoutMs: number): Promise<PingAnswer> {
    const link = this.#links.get(slot);
    if (!link) return Promise.reject(new Refusal('no-such-link', `there is no link in slot ${slot}`));
    return link.ping(timeoutMs);
  }

  networkChanged(): void {
    this.#reflexive.networkChanged();
    for (const link of [...this.#links.values()]) link.networkChanged();
  }

  /** Says bye on every link; resolves when the broker has the byes, or after a second. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const link of [...this.#links.values()]) link.close('stopping');
    const { clock } = this.#options;
    const lingered = new Promise<void>((resolve) => void clock.after(BYE_MS, resolve));
    const sent = Promise.allSettled([this.#outbox.settled(), lingered]);
    await new Promise<void>((resolve) => {
      const limit = clock.after(BYE_LIMIT_MS, resolve);
      void sent.then(() => {
        limit.cancel();
        resolve();
      });
    });
  }

  #open(member: Membership): number {
    if (this.#stopped) throw new Refusal('stopping', 'this node is stopping and makes no new links');
    if (member.nodeId === this.#options.self.nodeId) {
      throw new Refusal('not-a-peer', 'a node makes no link to itself');
    }
    const slot = this.#freeSlot();
    const link = new Link({
      options: this.#options,
      indexes: this.#indexes,
      slot,
      member,
      reflexive: () => this.#reflexive.endpoints,
      memory: this.#memories.of(member.nodeId),
      send: (signal) => this.#outbox.send(member, signal),
      events: {
        up: () => this.#onUp.forEach((listener) => void listener(slot)),
        down: (reason) => this.#onDown.forEach((listener) => void listener(slot, reason)),
        frame: (frame) => this.#onFrame.forEach((listener) => void listener(slot, frame)),
        over: (reason) => this.#free(slot, link, reason),
        happened: (name, fields) => this.#happened(member, name, fields),
      },
    });
    const { nodeId, ip4, ip6 } = member;
    this.#options.datapath.setPeer({ slot, mac: macOfNode(nodeId), ip4, ip6 });
    this.#links.set(slot, link);
    this.#slotOf.set(nodeId, slot);
    this.#tick ??= this.#options.clock.every(TICK_MS, () => this.#watch());
    this.#reflexive.start();
    this.#happened(member, 'link.requested', { slot });
    return slot;
  }

  #freeSlot(): number {
    if (this.#links.size >= this.#slots) this.#sacrifice();
    for (let slot = 0; slot < this.#slots; slot++) if (!this.#links.has(slot)) return slot;
    throw new Refusal('no-free-slot', `all ${this.#slots} links of this node are in use: close one, or wait`);
  }

  /** Makes room by closing the link that was unused for longest, if any was unused for a while. */
  #sacrifice(): void {
    const latest = this.#options.clock.monotonicMs() - KEEP_USED_MS;
    const unused = [...this.#links.values()].filter((link) => link.usedAtMs < latest);
    unused.sort((a, b) => a.usedAtMs - b.usedAtMs)[0]?.close('idle');
  }

  #free(slot: number, link: Link, reason: string): void {
    this.#links.delete(slot);
    this.#slotOf.delete(link.member.nodeId);
    this.#memories.keep(link.member.nodeId, link.memory);
    this.#options.datapath.removePeer(slot);
    if (this.#links.size === 0) {
      this.#tick?.cancel();
      this.#tick = null;
      this.#reflexive.stop();
    }
    this.#happened(link.member, 'link.closed', { reason });
    for (const listener of this.#onDown) listener(slot, reason);
  }

  #receiveSignal(from: Membership, signal: Signal, sequence: number): void {
    if (this.#stopped) return;
    const known = this.#slotOf.get(from.nodeId);
    if (known !== undefined) this.#links.get(known)?.receiveSignal(signal, sequence);
    else if (signal.kind === 'answer' || signal.kind === 'ask')
      this.#outbox.send(from, byeTo(signal, 'unknown-session'));
    else if (signal.kind === 'offer') this.#receiveOffer(from, signal, sequence);
  }

  #receiveOffer(from: Membership, signal: Signal, sequence: number): void {
    try {
      this.#links.get(this.#open(from))?.receiveSignal(signal, sequence);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#options.log.warn('link.refused', { peer: from.nodeId, problem: error.message });
      this.#outbox.send(from, byeTo(signal, error.reason));
    }
  }

  #watch(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const { peers } = this.#options.datapath.stats();
    for (const [slot, link] of [...this.#links]) link.tick(nowMs, peers.get(slot));
  }

  #happened(member: Membership, name: string, fields: LinkFields): void {
    const all = { peer: member.nodeId, name: member.name, ...fields };
    this.#options.log.info(name, all);
    const event = { at: this.#options.clock.wallMs(), name, fields: all };
    for (const listener of this.#onEvent) listener(event);
  }
}

const byeTo = (signal: Signal, reason: string): Signal => ({ kind: 'bye', session: signal.session, reason });
