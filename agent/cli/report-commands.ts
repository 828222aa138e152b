/** `tincan status` and `tincan links`: one question to the agent, printed for people or as JSON. */
import { linkList, statusReport } from '../control/report-schema.ts';
import type { CliIo } from './cli-io.ts';
import { askAgent } from './control-client.ts';
import { linksText } from './links-text.ts';
import { socketToAsk } from './socket-path.ts';
import { statusText } from './status-text.ts';

export interface ReportOptions {
  socket?: string;
  json?: boolean;
}

/** Prints the agent's status. */
export async function runStatus(options: ReportOptions, io: CliIo): Promise<void> {
  const socketPath = socketToAsk(options.socket, process.env);
  const status = await askAgent(socketPath, {
    method: 'GET',
    path: '/v1/status',
    answer: statusReport,
    signal: io.signal,
  });
  io.out(options.json ? `${JSON.stringify(status)}\n` : statusText(status));
}

/** Prints the agent's links; as JSON an array. */
export async function runLinks(options: ReportOptions, io: CliIo): Promise<void> {
  const socketPath = socketToAsk(options.socket, process.env);
  const { links } = await askAgent(socketPath, {
    method: 'GET',
    path: '/v1/links',
    answer: linkList,
    signal: io.signal,
  });
  io.out(options.json ? `${JSON.stringify(links)}\n` : linksText(links));
}
