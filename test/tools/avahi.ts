/** avahi on a host of a lab, with nss-mdns and everything else that asks it, as on a desktop. */
import { existsSync } from 'node:fs';
import type { LabHost, RunResult } from '../lab/lab-host.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import { repositoryPath } from '../lab/repository.ts';

const START_MS = 15_000;
const PROGRAMS = ['/usr/sbin/avahi-daemon', '/usr/bin/avahi-browse', '/usr/bin/dbus-daemon'];

export class Avahi {
  readonly #host: LabHost;
  readonly #daemon: LabProcess;
  /** What the daemon says. */
  readonly log: string[] = [];

  /** Why there is none on this machine, or null. */
  static problem(): string | null {
    const missing = PROGRAMS.find((program) => !existsSync(program));
    if (missing) return `${missing} is missing: apt-get install avahi-daemon avahi-utils dbus libnss-mdns`;
    return process.geteuid?.() === 0 ? null : 'a D-Bus of its own takes root';
  }

  /** Started, with this host name, on that interface; resolves once it is ready. */
  static async start(host: LabHost, name: string, interfaceName = 'tincan0'): Promise<Avahi> {
    const avahi = new Avahi(host, name, interfaceName);
    await avahi.#daemon.waitForLine('that it is ready', START_MS, (line) =>
      line.includes('Server startup complete'),
    );
    return avahi;
  }

  private constructor(host: LabHost, name: string, interfaceName: string) {
    this.#host = host;
    const script = repositoryPath('test/tools/avahi-host.sh');
    this.#daemon = host.spawn('avahi-daemon', ['unshare', '--mount', 'sh', script, name, interfaceName], {
      onLine: (line) => void this.log.push(line),
    });
  }

  /** Runs a program that finds this daemon. */
  run(argv: readonly string[], timeoutMs = 15_000): Promise<RunResult> {
    const enter = ['nsenter', '--target', String(this.#daemon.pid), '--mount', '--'];
    return this.#host.run([...enter, ...argv], { timeoutMs });
  }
}
