/**
 * The datapath port over the addon in agent/native/. The addon checks its arguments and throws errno and step; here
 * those become sentences, and the machine's own addresses are looked at before a TAP is made.
 */
import { constants } from 'node:os';
import { EnvironmentFault, Refusal, sentenceOf, UsageError } from '../errors.ts';
import type {
  AeadCipher,
  Datapath,
  DatapathEvent,
  DatapathOptions,
  DatapathPeer,
  DatapathStats,
  Endpoint,
  FastSession,
  OpenDatapath,
  PeerTraffic,
} from '../ports/datapath.ts';
import { FrameBundle, framesIn } from '../wire/frame-bundle.ts';
import { overlappingAddress } from './address-overlap.ts';
import { interfaceAddresses } from './interface-addresses.ts';
import { loadNativeAddon } from './native-addon.ts';

/** The class that the addon exports; agent/native/binding.c. */
interface Addon {
  readonly Datapath: new (options: DatapathOptions, receive: (events: AddonEvent[]) => void) => AddonDatapath;
  /** Megabytes a second that this CPU seals. */
  aeadSpeed(): Record<AeadCipher, number>;
}

/** The port's events, but the frames of the slow path many in one, as FrameBundle has them. */
type AddonEvent =
  | Exclude<DatapathEvent, { kind: 'slow-path' }>
  | { kind: 'slow-path'; slot: number; bundle: Uint8Array };

interface AddonDatapath extends Omit<Datapath, 'stats' | 'close' | 'deliverSoon'> {
  /** Frames of the peer in this slot, as FrameBundle has them. */
  deliverBundle(slot: number, bundle: Uint8Array): void;
  stats(): Omit<DatapathStats, 'peers'> & { peers: [slot: number, traffic: PeerTraffic][] };
  close(): void;
}

/** Linux device names: no slash, colon or space; `%d` once, for the kernel's numbering. */
const TAP_NAME = /^(?!\.{1,2}$)(?=.{1,15}$)[^\s/:%]*(%d)?[^\s/:%]*$/;

/** As much as one message of the slow path has. */
const MAX_BUNDLE_BYTES = 16 * 1024;

/**
 * Opens the TAP and the UDP port and starts the datapath's thread. The thread does not keep the process alive; close
 * it to give TAP and port back at once. Throws UsageError for a tapName that no device can have.
 */
export const openNativeDatapath: OpenDatapath = (options, receive) => {
  if (!TAP_NAME.test(options.tapName)) {
    throw new UsageError(
      `TAP name '${options.tapName}' is not a device name: use 1 to 15 characters without space, '/' or ':'.`,
    );
  }
  refuseTakenAddresses(options);
  const addon = loadAddon();
  try {
    const datapath = new addon.Datapath(options, (events) => receive(events.flatMap(portEvents)));
    return new NativeDatapath(datapath, options);
  } catch (error) {
    throw environmentFault(error, options);
  }
};

function portEvents(event: AddonEvent): DatapathEvent[] {
  if (event.kind !== 'slow-path') return [event];
  const { kind, slot, bundle } = event;
  return framesIn(bundle).map((frame) => ({ kind, slot, frame }));
}

class NativeDatapath implements Datapath {
  readonly tapName: string;
  readonly udpPort: number;
  readonly ip6Configured: boolean;
  readonly #addon: AddonDatapath;
  readonly #options: DatapathOptions;
  /** Frames of one peer that came in this turn of the event loop: one crossing, and one write where they join. */
  readonly #bundle = new FrameBundle(MAX_BUNDLE_BYTES);
  #bundledSlot = 0;

  constructor(addon: AddonDatapath, options: DatapathOptions) {
    this.#addon = addon;
    this.#options = options;
    this.tapName = addon.tapName;
    this.udpPort = addon.udpPort;
    this.ip6Configured = addon.ip6Configured;
  }

  setPeer(peer: DatapathPeer): void {
    refusing(() => this.#addon.setPeer(peer), `Peer ${peer.mac} in slot ${peer.slot}`);
  }

  removePeer(slot: number): void {
    this.#addon.removePeer(slot);
  }

  addSession(slot: number, session: FastSession): void {
    refusing(() => this.#addon.addSession(slot, session), `Session ${session.receiveIndex} for slot ${slot}`);
  }

  useSession(slot: number): void {
    this.#addon.useSession(slot);
  }

  forgetPreviousSession(slot: number): void {
    this.#addon.forgetPreviousSession(slot);
  }

  setPath(slot: number, endpoint: Endpoint | null, maxFrameBytes?: number): void {
    refusing(() => this.#addon.setPath(slot, endpoint, maxFrameBytes), `Path of slot ${slot}`);
  }

  sendFrame(slot: number, frame: Uint8Array): boolean {
    return this.#addon.sendFrame(slot, frame);
  }

  deliver(slot: number | null, frame: Uint8Array): boolean {
    return this.#addon.deliver(slot, frame);
  }

  deliverSoon(slot: number, frame: Uint8Array): void {
    if (slot !== this.#bundledSlot) this.#deliverBundle();
    if (this.#bundle.isEmpty) queueMicrotask(() => this.#deliverBundle());
    this.#bundledSlot = slot;
    if (this.#bundle.add(frame)) return;
    this.#deliverBundle();
    if (!this.#bundle.add(frame)) this.#addon.deliver(slot, frame);
  }

  #deliverBundle(): void {
    if (!this.#bundle.isEmpty) this.#addon.deliverBundle(this.#bundledSlot, this.#bundle.take());
  }

  sendProbe(slot: number, endpoint: Endpoint, id: number, frameBytes?: number): void {
    this.#addon.sendProbe(slot, endpoint, id, frameBytes);
  }

  sendStun(endpoint: Endpoint, message: Uint8Array): void {
    this.#addon.sendStun(endpoint, message);
  }

  restoreInterface(): void {
    try {
      this.#addon.restoreInterface();
    } catch (error) {
      throw environmentFault(error, this.#options);
    }
  }

  stats(): DatapathStats {
    const { peers, ...totals } = this.#addon.stats();
    return { ...totals, peers: new Map(peers) };
  }

  async close(): Promise<void> {
    this.#addon.close();
  }
}

/**
 * Whether AES-256-GCM is the quicker of the two ciphers on this CPU, measured in a millisecond or two. AES-GCM wins where
 * they are close: noise must not decide.
 */
export function aesIsQuicker(): boolean {
  const speed = loadAddon().aeadSpeed();
  return speed['aes-256-gcm'] * 1.1 >= speed['chacha20-poly1305'];
}

function loadAddon(): Addon {
  return loadNativeAddon() as Addon;
}

function refuseTakenAddresses({ ip4, ip6 }: DatapathOptions): void {
  for (const { device, address, prefixLength } of interfaceAddresses()) {
    const cidr = `${address}/${prefixLength}`;
    const taken = overlappingAddress(cidr, [ip4, ip6]);
    if (!taken) continue;
    throw new EnvironmentFault(
      'address-in-use',
      `The overlay's address ${taken} overlaps ${cidr} of ${device} on this machine: take ${device} down, or give the fleet another network.`,
    );
  }
}

/** What a result of the addon's table means to the caller: a peer or session that cannot be had beside the others. */
function refusing(change: () => void, subject: string): void {
  try {
    change();
  } catch (cause) {
    const code = codeOf(cause);
    if (!['no-such-peer', 'mac-in-use', 'index-in-use', 'no-memory'].includes(code)) throw cause;
    throw new Refusal(code, `${subject} is refused by the datapath: ${sentenceOf(cause)}`, { cause });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

const { EPERM, EACCES, EBUSY, EINVAL, EADDRINUSE, ENOENT, ENODEV, ENXIO } = constants.errno;

/** The addon's {step, errno} as one of the port's faults; anything else (TypeError, RangeError) is passed on. */
function environmentFault(cause: unknown, { tapName, udpPort }: DatapathOptions): unknown {
  if (!(cause instanceof Error && 'step' in cause && 'errno' in cause)) return cause;
  const { step, errno, message } = cause;
  const fault = (code: string, sentence: string, retryable = false) =>
    new EnvironmentFault(code, sentence, { cause, retryable });

  if (step === 'open-tun-device' && (errno === ENOENT || errno === ENODEV || errno === ENXIO)) {
    return fault('no-tun-device', "There is no /dev/net/tun: load the kernel's tun module (modprobe tun).");
  }
  if (errno === EPERM || errno === EACCES) {
    return fault(
      'no-privilege',
      `Making TAP device '${tapName}' is not permitted (${step}): run as root or with CAP_NET_ADMIN, or in a user namespace with /dev/net/tun of mode 0666.`,
    );
  }
  if (step === 'create-tap' && (errno === EBUSY || errno === EINVAL)) {
    return fault(
      'tap-name-in-use',
      `Another process or interface has the name '${tapName}': stop it, or choose another TAP name.`,
      true,
    );
  }
  if (step === 'bind-udp-port' && errno === EADDRINUSE) {
    return fault(
      'port-in-use',
      `UDP port ${udpPort} is taken by another process: stop it, or choose another port (0: any).`,
      true,
    );
  }
  return fault('datapath-failed', `The datapath could not ${String(step).replaceAll('-', ' ')}: ${message}.`);
}
