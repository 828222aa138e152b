/** A host of the lab that starts nothing more once the benchmark is to end: what is started then would outlive it. */
import { EnvironmentFault } from '../../agent/errors.ts';
import { LabHost } from '../lab/lab-host.ts';
import type { LabProcess, SpawnOptions } from '../lab/lab-process.ts';

export class BenchHost extends LabHost {
  readonly #stop: AbortSignal;

  constructor(host: LabHost, stop: AbortSignal) {
    super(host.name, host.namespace, host.address, host.command([]));
    this.#stop = stop;
  }

  override spawn(title: string, argv: readonly string[], options: SpawnOptions = {}): LabProcess {
    if (this.#stop.aborted) throw new EnvironmentFault('stopping', 'the benchmark is ending');
    return super.spawn(title, argv, options);
  }
}
