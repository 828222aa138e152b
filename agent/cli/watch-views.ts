/** How `tincan watch` shows what it hears: as a live table in a terminal, else as lines. */
import type { Reading } from '../../sensors/reading.ts';
import { systemClock } from '../adapters/system-clock.ts';
import type { MemberReport } from '../ports/agent-control.ts';
import type { Timer } from '../ports/clock.ts';
import type { CliIo } from './cli-io.ts';
import { stateText, valueText } from './reading-text.ts';
import { TerminalScreen } from './terminal-screen.ts';
import { harmless } from './terminal-text.ts';
import { WatchBoard, type WatchOrder } from './watch-board.ts';
import { watchFrame } from './watch-frame.ts';

/** What a view is told; `member` is one of those that were added. */
export interface WatchView {
  add(member: MemberReport): void;
  connected(member: MemberReport): void;
  lost(member: MemberReport, problem: string): void;
  restarted(member: MemberReport): void;
  reading(member: MemberReport, reading: Reading): void;
  close(): void;
}

/** A person cannot read faster, and a terminal over a slow line cannot show more. */
const DRAW_INTERVAL_MS = 250;
/** Ages grow although nothing happens. */
const IDLE_DRAW_MS = 1_000;

/** The whole terminal, redrawn at most four times a second. */
export function liveTable(io: CliIo, order: WatchOrder, colours: boolean): WatchView {
  const board = new WatchBoard(() => systemClock.monotonicMs());
  const draw = (): void => screen.draw(watchFrame(board.devices(), board.rows(order), io.size(), colours));
  const screen = new TerminalScreen(io, draw);
  let drawing: Timer | null = null;
  const soon = (): void => {
    drawing ??= systemClock.after(DRAW_INTERVAL_MS, () => {
      drawing = null;
      draw();
    });
  };
  const change = (apply: () => void): void => {
    apply();
    soon();
  };
  screen.open();
  draw();
  const idle = systemClock.every(IDLE_DRAW_MS, soon);
  return {
    add: (member) => change(() => board.add(member)),
    connected: ({ id }) => change(() => board.connected(id)),
    lost: ({ id }, problem) => change(() => board.lost(id, problem)),
    restarted: ({ id }) => change(() => board.restarted(id)),
    reading: ({ id }, reading) => change(() => board.reading(id, reading)),
    close: () => {
      idle.cancel();
      drawing?.cancel();
      screen.close();
    },
  };
}

/** A line for each reading, as text or as JSON; what is wrong with a device goes to stderr as text. */
export function readingLines(io: CliIo, json: boolean): WatchView {
  const problems = new Map<string, string>();
  const say = ({ id, name }: MemberReport, problem: string | null): void => {
    if (json) io.out(`${JSON.stringify({ device: name, node: id, problem })}\n`);
    else io.err(`${harmless(`${name}: ${problem ?? 'answers'}`)}\n`);
  };
  return {
    add: () => undefined,
    connected: (member) => {
      if (problems.delete(member.id)) say(member, null);
    },
    lost: (member, problem) => {
      // Attempts that fail alike are told once.
      if (problems.get(member.id) === problem) return;
      problems.set(member.id, problem);
      say(member, problem);
    },
    restarted: () => undefined,
    reading: (member, reading) =>
      io.out(
        json
          ? `${JSON.stringify({ device: member.name, node: member.id, ...reading })}\n`
          : `${harmless(lineOf(member, reading))}\n`,
      ),
    close: () => undefined,
  };
}

function lineOf({ name }: MemberReport, reading: Reading): string {
  const when = reading.time ?? '(clock not set)';
  return `${when}  ${name}  ${reading.id}  ${valueText(reading)}  ${stateText(reading)}`;
}
