/** `tincan actuators` and `tincan set`: what a member's actuators are, and setting one, over the overlay. */
import * as v from 'valibot';
import type { ActuatorState, ActuatorValue } from '../../sensors/actuator.ts';
import { linkReport, statusReport } from '../control/report-schema.ts';
import type { Schema } from '../control/schema-check.ts';
import { EnvironmentFault, UsageError } from '../errors.ts';
import type { CliIo } from './cli-io.ts';
import { askAgent } from './control-client.ts';
import { askOverlay, type OverlayRequest } from './overlay-request.ts';
import { socketToAsk } from './socket-path.ts';
import { harmless, tableText } from './terminal-text.ts';

export interface ActuatorOptions {
  socket?: string;
  json?: boolean;
}

export interface SetOptions extends ActuatorOptions {
  /** Seconds after which the actuator goes into its safe state. */
  for?: number;
}

/** The link may have to be made first, and the hardware may take two seconds. */
const LIMIT_MS = 15_000;

const value = v.union([v.boolean(), v.number()]);
const actuatorState = v.object({
  id: v.string(),
  title: v.string(),
  kind: v.picklist(['boolean', 'integer']),
  minimum: v.exactOptional(v.number()),
  maximum: v.exactOptional(v.number()),
  value: v.nullable(value),
  safeState: v.nullable(value),
  holdSeconds: v.number(),
  time: v.nullable(v.string()),
  ageMs: v.number(),
  cause: v.picklist(['start', 'command', 'time-over', 'controller-lost']),
  setBy: v.nullable(v.object({ node: v.string(), name: v.string() })),
  remainingMs: v.nullable(v.number()),
  problem: v.nullable(v.string()),
}) satisfies Schema<ActuatorState>;

/** Prints the actuators of one device; of this one where none is named. */
export async function runActuators(
  device: string | undefined,
  options: ActuatorOptions,
  io: CliIo,
): Promise<void> {
  const url = new URL('actuators', await baseOf(device, options, io));
  const list = v.object({ actuators: v.array(actuatorState) });
  const { actuators } = await ask({ method: 'GET', url, signal: io.signal }, list);
  if (options.json) io.out(`${JSON.stringify(actuators)}\n`);
  else io.out(actuators.length > 0 ? actuatorsText(actuators) : 'no actuators\n');
}

/** Sets one actuator, and prints what it is then. */
export async function runSet(
  device: string,
  actuator: string,
  wanted: string,
  options: SetOptions,
  io: CliIo,
): Promise<void> {
  const seconds = options.for === undefined ? {} : { for: options.for };
  const body = { value: actuatorValueOf(wanted), ...seconds };
  const base = await baseOf(device, options, io);
  const url = new URL(`actuators/${encodeURIComponent(actuator)}`, base);
  const state = await ask({ method: 'PUT', url, body, signal: io.signal }, actuatorState);
  io.out(
    options.json ? `${JSON.stringify(state)}\n` : `${harmless(`${state.id} is ${shown(state.value)}`)}\n`,
  );
}

/** Where the device serves; the link to it is started. All devices of a fleet use one port, which our own agent knows. */
async function baseOf(device: string | undefined, { socket }: ActuatorOptions, io: CliIo): Promise<URL> {
  const path = socketToAsk(socket, process.env);
  const { signal } = io;
  const status = await askAgent(path, { method: 'GET', path: '/v1/status', answer: statusReport, signal });
  const { id, name, ip4, ip6 } = status.node;
  const [own] = status.sensors.listening;
  const port = own === undefined ? '' : new URL(own).port;
  const isOwn = device === undefined || [id, name, ip4, ip6].includes(device);
  if (isOwn && ip4 !== null) return new URL(`http://${ip4}:${port}/`);
  const body = { target: device ?? '' };
  const link = await askAgent(path, { method: 'POST', path: '/v1/links', body, answer: linkReport, signal });
  return new URL(`http://${link.ip4}:${port}/`);
}

/** Throws as askOverlay does; where nothing proper came, the sentence says from whom. */
async function ask<Output>(
  asked: Pick<OverlayRequest, 'url' | 'method' | 'body' | 'signal'>,
  answer: Schema<Output>,
): Promise<Output> {
  try {
    return await askOverlay({ ...asked, limitMs: LIMIT_MS }, answer);
  } catch (error) {
    if (!(error instanceof EnvironmentFault)) throw error;
    throw new EnvironmentFault(error.code, `${asked.url.host}: ${error.message}`, { cause: error });
  }
}

function actuatorValueOf(text: string): ActuatorValue {
  if (text === 'on' || text === 'true') return true;
  if (text === 'off' || text === 'false') return false;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`"${harmless(text)}" is no value: give on, off or a whole number`);
}

function shown(of: ActuatorValue | null): string {
  if (typeof of === 'boolean') return of ? 'on' : 'off';
  return of === null ? 'unknown' : String(of);
}

function actuatorsText(actuators: readonly ActuatorState[]): string {
  const rows = actuators.map((state) => {
    const { id, kind, minimum, maximum, setBy, problem } = state;
    const range = kind === 'boolean' ? 'on, off' : `${minimum} to ${maximum}`;
    const safe = state.safeState === null ? 'its trigger' : shown(state.safeState);
    return [id, shown(state.value), range, safe, problem ?? (setBy ? `set by ${setBy.name}` : '')];
  });
  return tableText(['actuator', 'value', 'values', 'safe state', ''], rows, []);
}
