/** QEMU's machine protocol over its unix socket: one command, one answer. */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { EnvironmentFault } from '../../agent/errors.ts';

const ANSWER_LIMIT_MS = 20_000;

interface Message {
  return?: unknown;
  error?: { desc?: string };
  QMP?: unknown;
}

/** What the guest has written to its card since QEMU started. */
export interface CardWrites {
  readonly operations: number;
  readonly bytes: number;
}

/** Runs one command. Throws EnvironmentFault('qemu-monitor'). */
async function ask(socket: string, execute: string, args: object = {}): Promise<unknown> {
  const connection = connect(socket);
  const timer = setTimeout(() => connection.destroy(new Error('it does not answer')), ANSWER_LIMIT_MS);
  try {
    const lines = createInterface({ input: connection })[Symbol.asyncIterator]();
    const failed = new Promise<never>((_, reject) => connection.once('error', reject));
    const next = async (): Promise<Message> => {
      for (;;) {
        const { value, done } = await Promise.race([lines.next(), failed]);
        if (done) throw new Error('it closed the connection');
        const message = JSON.parse(value) as Message;
        if ('return' in message || 'error' in message || 'QMP' in message) return message;
      }
    };
    await next();
    connection.write('{"execute":"qmp_capabilities"}\n');
    await next();
    connection.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    const answer = await next();
    if (answer.error) throw new Error(answer.error.desc ?? 'it refuses');
    return answer.return;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EnvironmentFault('qemu-monitor', `QEMU's monitor and "${execute}": ${why}`, { cause: error });
  } finally {
    clearTimeout(timer);
    connection.destroy();
  }
}

export async function cardWrites(socket: string): Promise<CardWrites> {
  const answer = (await ask(socket, 'query-blockstats')) as {
    stats: { wr_operations: number; wr_bytes: number };
  }[];
  const operations = answer.reduce((sum, { stats }) => sum + stats.wr_operations, 0);
  return { operations, bytes: answer.reduce((sum, { stats }) => sum + stats.wr_bytes, 0) };
}

/** Pulls the network cable out of the board, or plugs it in. `card` is QEMU's name of the network card. */
export async function setCable(socket: string, card: string, isPlugged: boolean): Promise<void> {
  await ask(socket, 'set_link', { name: card, up: isPlugged });
}

/** QEMU's path of the first device of this type that its machine model made. */
export async function unattachedDevice(socket: string, type: string): Promise<string> {
  const path = '/machine/unattached';
  const devices = (await ask(socket, 'qom-list', { path })) as { name: string; type: string }[];
  const device = devices.find((one) => one.type === `child<${type}>`);
  if (device) return `${path}/${device.name}`;
  throw new EnvironmentFault('qemu-monitor', `the emulated board has no ${type}`);
}
