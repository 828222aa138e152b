/**
 * Pulls the power at moments that a seed determines, takes away from the card what a real one may lose (write-log.ts),
 * and shows that the board comes back as the same member. Half of the cuts are during the first boot of new boards, half
 * while a board that works gets another config.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentFault, sentenceOf } from '../../agent/errors.ts';
import { REACHABLE_MS, readings } from './device-checks.ts';
import { EmulatedDevice } from './emulated-device.ts';
import type { TestedBoard } from './image-options.ts';
import type { CutResult, ImageReport } from './image-report.ts';
import { seconds } from './image-report.ts';
import type { ImageScene } from './image-scene.ts';
import type { TestCards } from './test-cards.ts';
import { type CutLoss, replayCut, seededChance } from './write-log.ts';

/** A change of config is applied within a second or two of its publication. */
const CONFIG_CUT_WITHIN_MS = 8_000;
/** Addresses of the boards of first boots: from here on, one each. */
const FIRST_NUMBER = 100;

export interface PowerCutSetting {
  readonly scene: ImageScene;
  readonly cards: TestCards;
  readonly report: ImageReport;
  readonly directory: string;
  readonly board: TestedBoard;
  readonly consoleOf: (name: string) => string;
  readonly signal: AbortSignal;
  /** Cuts of a first boot are spread over this time. */
  readonly firstBootMs: number;
}

export async function runPowerCuts(setting: PowerCutSetting, cuts: number, seed: number): Promise<void> {
  const chance = seededChance(seed);
  const ofFirstBoot = Math.ceil(cuts / 2);
  for (let trial = 1; trial <= ofFirstBoot; trial += 1) {
    const afterMs = Math.round(chance() * setting.firstBootMs);
    await record(setting, trial, 'first boot', afterMs, () => cutFirstBoot(setting, trial, afterMs, chance));
  }
  if (cuts > ofFirstBoot) await cutConfigChanges(setting, ofFirstBoot + 1, cuts, chance);
}

type Trial = Omit<CutResult, 'trial' | 'during' | 'afterMs' | 'problem'>;

async function record(
  { report }: PowerCutSetting,
  trial: number,
  during: CutResult['during'],
  afterMs: number,
  work: () => Promise<Trial>,
): Promise<boolean> {
  return report.run(`power cut ${trial}, during ${during}`, async () => {
    try {
      const result = await work();
      report.cuts.push({ trial, during, afterMs, problem: null, ...result });
      const { unflushed, lost, backAfterMs } = result;
      return `after ${seconds(afterMs)}, ${lost} of ${unflushed} unflushed writes lost, back in ${seconds(backAfterMs ?? 0)}`;
    } catch (error) {
      const nothing = { writes: 0, unflushed: 0, lost: 0, wasMember: false, backAfterMs: null };
      report.cuts.push({ trial, during, afterMs, problem: sentenceOf(error), ...nothing });
      throw error;
    }
  });
}

async function cutFirstBoot(
  setting: PowerCutSetting,
  trial: number,
  afterMs: number,
  chance: () => number,
): Promise<Trial> {
  const { scene, cards, board, signal, consoleOf } = setting;
  const name = `cut-${trial}`;
  const { claim, ip4 } = await scene.addDevice(name);
  const card = await cards.make(name, claim);
  const device = await EmulatedDevice.make(
    scene.lab,
    { name, board, card, number: FIRST_NUMBER + trial, consoleFile: consoleOf(name) },
    signal,
  );
  try {
    const loss = await poweredAndCut(setting, device, () => sleep(afterMs, undefined, { signal }), chance);
    const before = (await scene.status(name)).node?.id ?? null;
    const backAfterMs = await comesBack(setting, device, ip4, before);
    return { ...loss, wasMember: before !== null, backAfterMs };
  } finally {
    await device.remove();
    await cards.remove(card);
  }
}

/** One board, again and again: each trial goes on from the card that the last one left. */
async function cutConfigChanges(
  setting: PowerCutSetting,
  first: number,
  last: number,
  chance: () => number,
): Promise<void> {
  const { scene, cards, board, report, signal, consoleOf } = setting;
  const name = 'changing';
  const { claim, ip4 } = await scene.addDevice(name);
  const card = await cards.make(name, claim);
  const options = { name, board, card, number: FIRST_NUMBER, consoleFile: consoleOf(name) };
  const device = await EmulatedDevice.make(scene.lab, options, signal);
  try {
    let writesFrom = await cards.copy(card, `${name}-before`);
    let log = join(setting.directory, `${name}.log`);
    await device.powerOn({ writeLog: log });
    const isUp = await report.run('the board whose config changes is up', async () => {
      await readings(scene, name, ip4);
      return ip4;
    });
    for (let trial = first; isUp && trial <= last; trial += 1) {
      const afterMs = Math.round(chance() * CONFIG_CUT_WITHIN_MS);
      const isBack = await record(setting, trial, 'config change', afterMs, async () => {
        const { ack, node } = await scene.status(name, true);
        await scene.declareSensors(name, { sampling: [{ id: 'uptime', intervalMs: 5000 + trial }] });
        await sleep(afterMs, undefined, { signal });
        await device.cutPower();
        const loss = await losses(setting, device, writesFrom, log, chance);
        writesFrom = await cards.copy(card, `${name}-before`);
        log = join(setting.directory, `${name}-${trial}.log`);
        const backAfterMs = await comesBack(setting, device, ip4, node?.id ?? null, log);
        await scene.until('ack of the new config', name, REACHABLE_MS, (status) => {
          return status.ack?.outcome === 'committed' && (status.ack.serial ?? 0) > (ack?.serial ?? 0);
        });
        return { ...loss, wasMember: true, backAfterMs };
      });
      if (!isBack) break;
    }
  } finally {
    await device.remove();
    await cards.remove(card);
  }
}

async function poweredAndCut(
  setting: PowerCutSetting,
  device: EmulatedDevice,
  moment: () => Promise<unknown>,
  chance: () => number,
): Promise<CutLoss> {
  const before = await setting.cards.copy(device.card, `${device.name}-before`);
  const log = join(setting.directory, `${device.name}.log`);
  await device.powerOn({ writeLog: log });
  await moment();
  await device.cutPower();
  return losses(setting, device, before, log, chance);
}

/** Leaves on the board's card what a real one would have kept. */
async function losses(
  { cards }: PowerCutSetting,
  device: EmulatedDevice,
  before: string,
  log: string,
  chance: () => number,
): Promise<CutLoss> {
  try {
    if ((await stat(log)).size === 0) return { writes: 0, unflushed: 0, lost: 0 };
    const loss = await replayCut(log, before, chance);
    await cards.replace(before, device.card);
    return loss;
  } finally {
    await cards.remove(log);
  }
}

/** How long it took from power on to an answer. Throws where it is another member than before. */
async function comesBack(
  { scene }: PowerCutSetting,
  device: EmulatedDevice,
  ip4: string,
  nodeBefore: string | null,
  writeLog?: string,
): Promise<number> {
  const from = performance.now();
  await device.powerOn(writeLog === undefined ? {} : { writeLog });
  await readings(scene, device.name, ip4);
  const tookMs = performance.now() - from;
  const { node } = await scene.status(device.name);
  if (node === null)
    throw new EnvironmentFault(
      'not-enrolled',
      `${device.name} answers, and the registrar knows no node of it`,
    );
  if (nodeBefore !== null && node.id !== nodeBefore) {
    throw new EnvironmentFault(
      'other-identity',
      `${device.name} came back as ${node.id}, and was ${nodeBefore}`,
    );
  }
  return tookMs;
}
