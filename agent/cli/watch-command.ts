/** `tincan watch`: follows devices of the fleet until the user has seen enough. */
import { systemClock } from '../adapters/system-clock.ts';
import type { MemberReport } from '../ports/agent-control.ts';
import type { CliIo } from './cli-io.ts';
import { DeviceFollower } from './device-follower.ts';
import { membersNamed } from './fleet-members.ts';
import { socketToAsk } from './socket-path.ts';
import type { WatchOrder } from './watch-board.ts';
import { liveTable, readingLines, type WatchView } from './watch-views.ts';

export interface WatchOptions {
  socket?: string;
  json?: boolean;
  sort: WatchOrder;
}

/** Whoever watches the whole fleet sees a new member after so long. */
const NEW_MEMBERS_MS = 30_000;

/** Resolves when `io.signal` aborts. Throws where the agent or a named device is not there at the start. */
export async function runWatch(targets: readonly string[], options: WatchOptions, io: CliIo): Promise<void> {
  const socketPath = socketToAsk(options.socket, process.env);
  const members = await membersNamed(socketPath, targets, io.signal);
  const view =
    io.isTerminal && !options.json
      ? liveTable(io, options.sort, !process.env['NO_COLOR'])
      : readingLines(io, options.json === true);
  const followed = new Set<string>();
  const followAll = (found: readonly MemberReport[]): void => {
    for (const member of found) {
      if (followed.has(member.id)) continue;
      followed.add(member.id);
      follow(member, view, io.signal);
    }
  };
  followAll(members);
  const newcomers =
    targets.length > 0
      ? null
      : systemClock.every(NEW_MEMBERS_MS, () => {
          // An agent that is restarted is asked again the next time.
          membersNamed(socketPath, [], io.signal).then(followAll, () => undefined);
        });
  await aborted(io.signal);
  newcomers?.cancel();
  view.close();
}

function follow(member: MemberReport, view: WatchView, signal: AbortSignal): void {
  view.add(member);
  const follower = new DeviceFollower(
    member.sensors,
    {
      connected: () => view.connected(member),
      reading: (reading) => view.reading(member, reading),
      restarted: () => view.restarted(member),
      lost: (problem) => view.lost(member, problem),
    },
    signal,
  );
  void follower.run();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
