/** Two or more nodes of links in virtual time: real link managers over fake signals, transports and datapaths. */
import { LinkManager } from '../../../agent/links/link-manager.ts';
import type { LinkManagerOptions } from '../../../agent/links/link-types.ts';
import type { Clock } from '../../../agent/ports/clock.ts';
import type { Membership } from '../../../agent/ports/member-directory.ts';
import type { Signal, SignalService } from '../../../agent/ports/signal-service.ts';
import { macOfNode } from '../../../agent/wire/node-address.ts';
import { FakeDatapath } from '../../fakes/fake-datapath.ts';
import { type FakePeerTransport, FakePeerTransportFactory } from '../../fakes/fake-peer-transport.ts';
import { FakeUnderlay } from '../../fakes/fake-underlay.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

type Listener = (from: Membership, signal: Signal, sequence: number) => unknown;

/** Signals that arrive at once, unless the test cuts them. */
class FakeSignals {
  cut = false;
  /** Signals wait here while this is a list. */
  held: Array<() => unknown> | null = null;
  readonly sent: string[] = [];
  readonly #listeners = new Map<string, Listener>();
  #sequence = 0;

  serviceOf(own: Membership, alive: () => boolean): SignalService {
    return {
      send: async (to, signal) => {
        if (!alive()) return;
        this.sent.push(signal.kind);
        const sequence = ++this.#sequence;
        if (this.cut) return;
        const deliver = () => this.#listeners.get(to.nodeId)?.(own, signal, sequence);
        if (this.held) this.held.push(deliver);
        else queueMicrotask(deliver);
      },
      onSignal: (listener) => {
        this.#listeners.set(own.nodeId, (...heard) => alive() && listener(...heard));
      },
    };
  }
}

export function member(letter: string): Membership {
  const nodeId = letter.repeat(16);
  const ip4 = `10.64.0.${letter.charCodeAt(0)}`;
  const ip6 = `fd00::${letter.charCodeAt(0)}`;
  const key = new Uint8Array(32);
  return {
    nodeId,
    name: letter,
    publicKey: key,
    sealingKey: key,
    ip4,
    ip6,
    tags: [],
    serial: 1,
    certificate: key,
  };
}

/** The clock of a process that may be killed: its tasks are never run then. */
function mortalClock(clock: Clock, alive: () => boolean): Clock {
  return {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, task) => clock.after(delayMs, () => void (alive() && task())),
    every: (periodMs, task) => clock.every(periodMs, () => void (alive() && task())),
  };
}

export class LinkWorld {
  readonly clock = new ManualClock();
  readonly signals = new FakeSignals();
  readonly underlay = new FakeUnderlay();
  readonly known = new Map<string, FakePeerTransport>();

  node(own: Membership, { slots, ...options }: Partial<LinkManagerOptions> & { slots?: number } = {}) {
    const { signals, underlay, known } = this;
    let alive = true;
    const clock = mortalClock(this.clock, () => alive);
    const transports = new FakePeerTransportFactory(known);
    const networkListeners: Array<() => void> = [];
    const underlayAddress = `192.0.2.${own.nodeId.charCodeAt(0)}`;
    const datapath: FakeDatapath = new FakeDatapath(
      {
        tapName: 't',
        mac: macOfNode(own.nodeId),
        mtuBytes: 1400,
        ip4: { address: own.ip4, prefixLength: 16 },
        ip6: { address: own.ip6, prefixLength: 64 },
        udpPort: 0,
      },
      (events) => {
        for (const event of events) links.receiveDatapathEvent(event);
      },
      { underlay, underlayAddress, nowMs: () => clock.monotonicMs() },
    );
    const links: LinkManager = new LinkManager(
      {
        self: { nodeId: own.nodeId },
        signals: signals.serviceOf(own, () => alive),
        transports,
        datapath,
        host: {
          underlayAddresses: () => [underlayAddress],
          onChange: (listener) => void networkListeners.push(listener),
          close: () => undefined,
        },
        aesHardware: own.nodeId.startsWith('a'),
        iceServers: [],
        mtuBytes: 1400,
        idleCloseMs: 60_000,
        isOverlayAddress: () => false,
        clock,
        log: new RecordingLog(),
        random: () => 0.5,
        ...options,
      },
      slots,
    );
    const happened: string[] = [];
    links.onEvent(({ name, fields }) =>
      happened.push(`${name} ${fields['reason'] ?? fields['path'] ?? ''}`.trim()),
    );
    /** The process is gone, without a word. */
    const kill = async () => {
      alive = false;
      for (const transport of transports.made) transport.freeze();
      await datapath.close();
    };
    const changeNetwork = () => networkListeners.forEach((listener) => void listener());
    return {
      links,
      datapath,
      transports,
      happened,
      changeNetwork,
      kill,
      state: () => links.reports()[0]?.state ?? 'none',
    };
  }
}

export type WorldNode = ReturnType<LinkWorld['node']>;
