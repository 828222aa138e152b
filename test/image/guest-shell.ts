/** A shell on a board, by SSH over the overlay with a key that its card was given: to look inside, not to make it work. */
import { join } from 'node:path';
import { EnvironmentFault } from '../../agent/errors.ts';
import type { LabHost } from '../lab/lab-host.ts';

const COMMAND_LIMIT_MS = 120_000;
/** Nobody may be asked, and nothing of this machine's own SSH is used. */
const OPTIONS = [
  ...['-F', '/dev/null', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'LogLevel=ERROR'],
  ...['-o', 'UserKnownHostsFile=/dev/null', '-o', 'ConnectTimeout=20', '-o', 'ConnectionAttempts=3'],
];

export class GuestShell {
  readonly #host: LabHost;
  readonly #keyFile: string;

  private constructor(host: LabHost, keyFile: string) {
    this.#host = host;
    this.#keyFile = keyFile;
  }

  /** Makes the key pair; commands will run from `host`. */
  static async make(host: LabHost, directory: string): Promise<GuestShell> {
    const keyFile = join(directory, 'owner-key');
    const { code, stderr } = await host.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', keyFile]);
    if (code !== 0) throw new EnvironmentFault('no-key', `ssh-keygen: ${stderr}`);
    return new GuestShell(host, keyFile);
  }

  /** For `tincan image personalise --ssh-key`. */
  get publicKeyFile(): string {
    return `${this.#keyFile}.pub`;
  }

  /** What a shell command of root on the board prints. Throws EnvironmentFault where it fails. */
  async run(address: string, command: string): Promise<string> {
    const { code, stdout, stderr } = await this.#host.run(
      ['ssh', ...OPTIONS, '-i', this.#keyFile, `root@${address}`, command],
      { timeoutMs: COMMAND_LIMIT_MS },
    );
    if (code === 0) return stdout.trim();
    throw new EnvironmentFault(
      'guest-command',
      `${command}: ${stderr.trim() || stdout.trim() || `exit ${code}`}`,
    );
  }
}
