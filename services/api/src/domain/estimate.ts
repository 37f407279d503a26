export interface EstimateInput {
  /** The last completed job with the same mode and targets. */
  readonly lastRun: { readonly durationMs: number; readonly records: number } | null;
  /** Per account; null: limits are off. */
  readonly limits: readonly {
    readonly platform: string;
    readonly limit: readonly { readonly count: number; readonly spanMs: number }[] | null;
  }[];
}

const pageRows: Readonly<Record<string, number>> = { smartlead: 1000, lemlist: 100 };

/**
 * What can honestly be said of a job's duration before it has listed a single campaign: how long the last such job
 * took, else how much the limits let through.
 */
export function estimateDuration({ lastRun, limits }: EstimateInput): string {
  if (lastRun !== null) {
    return `about ${durationText(lastRun.durationMs)}, as long as the last such sync (${lastRun.records} records)`;
  }
  const rates = limits.map(({ platform, limit }) => {
    if (limit === null) return `${platform} without a request limit`;
    const perMinute = Math.min(...limit.map(({ count, spanMs }) => (count / spanMs) * 60_000));
    const rows = Math.floor(perMinute * (pageRows[platform] ?? 100));
    return `${platform} at most ${rows} records a minute`;
  });
  return `unknown until the campaigns are listed; ${rates.join(', ')}`;
}

/** A duration for people: seconds below a minute and a half, else minutes or hours. */
export function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}
