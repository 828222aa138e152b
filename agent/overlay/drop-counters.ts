import type { DropReason } from '../wire/drop-reason.ts';

/** How often the controller gave a frame up, by named reason. */
export class DropCounters {
  readonly #counts = new Map<DropReason, number>();

  count(reason: DropReason, times = 1): void {
    if (times > 0) this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + times);
  }

  /** Those that happened; the datapath's own counts are added by whoever has them. */
  snapshot(): Partial<Record<DropReason, number>> {
    return Object.fromEntries(this.#counts) as Partial<Record<DropReason, number>>;
  }
}
