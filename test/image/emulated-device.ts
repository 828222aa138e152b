/** A board of the test: an emulated machine on the lab's LAN, with a card of its own that outlives each power cycle. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentFault } from '../../agent/errors.ts';
import { emulatedBoard } from '../../image-build/machine/emulated-board.ts';
import { canUseKvm } from '../../image-build/machine/kvm.ts';
import { kernelFilesOf } from '../../image-build/machine/machine-image.ts';
import { type KernelFiles, type Machine, qemuCommand } from '../../image-build/machine/qemu-command.ts';
import { openImage } from '../../image-build/product/opened-image.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/lab-process.ts';

/** Interface names have 15 bytes at most. */
const CARD_NAME_BYTES = 15;
/** QEMU refuses what it does not understand within this time. */
const STARTS_WITHIN_MS = 1_000;
const DIES_WITHIN_MS = 10_000;

export interface PowerOptions {
  /** Records every write; see write-log.ts. */
  readonly writeLog?: string;
  readonly clock?: string;
  /** More words for the kernel's command line. */
  readonly commandLine?: string;
}

export class EmulatedDevice {
  readonly name: string;
  readonly board: string;
  /** The image that the board starts from, and writes to. */
  readonly card: string;
  readonly qmpSocket: string;
  /** Sets levels at the board's pins; see board-pins.ts. */
  readonly testSocket: string;
  readonly #lab: Lab;
  readonly #console: WriteStream;
  readonly #mac: string;
  /** What starts it where words are added to the kernel's command line; the boards of QEMU's own always start so. */
  readonly #kernel: KernelFiles | null;
  readonly #closeImage: () => Promise<void>;
  #machine: LabProcess | undefined;

  private constructor(
    lab: Lab,
    name: string,
    board: string,
    card: string,
    number: number,
    consoleFile: string,
    kernel: KernelFiles | null,
    closeImage: () => Promise<void>,
  ) {
    this.name = name;
    this.board = board;
    this.card = card;
    this.qmpSocket = join(lab.directory, `${name}.qmp`);
    this.testSocket = join(lab.directory, `${name}.qtest`);
    this.#lab = lab;
    this.#mac = `52:54:00:77:00:${number.toString(16).padStart(2, '0')}`;
    this.#console = createWriteStream(consoleFile, { flags: 'a' });
    this.#kernel = kernel;
    this.#closeImage = closeImage;
  }

  /** `number` makes its Ethernet address, from 1 to 255. */
  static async make(
    lab: Lab,
    { name, board, card, number, consoleFile }: DeviceOptions,
    signal: AbortSignal,
  ): Promise<EmulatedDevice> {
    const image = await openImage(card, signal);
    const kernel = await kernelFilesOf(image, emulatedBoard(board), signal, true);
    const device = new EmulatedDevice(lab, name, board, card, number, consoleFile, kernel, image.close);
    await device.#plugIn();
    return device;
  }

  get isOn(): boolean {
    return this.#machine !== undefined;
  }

  async powerOn(options: PowerOptions = {}): Promise<LabProcess> {
    const board = emulatedBoard(this.board);
    const { writeLog, clock, commandLine } = options;
    for (const socket of [this.qmpSocket, this.testSocket]) await rm(socket, { force: true });
    // QEMU opens a log that is there.
    if (writeLog !== undefined) await writeFile(writeLog, '');
    const kernel = this.#kernelWith(commandLine);
    const machine: Machine = {
      board,
      disk: { path: this.card, isSnapshot: false, ...(writeLog === undefined ? {} : { writeLog }) },
      kernel,
      memoryMb: board.defaultMemoryMb,
      network: { kind: 'tap', device: this.#tap, mac: this.#mac },
      hasKvm: await canUseKvm(board),
      console: 'output',
      qmpSocket: this.qmpSocket,
      testSocket: this.testSocket,
      ...(clock === undefined ? {} : { clock }),
    };
    this.#console.write(`\n===== power on, ${new Date().toISOString()} =====\n`);
    this.#machine = this.#lab.lan.spawn(`the console of ${this.name}`, qemuCommand(machine), {
      onLine: (line) => this.#console.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`),
    });
    const early = await Promise.race([this.#machine.exited, sleep(STARTS_WITHIN_MS)]);
    if (early) {
      throw new EnvironmentFault('no-machine', `QEMU ended at once: ${this.#machine.lastLines(2).join(' ')}`);
    }
    return this.#machine;
  }

  /** Pulls the plug: QEMU has no time for anything. */
  async cutPower(): Promise<void> {
    const machine = this.#machine;
    if (!machine) return;
    this.#machine = undefined;
    machine.kill('SIGKILL');
    const timer = setTimeout(() => undefined, DIES_WITHIN_MS);
    await machine.exited;
    clearTimeout(timer);
  }

  lastLines(count: number): string[] {
    return this.#machine?.lastLines(count) ?? [];
  }

  /** Takes the board away; its card stays. */
  async remove(): Promise<void> {
    await this.cutPower();
    await this.#lab.lan.run(['ip', 'link', 'delete', this.#tap]);
    this.#console.end();
    await this.#closeImage();
  }

  #kernelWith(moreWords: string | undefined): KernelFiles | null {
    if (moreWords === undefined) return emulatedBoard(this.board).boots === 'disk' ? null : this.#kernel;
    return this.#kernel && { ...this.#kernel, commandLine: `${this.#kernel.commandLine} ${moreWords}` };
  }

  get #tap(): string {
    return `q-${this.name}`.slice(0, CARD_NAME_BYTES);
  }

  async #plugIn(): Promise<void> {
    const commands = [
      ['ip', 'tuntap', 'add', 'dev', this.#tap, 'mode', 'tap'],
      ['ip', 'link', 'set', this.#tap, 'master', 'br0', 'up'],
    ];
    for (const command of commands) {
      const { code, stderr } = await this.#lab.lan.run(command);
      if (code !== 0) throw new EnvironmentFault('no-tap', `${command.join(' ')}: ${stderr}`);
    }
  }
}

export interface DeviceOptions {
  readonly name: string;
  readonly board: string;
  readonly card: string;
  readonly number: number;
  readonly consoleFile: string;
}
