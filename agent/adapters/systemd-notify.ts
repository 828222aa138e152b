/**
 * The protocol of sd_notify(3): datagrams to the socket that systemd names in the environment. Node has no such
 * sockets, so the addon sends them: some 20 µs each, where starting systemd-notify takes a thousand times that, and a
 * unit that listens to every process of it.
 */
import { sentenceOf } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { ServiceManager } from '../ports/service-manager.ts';
import { loadNativeAddon } from './native-addon.ts';

interface Addon {
  /** 0, or the errno. */
  notify(path: string, message: string): number;
}

/** The manager that `environment` names, or null where the agent was started by hand. */
export function systemdManager(environment: NodeJS.ProcessEnv, log: Log): ServiceManager | null {
  const path = environment['NOTIFY_SOCKET'];
  return path === undefined || path === '' ? null : new SystemdManager(path, watchdogOf(environment), log);
}

class SystemdManager implements ServiceManager {
  readonly watchdogMs: number | null;
  readonly #path: string;
  readonly #log: Log;
  readonly #addon: Addon;
  #failing = false;

  constructor(path: string, watchdogMs: number | null, log: Log) {
    this.#path = path;
    this.watchdogMs = watchdogMs;
    this.#log = log;
    this.#addon = loadNativeAddon() as Addon;
  }

  ready(): void {
    this.#send('READY=1');
  }

  status(line: string): void {
    this.#send(`STATUS=${line.replaceAll('\n', ' ').slice(0, 400)}`);
  }

  alive(): void {
    this.#send('WATCHDOG=1');
  }

  stopping(): void {
    this.#send('STOPPING=1');
  }

  /** A manager that does not listen is told about once: it is its own matter what it makes of the silence. */
  #send(message: string): void {
    const problem = this.#problemOf(message);
    if (problem !== null && !this.#failing) this.#log.warn('service-manager.unreachable', { problem });
    this.#failing = problem !== null;
  }

  #problemOf(message: string): string | null {
    try {
      const errno = this.#addon.notify(this.#path, message);
      return errno === 0 ? null : `errno ${errno} at ${this.#path}`;
    } catch (error) {
      return sentenceOf(error);
    }
  }
}

/** WATCHDOG_USEC, where it is meant for this process. */
function watchdogOf(environment: NodeJS.ProcessEnv): number | null {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = environment;
  if (pid !== undefined && Number(pid) !== process.pid) return null;
  const ms = Number(microseconds) / 1_000;
  return ms > 0 && Number.isFinite(ms) ? ms : null;
}
