/**
 * Input devices by way of `cat`: a read of such a device blocks until somebody presses a button, and each would take one
 * of libuv's four threads for ever. A small process waits instead, and its pipe wakes us; it ends with the agent.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { EnvironmentFault, sentenceOf } from '../errors.ts';
import type { InputEvents } from '../ports/input-events.ts';

/** util-linux: the kernel ends the process when its parent is gone, however that ended. */
const WAITER = ['setpriv', '--pdeathsig', 'KILL', 'cat'] as const;
const ADVICE: Readonly<Record<string, [code: string, advice: string]>> = {
  EACCES: ['no-privilege', 'run the agent as root or in the group input'],
  EPERM: ['no-privilege', 'run the agent as root or in the group input'],
};
const GONE: [string, string] = ['device-gone', 'the device was removed'];

export class LinuxInputEvents implements InputEvents {
  readonly wordBytes = process.arch === 'arm' || process.arch === 'ia32' ? 4 : 8;
  readonly littleEndian = endianness() === 'LE';

  async follow(path: string, onBytes: (bytes: Uint8Array) => void, onEnd: () => void) {
    const device = await opened(path);
    try {
      const waiter = await started(device);
      waiter.stdout?.on('data', (bytes: Buffer) => onBytes(bytes));
      waiter.once('close', onEnd);
      return {
        close: () => {
          waiter.off('close', onEnd);
          waiter.stdout?.removeAllListeners('data');
          waiter.kill('SIGKILL');
        },
      };
    } finally {
      await device.close();
    }
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY);
  } catch (error) {
    const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
    const [code, advice] = ADVICE[errno] ?? GONE;
    throw new EnvironmentFault(code, `cannot open ${path} (${errno || sentenceOf(error)}): ${advice}`, {
      cause: error,
      retryable: true,
    });
  }
}

function started(device: FileHandle): Promise<ChildProcess> {
  const [program, ...args] = WAITER;
  return new Promise((resolve, reject) => {
    const waiter = spawn(program, args, { cwd: '/', stdio: [device.fd, 'pipe', 'ignore'] });
    waiter.once('spawn', () => resolve(waiter));
    waiter.once('error', (error) =>
      reject(
        new EnvironmentFault('no-command', `cannot run ${program} (${error.message}): install util-linux`, {
          cause: error,
          retryable: true,
        }),
      ),
    );
  });
}
