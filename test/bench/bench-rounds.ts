/**
 * Round after round, every system once in each, so that what the machine does meanwhile falls on all of them:
 * A B C A B C. Each is started for its turn and stopped after it; none runs beside another.
 */
import { EnvironmentFault, sentenceOf } from '../../agent/errors.ts';
import type { BenchOptions, SystemName } from './bench-options.ts';
import type { BenchRun } from './bench-report.ts';
import { type Measured, Measurement } from './measurement.ts';
import type { BenchRig } from './rig.ts';
import { SYSTEMS } from './systems/all-systems.ts';
import type { BenchSystem, RunningSystem } from './systems/bench-system.ts';

/** fastd asks again only after some 20 s where its first question came too early. */
const FIRST_ANSWER_MS = 45_000;

export class BenchRounds {
  readonly runs: BenchRun[] = [];
  readonly missing: Partial<Record<SystemName, string>> = {};
  readonly versions: Partial<Record<SystemName, string>> = {};
  readonly problems: string[] = [];
  congestionControl: string | null = null;
  readonly #rig: BenchRig;
  readonly #options: BenchOptions;
  readonly #say: (line: string) => void;
  readonly #systems: typeof SYSTEMS;

  constructor(rig: BenchRig, options: BenchOptions, say: (line: string) => void, systems = SYSTEMS) {
    this.#rig = rig;
    this.#systems = systems;
    this.#options = options;
    this.#say = say;
  }

  /** Never throws for a system that does not come up: it is in `missing`, or its run in `problems`. */
  async run(): Promise<void> {
    const systems = await this.#prepared();
    const { runs } = this.#options;
    for (let round = 1; round <= runs; round++) {
      for (const system of systems) {
        this.#say(`run ${round} of ${runs}: ${system.name}`);
        await this.#turn(system, round);
      }
    }
    for (const { name } of systems) {
      if (this.runs.some(({ system }) => system === name)) continue;
      this.missing[name] ??= 'it was not measured in any run';
    }
  }

  async #prepared(): Promise<BenchSystem[]> {
    const ready: BenchSystem[] = [];
    for (const name of this.#options.systems) {
      const system = this.#systems[name]();
      const absent = system.programs.filter((program) => this.#rig.programs.find(program) === null);
      if (absent.length > 0) {
        this.#leaveOut(name, `${absent.join(' and ')} not installed (nor in --peer-bin)`);
        continue;
      }
      try {
        const version = await this.#versionOf(system);
        if (version !== null) this.versions[name] = version;
        await system.prepare(this.#rig);
        ready.push(system);
      } catch (error) {
        this.#leaveOut(name, sentenceOf(error));
      }
    }
    return ready;
  }

  async #turn(system: BenchSystem, round: number): Promise<void> {
    const { a, b } = this.#rig;
    let running: RunningSystem | undefined;
    try {
      running = await system.start(this.#rig);
      const { figures, problems, congestionControl } = await this.#measured(running);
      this.runs.push({ system: system.name, figures });
      this.congestionControl ??= congestionControl;
      for (const problem of problems) this.#note(`${system.name}, run ${round}: ${problem}`);
    } catch (error) {
      this.missing[system.name] ??= sentenceOf(error);
      this.#note(`${system.name}, run ${round}: ${sentenceOf(error)}`);
    }
    try {
      await Promise.all([a.stopServants(), b.stopServants()]);
      await running?.tidy?.();
    } catch (error) {
      this.#note(`${system.name}, after run ${round}: ${sentenceOf(error)}`);
    }
    if (this.runs.some((run) => run.system === system.name)) delete this.missing[system.name];
  }

  async #measured(running: RunningSystem): Promise<Measured> {
    const { a, echo } = this.#rig;
    if (!(await echo.untilAnswered(a.host, running.addressOfB, FIRST_ANSWER_MS))) {
      throw new EnvironmentFault('no-link', `no ping was answered within ${FIRST_ANSWER_MS / 1000} s`);
    }
    await running.untilSettled?.();
    return new Measurement(this.#rig, running, this.#options).run();
  }

  async #versionOf(system: BenchSystem): Promise<string | null> {
    const command = system.version(this.#rig.programs);
    if (command === null) return null;
    const { stdout, stderr } = await this.#rig.a.host.run(command);
    return (
      `${stdout}\n${stderr}`
        .split('\n')
        .find((line) => line.trim() !== '')
        ?.trim() ?? null
    );
  }

  #leaveOut(name: SystemName, why: string): void {
    this.missing[name] = why;
    this.#say(`without ${name}: ${why}`);
  }

  #note(problem: string): void {
    this.problems.push(problem);
    this.#say(problem);
  }
}
