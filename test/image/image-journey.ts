/**
 * The cases of the image test, in order: each board from its claim to a reading, what it costs at rest, bad starts, and
 * power cuts. A case that fails does not stop those that do not build on it.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { measureAtRest } from './card-writes.ts';
import { overlayIp6, pathTo, REACHABLE_MS, readings, readingsByName } from './device-checks.ts';
import { EmulatedDevice, type PowerOptions } from './emulated-device.ts';
import { lookInside } from './guest-checks.ts';
import type { GuestShell } from './guest-shell.ts';
import type { AdverseStart, ImageTestOptions, TestedBoard } from './image-options.ts';
import { type ImageReport, seconds } from './image-report.ts';
import type { ImageScene } from './image-scene.ts';
import { pinsDeclaredOn, readPins } from './pin-checks.ts';
import { runPowerCuts } from './power-cuts.ts';
import { setCable } from './qemu-monitor.ts';
import type { TestCards } from './test-cards.ts';
import { joinSignedWifi } from './wifi-checks.ts';

/** Names are also those of network devices and hosts. */
const NAMES: Readonly<Record<TestedBoard, string>> = {
  virt: 'greenhouse',
  raspi3b: 'pi',
  q35: 'cellar',
  'q35-efi': 'attic',
};
/** How long a board is left alone with what it lacks. */
const LACK_MS = 90_000;
/** Where no board has shown how long its first boot takes. */
const USUAL_FIRST_BOOT_MS = 60_000;
const NETWORK_CARD = 'net';

export interface JourneySetting {
  readonly scene: ImageScene;
  readonly cards: TestCards;
  readonly report: ImageReport;
  readonly options: ImageTestOptions;
  readonly boards: readonly TestedBoard[];
  /** Has the bad starts and the power cuts. */
  readonly mainBoard: TestedBoard;
  readonly shell: GuestShell;
  readonly directory: string;
  readonly logs: string;
  readonly signal: AbortSignal;
}

export class ImageJourney {
  readonly #setting: JourneySetting;
  #number = 0;
  #firstBootMs = USUAL_FIRST_BOOT_MS;

  constructor(setting: JourneySetting) {
    this.#setting = setting;
  }

  async run(): Promise<void> {
    const { options, boards, mainBoard: board, scene, cards, report, directory, signal } = this.#setting;
    for (const one of boards) await this.#useBoard(one);
    for (const start of options.adverse) await this.#startBadly(start);
    if (options.powerCuts === 0) return;
    const consoleOf = (name: string): string => this.#consoleOf(name);
    report.note(`power cuts: --seed ${options.seed}`);
    const { cutWithinSeconds } = options;
    const firstBootMs = cutWithinSeconds === null ? this.#firstBootMs : cutWithinSeconds * 1000;
    await runPowerCuts(
      { scene, cards, report, directory, board, consoleOf, signal, firstBootMs },
      options.powerCuts,
      options.seed,
    );
  }

  /** From the claim to a reading in every way, then a restart. */
  async #useBoard(board: TestedBoard): Promise<void> {
    const { scene, report, shell, signal } = this.#setting;
    const name = NAMES[board];
    const keys = ['--ssh-key', shell.publicKeyFile];
    await this.#withDevice(
      name,
      board,
      pinsDeclaredOn(board),
      async (device, ip4) => {
        await device.powerOn();
        const from = performance.now();
        const isUp = await report.run(`${board}: from power on to a reading at ${ip4}`, async () => {
          const found = await readings(scene, name, ip4);
          this.#firstBootMs = performance.now() - from;
          report.measured(`${board}: power on to first reading`, seconds(this.#firstBootMs));
          return `${found.length} sensors`;
        });
        if (!isUp) return this.#tellWhy(device);
        await this.#readEveryWay(board, name, ip4);
        await lookInside({ shell, report, board, ip4, card: device.card });
        await readPins({ scene, report, board, device, ip4 });
        if (board === this.#setting.mainBoard)
          await joinSignedWifi({ scene, report, shell, board, name, ip4 });
        const { restSeconds } = this.#setting.options;
        if (restSeconds > 0) await measureAtRest({ shell, report, board, device, ip4, restSeconds, signal });
        await this.#restart(board, device, ip4);
      },
      keys,
    );
  }

  async #readEveryWay(board: TestedBoard, name: string, ip4: string): Promise<void> {
    const { scene, report } = this.#setting;
    await report.run(`${board}: enrolled, and linked by a fast path`, async () => {
      const { node } = await scene.until('member', name, REACHABLE_MS, (status) => {
        return status.node !== null && status.ack?.outcome === 'committed';
      });
      return `${node?.id}, path ${await pathTo(scene, name)}`;
    });
    await report.run(`${board}: /sensors over IPv6`, async () => {
      const ip6 = await overlayIp6(scene, name);
      return `${(await readings(scene, name, ip6)).length} sensors at ${ip6}`;
    });
    await report.run(`${board}: /sensors at ${name}.local`, async () => {
      const { readings: found, address } = await readingsByName(scene, name);
      if (address !== ip4) throw new Error(`${name}.local is ${address}, and its virtual IP is ${ip4}`);
      return `${found.length} sensors at ${address}`;
    });
  }

  async #restart(board: TestedBoard, device: EmulatedDevice, ip4: string): Promise<void> {
    const { scene, report } = this.#setting;
    await report.run(`${board}: comes back from its card after a power cut at rest`, async () => {
      const before = (await scene.status(device.name)).node?.id;
      await device.cutPower();
      const from = performance.now();
      await device.powerOn();
      await readings(scene, device.name, ip4);
      const after = (await scene.status(device.name)).node?.id;
      if (before !== after) throw new Error(`it was ${before}, and is ${after}`);
      report.measured(`${board}: power on to reading, as a member`, seconds(performance.now() - from));
      return `same identity ${after}`;
    });
  }

  /** A first boot that lacks something; it becomes reachable when it has it. */
  async #startBadly(start: AdverseStart): Promise<void> {
    const { scene, report, mainBoard, signal } = this.#setting;
    const wifi = start === 'wrong-wifi' ? ['--wifi', `nobody's "café" 網`, '--wifi-country', 'DE'] : [];
    const how: Readonly<Record<AdverseStart, PowerOptions>> = {
      'no-network': {},
      // A radio without hardware, in a room without that network.
      'wrong-wifi': { commandLine: 'modules_load=mac80211_hwsim' },
      'no-broker': {},
      'clock-1970': { clock: '1970-01-01T00:00:00' },
    };
    await this.#withDevice(
      start,
      mainBoard,
      null,
      async (device, ip4) => {
        const isUp = await report.run(`a first boot with ${start}`, async () => {
          if (start === 'no-broker') await scene.stopBroker();
          await device.powerOn(how[start]);
          if (start === 'no-network') await setCable(device.qmpSocket, NETWORK_CARD, false);
          if (start === 'no-network' || start === 'no-broker') {
            await sleep(LACK_MS, undefined, { signal });
            if ((await scene.status(start)).node !== null)
              throw new Error('it was admitted without what it lacks');
          }
          if (start === 'no-network') await setCable(device.qmpSocket, NETWORK_CARD, true);
          if (start === 'no-broker') await scene.startBroker();
          const from = performance.now();
          await readings(scene, start, ip4);
          return `reachable ${seconds(performance.now() - from)} after it had all that it needs`;
        });
        if (!isUp) this.#tellWhy(device);
      },
      wifi,
    );
  }

  async #withDevice(
    name: string,
    board: TestedBoard,
    sensors: object | null,
    work: (device: EmulatedDevice, ip4: string) => Promise<void>,
    more: readonly string[] = [],
  ): Promise<void> {
    const { scene, cards, report, signal } = this.#setting;
    let device: EmulatedDevice | undefined;
    let ip4 = '';
    let card = '';
    this.#number += 1;
    const isMade = await report.run(`${board}: a card for ${name}`, async () => {
      const added = await scene.addDevice(name, sensors);
      ip4 = added.ip4;
      card = await cards.make(name, added.claim, more);
      const consoleFile = this.#consoleOf(name);
      device = await EmulatedDevice.make(
        scene.lab,
        { name, board, card, number: this.#number, consoleFile },
        signal,
      );
      return `claim for ${ip4}, tincan image personalise`;
    });
    try {
      if (isMade && device) await work(device, ip4);
    } finally {
      await device?.remove();
      await cards.remove(card);
    }
  }

  #tellWhy(device: EmulatedDevice): void {
    const { report, scene } = this.#setting;
    for (const line of device.lastLines(12)) report.note(`console: ${line}`);
    for (const line of scene.registrarLines(5)) report.note(`registrar: ${line}`);
    report.note(`its whole console is in ${this.#consoleOf(device.name)}`);
  }

  #consoleOf(name: string): string {
    return join(this.#setting.logs, `${name}.console.log`);
  }
}
