/** `tincan agent`: the device's process. Everything is read and checked here; compose.ts joins and runs the parts. */
import { type LogLevel, openTextLog } from '../adapters/text-log.ts';
import type { CliIo } from './cli-io.ts';
import { socketToServe } from './socket-path.ts';

export interface AgentCommandOptions {
  state: string;
  claim?: string;
  socket?: string;
  check?: boolean;
  log: 'text' | 'json';
  logLevel: LogLevel;
  tapName?: string;
}

/** Resolves when the agent has stopped and cleaned up. */
export async function runAgentCommand(options: AgentCommandOptions, io: CliIo): Promise<void> {
  const { runAgent } = await import('../compose.ts');
  await runAgent(
    {
      stateDirectory: options.state,
      claimFile: options.claim ?? null,
      socketPath: socketToServe(options.socket, options.state, process.env),
      check: options.check ?? false,
      tapName: options.tapName ?? null,
      log: openTextLog({ write: io.err, format: options.log, level: options.logLevel }),
    },
    io,
  );
}
