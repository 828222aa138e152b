/**
 * The sensors by CoAP (RFC 7252) on the node's virtual addresses. A datagram's way:
 *
 *   1. overlay guard: a stranger gets no answer, so nobody is amplified to     2. is it CoAP at all
 *   3. acknowledgement or reset of a notification (observers.ts)               4. request (coap-message.ts)
 *   5. may he, and not too often; its resource (coap-resources.ts)             6. in blocks where it is large
 *
 * A question that is repeated is answered anew; a command is not carried out twice (command-memory.ts).
 */
import type { ParsedPacket } from 'coap-packet';
import { sentenceOf } from '../../../agent/errors.ts';
import type { Clock } from '../../../agent/ports/clock.ts';
import type { DatagramBinding, DatagramEndpoint, DatagramSockets } from '../../../agent/ports/datagram.ts';
import type { Log } from '../../../agent/ports/log.ts';
import { BlockAnswers } from './block-answers.ts';
import {
  type CoapAnswer,
  type CoapRequest,
  type Envelope,
  isAnswer,
  readPacket,
  readRequest,
  writeAnswer,
  writeReset,
} from './coap-message.ts';
import { CoapResources, type CoapResourcesOptions, MAX_AGE_S } from './coap-resources.ts';
import { CommandMemory } from './command-memory.ts';
import { Observers } from './observers.ts';

/** Requests whose client is still being looked up. */
const MOST_UNDECIDED = 64;
const OBSERVE_SEQUENCES = 2 ** 24;

export interface CoapServiceOptions extends CoapResourcesOptions {
  sockets: DatagramSockets;
  clock: Clock;
  log: Log;
  random: () => number;
  /** Whether a datagram from there is looked at. */
  admits: (remoteAddress: string) => boolean;
}

export class CoapService {
  readonly #options: CoapServiceOptions;
  readonly #resources: CoapResources;
  readonly #blocks: BlockAnswers;
  readonly #commands: CommandMemory;
  readonly #observers: Observers;
  #bindings: DatagramBinding[] = [];
  #undecided = 0;
  #messageId: number;
  #sequence = 0;

  constructor(options: CoapServiceOptions) {
    this.#options = options;
    this.#resources = new CoapResources(options);
    this.#blocks = new BlockAnswers(options.clock);
    this.#commands = new CommandMemory(options.clock);
    this.#observers = new Observers(options, this.#resources);
    this.#messageId = Math.floor(options.random() * 2 ** 16);
  }

  get observations(): number {
    return this.#observers.count;
  }

  /** `coap://10.64.0.7/`, one per binding. */
  get listening(): string[] {
    return this.#bindings.map(({ address, port }) => {
      const host = address.includes(':') ? `[${address}]` : address;
      return `coap://${host}${port === 5683 ? '' : `:${port}`}/`;
    });
  }

  /** Answers on exactly these addresses; called again, it binds what is missing. Throws the first EnvironmentFault. */
  async listen(addresses: readonly string[], port: number): Promise<void> {
    const leaving = this.#bindings.filter(({ address }) => !addresses.includes(address));
    this.#bindings = this.#bindings.filter(({ address }) => addresses.includes(address));
    await Promise.all(leaving.map((binding) => binding.close()));
    const missing = addresses.filter((one) => !this.#bindings.some(({ address }) => address === one));
    const outcomes = await Promise.allSettled(missing.map((address) => this.#bind(address, port)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async close(): Promise<void> {
    this.#observers.close();
    await Promise.all(this.#bindings.splice(0).map((binding) => binding.close()));
  }

  async #bind(address: string, port: number): Promise<void> {
    const binding: DatagramBinding = await this.#options.sockets.bind({
      address,
      port,
      receive: (message, from) => this.#receive(binding, message, from),
    });
    this.#bindings.push(binding);
  }

  #receive(binding: DatagramBinding, message: Uint8Array, from: DatagramEndpoint): void {
    if (!this.#options.admits(from.address)) return;
    const packet = readPacket(message);
    if (!packet) return;
    if (packet.reset || packet.ack) this.#observers.heard(packet, from);
    else if (packet.code === '0.00') binding.send(writeReset(packet.messageId), from);
    else if (packet.code.startsWith('0.')) void this.#answer(binding, packet, from);
  }

  async #answer(binding: DatagramBinding, packet: ParsedPacket, from: DatagramEndpoint): Promise<void> {
    if (this.#undecided >= MOST_UNDECIDED) return;
    this.#undecided++;
    try {
      const envelope: Envelope = packet.confirmable
        ? { kind: 'acknowledgement', messageId: packet.messageId, token: packet.token }
        : { kind: 'non-confirmable', messageId: this.#nextMessageId(), token: packet.token };
      const request = readRequest(packet);
      const message = isAnswer(request)
        ? writeAnswer(envelope, request)
        : await this.#answerTo(binding, envelope, packet.messageId, request, from);
      binding.send(message, from);
    } catch (error) {
      this.#options.log.error('coap.request-failed', { problem: sentenceOf(error) });
    } finally {
      this.#undecided--;
    }
  }

  async #answerTo(
    binding: DatagramBinding,
    envelope: Envelope,
    messageId: number,
    request: CoapRequest,
    from: DatagramEndpoint,
  ): Promise<Buffer> {
    const client = keyOf(from);
    const ask = () => this.#resources.answer(request, from.address);
    const whole =
      request.method === 'PUT'
        ? await this.#commands.once(`${client} ${messageId}`, ask)
        : (this.#blocks.recall(client, request) ?? (await ask()));
    const [answer, options] = this.#blocks.cut(client, request, whole);
    const tell = (state: CoapAnswer, confirmable: boolean) =>
      this.#notify(binding, from, envelope.token, state, confirmable);
    return this.#observers.answered(from, envelope.token, request, answer, tell)
      ? writeAnswer(envelope, lasting(answer), { ...options, observe: this.#nextSequence() })
      : writeAnswer(envelope, answer, options);
  }

  /** An answer other than 2.05 ends the observation (RFC 7641 section 4.2). */
  #notify(
    binding: DatagramBinding,
    to: DatagramEndpoint,
    token: Buffer,
    answer: CoapAnswer,
    confirmable: boolean,
  ): number | null {
    const messageId = this.#nextMessageId();
    const kind = confirmable ? 'confirmable' : 'non-confirmable';
    const goesOn = answer.code === '2.05';
    const [told, extra] = goesOn ? [lasting(answer), { observe: this.#nextSequence() }] : [answer, {}];
    binding.send(writeAnswer({ kind, messageId, token }, told, extra), to);
    return goesOn ? messageId : null;
  }

  #nextMessageId(): number {
    this.#messageId = (this.#messageId + 1) % 2 ** 16;
    return this.#messageId;
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence + 1) % OBSERVE_SEQUENCES;
    return this.#sequence;
  }
}

function keyOf({ address, port }: DatagramEndpoint): string {
  return `${address} ${port}`;
}

/** Fresh until the next notification is due, unlike the answer to somebody who asks once. */
function lasting(answer: CoapAnswer): CoapAnswer {
  return { ...answer, maxAgeS: MAX_AGE_S };
}
