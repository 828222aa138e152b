/** `tincan doctor`: first the machine, as far as this user may look, then the running agent and its own sensors. */
import type { Reading } from '../../sensors/reading.ts';
import { servedReadings } from '../../sensors/services/served-reading.ts';
import { loadNativeAddon } from '../adapters/native-addon.ts';
import { checkTransportLibrary } from '../adapters/transport-library.ts';
import { checkTunAccess } from '../adapters/tun-access.ts';
import { statusReport } from '../control/report-schema.ts';
import { sentenceOf } from '../errors.ts';
import type { StatusReport } from '../ports/agent-control.ts';
import type { CliIo } from './cli-io.ts';
import { askAgent } from './control-client.ts';
import { type Finding, findingsOf } from './doctor-findings.ts';
import { askOverlay } from './overlay-request.ts';
import type { ReportOptions } from './report-commands.ts';
import { socketToAsk } from './socket-path.ts';
import { harmless } from './terminal-text.ts';

const SENSORS_LIMIT_MS = 5_000;
const MARKS: Readonly<Record<Finding['state'], string>> = { ok: '✔', notice: '!', wrong: '✖' };

/** Exit code 1 when something is wrong. */
export async function runDoctor(options: ReportOptions, io: CliIo): Promise<number> {
  const findings = [...(await machineFindings()), ...(await agentFindings(options, io.signal))];
  const isWell = findings.every(({ state }) => state !== 'wrong');
  io.out(options.json ? `${JSON.stringify({ well: isWell, findings })}\n` : findings.map(lineOf).join(''));
  return isWell ? 0 : 1;
}

async function machineFindings(): Promise<Finding[]> {
  const isRoot = process.geteuid?.() === 0;
  return [
    await finding('datapath', 'its native part loads', 'wrong', loadNativeAddon),
    await finding('links', 'node-datachannel loads', 'wrong', checkTransportLibrary),
    // The service has what an ordinary user who asks may lack.
    await finding('tun', 'a TAP device may be made', isRoot ? 'wrong' : 'notice', checkTunAccess),
  ];
}

async function finding(
  about: string,
  says: string,
  otherwise: 'notice' | 'wrong',
  look: () => unknown,
): Promise<Finding> {
  try {
    await look();
    return { about, state: 'ok', says };
  } catch (error) {
    return { about, state: otherwise, says: sentenceOf(error) };
  }
}

async function agentFindings(options: ReportOptions, signal: AbortSignal): Promise<Finding[]> {
  try {
    const path = socketToAsk(options.socket, process.env);
    const status = await askAgent(path, { method: 'GET', path: '/v1/status', answer: statusReport, signal });
    return findingsOf(status, await ownReadings(status, signal));
  } catch (error) {
    return [{ about: 'agent', state: 'wrong', says: sentenceOf(error) }];
  }
}

async function ownReadings(
  { sensors: { listening } }: StatusReport,
  signal: AbortSignal,
): Promise<readonly Reading[] | null> {
  const base = listening.find((address) => address.startsWith('http:'));
  if (base === undefined) return null;
  const asked = { url: new URL('/sensors', base), limitMs: SENSORS_LIMIT_MS, signal };
  return askOverlay(asked, servedReadings).then(
    ({ sensors }) => sensors,
    () => null,
  );
}

function lineOf({ about, state, says }: Finding): string {
  return `${MARKS[state]} ${about.padEnd(8)}  ${harmless(says)}\n`;
}
