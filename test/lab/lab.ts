/**
 * A small network on one machine: hosts in network namespaces, joined by a bridge in a namespace of its own.
 *   host ── eth0 ══ veth ══ br0 (namespace NAME-lan) ══ veth ══ eth0 ── host
 * As root the namespaces are real named ones; an ordinary user's are inside one unprivileged user and mount namespace,
 * which lives as long as the guard (guard.sh). The guard is also what takes everything away again.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EnvironmentFault } from '../../agent/errors.ts';
import { LabHost } from './lab-host.ts';
import { defaultLabMode, type LabMode, labEnvironment, USER_NAMESPACE } from './prerequisites.ts';
import { repositoryPath } from './repository.ts';

/** A home network's usual kind of range, far from the fleet's default 10.64.0.0/16. Nothing of it is seen outside. */
const LAN_PREFIX = '192.168.77.';
const FIRST_HOST = 11;
/** Paths of unix sockets have 108 bytes at most, and a lab's files lie below the directory for temporary ones. */
const LONGEST_TEMPORARY_DIRECTORY = 40;

export interface LabOptions {
  mode?: LabMode;
}

export class Lab {
  /** Prefix of every namespace of the lab, and the last part of its directory. */
  readonly name: string;
  readonly mode: LabMode;
  /** For the lab's files; goes away with the lab. */
  readonly directory: string;
  readonly #guard: ChildProcessWithoutNullStreams;
  readonly #guardEnded: Promise<number | null>;
  readonly #hosts: LabHost[] = [];

  /** Throws EnvironmentFault with what to do when the machine does not allow it. */
  static async open(options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(options.mode ?? defaultLabMode());
    try {
      await lab.#untilReady();
      await lab.#makeLan();
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  private constructor(mode: LabMode) {
    this.name = `tincan-${randomBytes(4).toString('hex')}`;
    this.mode = mode;
    this.directory = join(temporaryDirectory(), this.name);
    const guard = ['sh', repositoryPath('test/lab/guard.sh'), this.name, this.directory];
    const [file = '', ...args] = mode === 'user' ? [...USER_NAMESPACE, ...guard, 'private'] : guard;
    // In a session of its own: a Ctrl-C at the terminal reaches the lab's owner only.
    this.#guard = spawn(file, args, { detached: true, env: labEnvironment(), stdio: 'pipe' });
    this.#guard.stdin.on('error', () => undefined);
    this.#guardEnded = new Promise((resolve) => {
      this.#guard.once('error', () => resolve(null));
      this.#guard.once('close', (code) => resolve(code));
    });
  }

  get hosts(): readonly LabHost[] {
    return this.#hosts;
  }

  /** The switch that joins the hosts: where its cards are, each named as its host. It has no address. */
  get lan(): LabHost {
    const namespace = `${this.name}-lan`;
    return new LabHost('lan', namespace, '', this.#entering(namespace));
  }

  /** Of the guard, which stands in the lab's user namespace where there is one. */
  get guardPid(): number {
    return this.#guard.pid ?? -1;
  }

  /** Adds a host with the next free address. `name` has at most 15 letters: it names a network card as well. */
  addHost(name: string): Promise<LabHost> {
    const address = `${LAN_PREFIX}${FIRST_HOST + this.#hosts.length}`;
    return this.addHostAt(name, address, this.lan);
  }

  /** Adds a host with this address on the bridge `br0` of a switch: the LAN's, or one that the test has made. */
  async addHostAt(name: string, address: string, at: LabHost): Promise<LabHost> {
    const namespace = `${this.name}-${name}`;
    const host = new LabHost(name, namespace, address, this.#entering(namespace));
    this.#hosts.push(host);
    await this.#ip(['netns', 'add', namespace]);
    await this.#ip([
      ...['-n', at.namespace, 'link', 'add', name, 'master', 'br0', 'up', 'type', 'veth'],
      ...['peer', 'name', 'eth0', 'netns', namespace],
    ]);
    await this.#ip(['-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0']);
    await this.#ip(['-n', namespace, 'link', 'set', 'eth0', 'up']);
    await this.#ip(['-n', namespace, 'link', 'set', 'lo', 'up']);
    return host;
  }

  /** Stops every process in the lab and takes everything away; resolves when that is done. Idempotent. */
  async close(): Promise<void> {
    this.#guard.stdin.end();
    const code = await this.#guardEnded;
    if (code !== 0 && this.#wasReady) {
      throw new EnvironmentFault('lab-left', `The lab ${this.name} could not be taken away completely.`);
    }
  }

  #wasReady = false;

  async #untilReady(): Promise<void> {
    let said = '';
    this.#guard.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    this.#wasReady = await Promise.race([
      new Promise<boolean>((resolve) => this.#guard.stdout.once('data', () => resolve(true))),
      this.#guardEnded.then(() => false),
    ]);
    if (!this.#wasReady) throw labFault(said);
  }

  async #makeLan(): Promise<void> {
    const lan = `${this.name}-lan`;
    await this.#ip(['netns', 'add', lan]);
    await this.#ip(['-n', lan, 'link', 'add', 'br0', 'up', 'type', 'bridge', 'mcast_snooping', '0']);
  }

  #entering(namespace: string | null): string[] {
    const sandbox = [
      'nsenter',
      '-t',
      String(this.guardPid),
      '-U',
      '-m',
      '-n',
      '--preserve-credentials',
      '--',
    ];
    return [
      ...(this.mode === 'user' ? sandbox : []),
      ...(namespace === null ? [] : ['nsenter', `--net=/run/netns/${namespace}`, '--']),
    ];
  }

  async #ip(args: string[]): Promise<void> {
    const outside = new LabHost('lab', '', '', this.#entering(null));
    const { code, stderr } = await outside.run(['ip', ...args]);
    if (code !== 0) throw labFault(`ip ${args.join(' ')}: ${stderr}`);
  }
}

function labFault(said: string): EnvironmentFault {
  const why = said.trim() || 'it said nothing';
  return new EnvironmentFault(
    'no-lab',
    `The hosts could not be made (${why}): check what this system allows.`,
  );
}

function temporaryDirectory(): string {
  const directory = tmpdir();
  // Inside a lab of an ordinary user an empty directory hides /run.
  const unfit = directory.startsWith('/run/') || directory.length > LONGEST_TEMPORARY_DIRECTORY;
  return unfit ? '/tmp' : directory;
}
