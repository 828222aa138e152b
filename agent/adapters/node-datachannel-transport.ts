/**
 * PeerTransport over node-datachannel (libdatachannel): one PeerConnection with two negotiated channels. Nothing is
 * thrown into the library's callbacks, and nothing is delivered after close. Each PeerConnection has ICE credentials
 * and a DTLS certificate of its own, made by the library.
 */
import ndc, { type DataChannel, type PeerConnection } from 'node-datachannel';
import { Refusal, sentenceOf } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type {
  PeerTransport,
  PeerTransportEvents,
  PeerTransportFactory,
  SelectedPair,
  SendResult,
  TransportState,
} from '../ports/peer-transport.ts';
import { FrameChannel } from './frame-channel.ts';
import {
  candidateTypeOf,
  endpointText,
  isUsableCandidate,
  withOffererFirst,
  withoutCredentials,
  withUsableCandidates,
} from './ice-description.ts';

/** Control messages are few and small: a peer that lets so much wait reads nothing. */
const MAX_BUFFERED_BYTES = 256 * 1024;
/** More than the longest message of either channel. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** libdatachannel's default: safe on every IPv6 path, where libjuice's packets may not be fragmented. */
const DEFAULT_MTU_BYTES = 1280;
/** More remote candidates than libjuice itself can have are noise or an attack. */
const MAX_REMOTE_CANDIDATES = 64;

const STATES: ReadonlySet<string> = new Set<TransportState>([
  'connecting',
  'connected',
  'disconnected',
  'failed',
  'closed',
]);

export interface NodeDatachannelOptions {
  /** libjuice gathers the TAP's own addresses too; a link through the overlay would carry itself. */
  isOverlayAddress: (address: string) => boolean;
  log: Log;
  mtuBytes?: number;
}

class NodeDatachannelTransport implements PeerTransport {
  readonly #pc: PeerConnection;
  /** References: a channel that nobody refers to is collected, and closes. */
  readonly #control: DataChannel;
  readonly #frames: DataChannel;
  readonly #frameChannel: FrameChannel;
  readonly #events: PeerTransportEvents;
  readonly #options: NodeDatachannelOptions;
  #remoteCandidates = 0;
  #ready = false;
  #closed = false;

  constructor(pc: PeerConnection, events: PeerTransportEvents, options: NodeDatachannelOptions) {
    this.#pc = pc;
    this.#events = events;
    this.#options = options;
    this.#control = pc.createDataChannel('control', { negotiated: true, id: 0 });
    this.#frames = pc.createDataChannel('frames', {
      negotiated: true,
      id: 1,
      unordered: true,
      maxRetransmits: 0,
    });
    this.#frameChannel = new FrameChannel(this.#frames, (task) => this.#closed || this.#guard('send', task));
    this.#listen();
  }

  offer(): void {
    if (!this.#closed) this.#pc.setLocalDescription('offer');
  }

  acceptOffer(sdp: string): void {
    this.#setRemote(withOffererFirst(sdp), 'offer');
    if (!this.#closed) this.#pc.setLocalDescription('answer');
  }

  acceptAnswer(sdp: string): void {
    this.#setRemote(sdp, 'answer');
  }

  addRemoteCandidate(candidate: string, mid: string): void {
    if (
      this.#closed ||
      this.#remoteCandidates >= MAX_REMOTE_CANDIDATES ||
      !isUsableCandidate(candidate, this.#options.isOverlayAddress)
    )
      return;
    this.#remoteCandidates += 1;
    this.#guard('candidate', () => this.#pc.addRemoteCandidate(candidate, mid));
  }

  sendControl(message: string): SendResult {
    return this.#send(() => {
      if (!this.#control.isOpen()) return 'closed';
      if (this.#control.bufferedAmount() >= MAX_BUFFERED_BYTES) return 'full';
      this.#control.sendMessage(message);
      return 'sent';
    });
  }

  sendFrame(frame: Uint8Array): SendResult {
    return this.#send(() => this.#frameChannel.send(frame));
  }

  bufferedBytes(): number {
    return this.#closed ? 0 : (this.#guard('buffered', () => this.#frames.bufferedAmount()) ?? 0);
  }

  selectedPair(): SelectedPair | null {
    const pair = this.#closed ? null : this.#guard('pair', () => this.#pc.getSelectedCandidatePair());
    if (!pair) return null;
    const { local, remote } = pair;
    return {
      localType: candidateTypeOf(local.type),
      remoteType: candidateTypeOf(remote.type),
      local: endpointText(local.address, local.port),
      remote: endpointText(remote.address, remote.port),
    };
  }

  remoteFingerprint(): string | null {
    const print = this.#closed ? null : this.#guard('fingerprint', () => this.#pc.remoteFingerprint());
    return print?.algorithm === 'sha-256' ? print.value.toUpperCase() : null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#guard('close', () => this.#pc.close());
  }

  #listen(): void {
    const pc = this.#pc;
    pc.onLocalDescription((sdp, type) => {
      if (type === 'offer' || type === 'answer') {
        this.#deliver(() =>
          this.#events.localDescription(type, withUsableCandidates(sdp, this.#options.isOverlayAddress)),
        );
      }
    });
    pc.onLocalCandidate((candidate, mid) => {
      if (isUsableCandidate(candidate, this.#options.isOverlayAddress))
        this.#deliver(() => this.#events.localCandidate(candidate, mid));
    });
    pc.onGatheringStateChange((state) => {
      if (state === 'complete') this.#deliver(() => this.#events.gatheringDone());
    });
    pc.onStateChange((state) => this.#stateChanged(state));
    for (const channel of [this.#control, this.#frames]) {
      channel.onOpen(() => this.#opened());
      channel.onClosed(() => this.#stateChanged('closed'));
      channel.onError((problem) => this.#options.log.debug('transport.channel-error', { problem }));
    }
    this.#control.onMessage((message) => {
      if (typeof message === 'string') this.#deliver(() => this.#events.control(message));
    });
    this.#frameChannel.onFrames((frame) => this.#deliver(() => this.#events.frame(frame)));
  }

  #opened(): void {
    if (this.#ready || !this.#control.isOpen() || !this.#frames.isOpen()) return;
    this.#ready = true;
    this.#deliver(() => this.#events.ready());
  }

  #stateChanged(state: string): void {
    if (!isTransportState(state)) return;
    this.#deliver(() => this.#events.state(state));
    // An unclosed PeerConnection keeps its threads' work and memory.
    if (state === 'failed' || state === 'closed') this.close();
  }

  #send(send: () => SendResult): SendResult {
    if (this.#closed || !this.#ready) return 'closed';
    return this.#guard('send', send) ?? 'closed';
  }

  #setRemote(sdp: string, type: 'offer' | 'answer'): void {
    if (this.#closed) return;
    try {
      this.#pc.setRemoteDescription(withUsableCandidates(sdp, this.#options.isOverlayAddress), type);
    } catch (error) {
      const problem = `the peer's ${type} cannot be used: ${sentenceOf(error)}`;
      throw new Refusal('bad-description', problem, { cause: error });
    }
  }

  #deliver(task: () => void): void {
    if (!this.#closed) this.#guard('listener', task);
  }

  /** The library is C++: whatever is thrown at it, or by it, ends here. */
  #guard<T>(what: string, task: () => T): T | null {
    try {
      return task();
    } catch (error) {
      this.#options.log.warn('transport.failed', { what, problem: sentenceOf(error) });
      return null;
    }
  }
}

/** Makes transports; `close` may block for seconds while the library's threads end. */
export class NodeDatachannelFactory implements PeerTransportFactory {
  readonly #options: NodeDatachannelOptions;

  constructor(options: NodeDatachannelOptions) {
    this.#options = options;
  }

  /** Throws Refusal('bad-ice-server') on a STUN or TURN URL that the library cannot use. */
  create(peerName: string, iceServers: readonly string[], events: PeerTransportEvents): PeerTransport {
    let pc: PeerConnection;
    try {
      pc = new ndc.PeerConnection(peerName, {
        iceServers: [...iceServers],
        mtu: this.#options.mtuBytes ?? DEFAULT_MTU_BYTES,
        maxMessageSize: MAX_MESSAGE_BYTES,
        disableAutoNegotiation: true,
      });
    } catch {
      // The library's own words repeat the URL with its password.
      const servers = iceServers.map(withoutCredentials).join(', ') || '(none)';
      throw new Refusal(
        'bad-ice-server',
        `no connection can be made with the ICE servers ${servers}: check their URLs`,
      );
    }
    return new NodeDatachannelTransport(pc, events, this.#options);
  }

  close(): void {
    ndc.cleanup();
  }
}

function isTransportState(state: string): state is TransportState {
  return STATES.has(state);
}
