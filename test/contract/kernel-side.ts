/** The kernel's side of a TAP device in this network namespace: test/native/raw_frames.c, driven line by line. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface KernelSide {
  /** Frames that came in by the device, in order. */
  received: Uint8Array[];
  /** A frame leaves by the device. */
  send(frame: Uint8Array): void;
  close(): Promise<void>;
}

/** Compiles the program into `directory`; its path. */
export function compileRawFrames(directory: string): string {
  const source = new URL('../native/raw_frames.c', import.meta.url).pathname;
  const program = join(directory, 'raw_frames');
  execFileSync(process.env['CC'] || 'cc', ['-std=gnu11', '-D_GNU_SOURCE', '-O1', source, '-o', program]);
  return program;
}

export async function openKernelSide(program: string, tapName: string): Promise<KernelSide> {
  const child: ChildProcessWithoutNullStreams = spawn(program, [tapName]);
  const received: Uint8Array[] = [];
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line');
  lines.on('line', (line) => received.push(Buffer.from(line, 'hex')));
  return {
    received,
    send: (frame) => child.stdin.write(`${Buffer.from(frame).toString('hex')}\n`),
    close: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
