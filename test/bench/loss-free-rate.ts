/** The fastest rate of datagrams that arrives whole, by halving the interval; pure but for the probe that it is given. */

export interface RateProbe {
  deliveredKpps: number;
  /** 0 to 1. */
  lostShare: number;
}

const PROBES = 5;
/** The usual loss that a loss-free rate may have: one in a thousand. */
const TOLERATED_LOSS = 0.001;
/** The rate that an unpaced sender gets through may be below the best, because it takes CPU time from the system. */
const HEADROOM = 1.5;

/** `deliveredKpps`: what arrived of an unpaced sender. Resolves with 0 where every rate that was tried had losses. */
export async function lossFreeRate(
  deliveredKpps: number,
  probe: (kpps: number) => Promise<RateProbe>,
): Promise<number> {
  let best = 0;
  let low = 0;
  let high = deliveredKpps * HEADROOM;
  for (let i = 0; i < PROBES; i++) {
    const rate = (low + high) / 2;
    let result = await probe(rate);
    // The machine may have been elsewhere for a moment: a rate is too fast only when it has losses twice.
    if (result.lostShare > TOLERATED_LOSS) result = await probe(rate);
    if (result.lostShare <= TOLERATED_LOSS) {
      best = Math.max(best, result.deliveredKpps);
      low = rate;
    } else {
      high = rate;
    }
  }
  return best;
}
