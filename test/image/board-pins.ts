/**
 * Sets the levels of an emulated board's GPIO lines from outside, as a button or a wire would: QEMU's test protocol
 * (docs/devel/qtest) moves the inputs of the chip that its machine model has, and the guest's kernel sees interrupts.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { EnvironmentFault } from '../../agent/errors.ts';
import { unattachedDevice } from './qemu-monitor.ts';

const ANSWER_LIMIT_MS = 20_000;

/** The GPIO chip of QEMU's "virt": as the kernel labels it, and as QEMU calls its type. */
export const PINS_OF_VIRT = { label: '9030000.pl061', type: 'pl061' } as const;

export class BoardPins {
  readonly #testSocket: string;
  readonly #chip: string;

  private constructor(testSocket: string, chip: string) {
    this.#testSocket = testSocket;
    this.#chip = chip;
  }

  /** Of the first chip of that type. Throws EnvironmentFault where the machine has none. */
  static async find(qmpSocket: string, testSocket: string, type: string): Promise<BoardPins> {
    return new BoardPins(testSocket, await unattachedDevice(qmpSocket, type));
  }

  /** Resolves when the chip has the level. */
  async set(line: number, level: 0 | 1): Promise<void> {
    const command = `set_irq_in ${this.#chip} unnamed-gpio-in ${line} ${level}`;
    const answer = await this.#ask(command);
    if (answer !== 'OK') throw new EnvironmentFault('qemu-test', `QEMU and "${command}": ${answer}`);
  }

  #ask(command: string): Promise<string> {
    const connection = connect(this.#testSocket);
    return new Promise<string>((resolve, reject) => {
      connection.setTimeout(ANSWER_LIMIT_MS, () => reject(new Error('QEMU’s test socket does not answer')));
      connection.once('error', reject);
      connection.once('close', () => reject(new Error('QEMU closed its test socket')));
      createInterface({ input: connection }).once('line', resolve);
      connection.write(`${command}\n`);
    }).finally(() => connection.destroy());
  }
}
