/** The statistics of a benchmark: medians over runs, percentiles over round trips. */

/** The middle value (the mean of the two middle ones); nulls are runs without a value. Null when no run has one. */
export function medianOf(values: readonly (number | null)[]): number | null {
  const sorted = values.filter((value) => value !== null).sort((one, other) => one - other);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}

/** The smallest value that at least this share (0 to 1) of the values does not exceed: the nearest-rank percentile. */
export function percentileOf(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

export function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** As many digits as a noisy measurement bears. */
export function roundedTo(value: number | null, digits: number): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}
