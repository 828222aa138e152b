/** One node of a link test: real signalling and transports, a datapath that the test brings, and a record of what the overlay sees. */
import { randomUUID } from 'node:crypto';
import { HpkeSealer } from '../../../agent/adapters/hpke-sealer.ts';
import { openMqttBus } from '../../../agent/adapters/mqtt-message-bus.ts';
import { NodeDatachannelFactory } from '../../../agent/adapters/node-datachannel-transport.ts';
import { systemClock } from '../../../agent/adapters/system-clock.ts';
import { LinkManager } from '../../../agent/links/link-manager.ts';
import type { LinkManagerOptions } from '../../../agent/links/link-types.ts';
import type { Datapath, DatapathEvent, DatapathOptions } from '../../../agent/ports/datapath.ts';
import type { Membership } from '../../../agent/ports/member-directory.ts';
import type { MessageBus } from '../../../agent/ports/message-bus.ts';
import { SealedSignals, type SignalIdentity } from '../../../agent/signalling/sealed-signals.ts';
import { macOfNode } from '../../../agent/wire/node-address.ts';
import { topicsOf } from '../../../agent/wire/topics.ts';
import { directoryOf, TEST_FLEET } from '../../fakes/fleet-of-two.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

export interface LinkNodeOptions<D extends Datapath> {
  openDatapath: (options: DatapathOptions, receive: (events: DatapathEvent[]) => void) => D;
  tapName?: string;
  identity: SignalIdentity;
  fleet: readonly Membership[];
  brokerUrl: string;
  underlayAddress: string;
  links?: Partial<LinkManagerOptions>;
}

export class LinkNode<D extends Datapath> {
  readonly identity: SignalIdentity;
  readonly bus: MessageBus;
  readonly signals: SealedSignals;
  readonly datapath: D;
  readonly links: LinkManager;
  readonly log = new RecordingLog();
  readonly events: string[] = [];
  readonly frames: Uint8Array[] = [];

  constructor(options: LinkNodeOptions<D>) {
    const { identity } = options;
    this.identity = identity;
    this.bus = openMqttBus({ url: options.brokerUrl, clientId: `${identity.nodeId}-${randomUUID()}` });
    this.signals = new SealedSignals({
      bus: this.bus,
      sealer: new HpkeSealer(),
      directory: directoryOf(options.fleet),
      topics: topicsOf(TEST_FLEET),
      own: identity,
      clock: systemClock,
      log: this.log,
    });
    this.datapath = this.#openDatapath(options);
    this.links = new LinkManager({
      self: { nodeId: identity.nodeId },
      signals: this.signals,
      transports: new NodeDatachannelFactory({ isOverlayAddress: () => false, log: this.log }),
      datapath: this.datapath,
      host: {
        underlayAddresses: () => [options.underlayAddress],
        onChange: () => undefined,
        close: () => undefined,
      },
      aesHardware: true,
      iceServers: [],
      mtuBytes: 1400,
      idleCloseMs: 0,
      isOverlayAddress: () => false,
      clock: systemClock,
      log: this.log,
      ...options.links,
    });
    this.links.onUp((slot) => this.events.push(`up ${slot}`));
    this.links.onDown((slot, reason) => this.events.push(`down ${slot} ${reason}`));
    this.links.onFrame((slot, frame) => {
      this.frames.push(frame);
      this.datapath.deliverSoon(slot, frame);
    });
  }

  async start(): Promise<this> {
    this.bus.connect();
    await this.signals.ready;
    return this;
  }

  /** The state of the only link there is. */
  report() {
    return this.links.reports()[0];
  }

  async stop(): Promise<void> {
    await this.links.stop();
    await this.kill();
  }

  /** Goes without a word to its peers. */
  async kill(): Promise<void> {
    this.signals.close();
    await this.bus.close();
    await this.datapath.close();
  }

  #openDatapath(options: LinkNodeOptions<D>): D {
    const { membership, nodeId } = options.identity;
    const datapathOptions = {
      tapName: options.tapName ?? 'test0',
      mac: macOfNode(nodeId),
      mtuBytes: 1400,
      ip4: { address: membership.ip4, prefixLength: 32 },
      ip6: { address: membership.ip6, prefixLength: 128 },
      udpPort: 0,
    };
    return options.openDatapath(datapathOptions, (events) => {
      for (const event of events) {
        if (event.kind === 'slow-path' || event.kind === 'oversize')
          this.links.sendFrame(event.slot, event.frame);
        else this.links.receiveDatapathEvent(event);
      }
    });
  }
}
