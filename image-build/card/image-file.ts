/** An image as it is given to us: plain or compressed with xz; its size once unpacked, and its bytes from the start. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { EnvironmentFault, Refusal, sentenceOf, UsageError } from '../../agent/errors.ts';

const run = promisify(execFile);

/** The magic number of .xz files. */
const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
const CHUNK_BYTES = 4 * 1024 * 1024;

export interface ImageFile {
  readonly path: string;
  readonly isCompressed: boolean;
  /** Unpacked. */
  readonly sizeBytes: number;
}

/** Throws UsageError where the file cannot be read; Refusal('image-damaged') where an .xz has no end. */
export async function openImageFile(path: string): Promise<ImageFile> {
  const head = Buffer.alloc(XZ_MAGIC.length);
  const sizeBytes = await sizeAndHead(path, head);
  if (!head.equals(XZ_MAGIC)) return { path, isCompressed: false, sizeBytes };
  return { path, isCompressed: true, sizeBytes: await unpackedSize(path) };
}

async function sizeAndHead(path: string, head: Buffer): Promise<number> {
  try {
    const status = await stat(path);
    if (status.isDirectory()) throw new Error('it is a directory');
    const file = await open(path, 'r');
    try {
      await file.read(head, 0, head.length, 0);
    } finally {
      await file.close();
    }
    return status.size;
  } catch (error) {
    throw new UsageError(`cannot read the image ${path}: ${sentenceOf(error)}; give the file of an image`, {
      cause: error,
    });
  }
}

async function unpackedSize(path: string): Promise<number> {
  try {
    const { stdout } = await run('xz', ['--robot', '--list', '--', path]);
    return Number(/^totals\t\d+\t\d+\t\d+\t(\d+)/m.exec(stdout)?.[1]);
  } catch (error) {
    throw xzFault(path, error);
  }
}

/** The unpacked bytes, from the start, for one who reads them at once. An xz that fails destroys the stream with a sentence. */
export function readImage(image: ImageFile): Readable {
  if (!image.isCompressed) return createReadStream(image.path, { highWaterMark: CHUNK_BYTES });
  const child = spawn('xz', ['--decompress', '--stdout', '--threads=0', '--', image.path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return outputOf(child, image.path);
}

function outputOf(child: ChildProcess, path: string): Readable {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('xz was started without pipes');
  let complaint = '';
  stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  child.on('error', (error) => stdout.destroy(xzFault(path, error)));
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  const source: Readable = stdout;
  async function* whole() {
    try {
      for await (const chunk of source) yield chunk as Buffer;
      if ((await ended) !== 0) throw xzFault(path, new Error(complaint.trim() || 'xz failed'));
    } finally {
      child.kill('SIGKILL');
    }
  }
  return Readable.from(whole(), { objectMode: false, highWaterMark: CHUNK_BYTES });
}

function xzFault(path: string, error: unknown): Error {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
    return new EnvironmentFault(
      'no-xz',
      `${path} is compressed and xz is not installed: apt-get install xz-utils`,
      {
        cause: error,
      },
    );
  }
  const reason = error instanceof Error && 'stderr' in error ? String(error.stderr) : sentenceOf(error);
  const detail =
    reason
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^xz: (\(stdin\): )?/, '') ?? '';
  return new Refusal('image-damaged', `the image ${path} is damaged or not whole (${detail}): get it again`, {
    cause: error,
  });
}

/** The first bytes of an image, or all of it where it is shorter. */
export async function readHead(image: ImageFile, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let count = 0;
  for await (const chunk of readImage(image)) {
    chunks.push(chunk as Buffer);
    count += (chunk as Buffer).length;
    if (count >= bytes) break;
  }
  return Buffer.concat(chunks).subarray(0, bytes);
}
