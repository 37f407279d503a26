/** How wrong an estimate was, as a share of the time that was really left. */
export interface EtaError {
  readonly ratio: number;
  readonly direction: 'too_short' | 'too_long';
}

interface Estimate {
  readonly atMs: number;
  readonly etaMs: number;
}

/** Compares what jobs were estimated to take with what they took. */
export interface EtaErrors {
  /** Notes what a running job shows as its time to the end. */
  readonly note: (jobId: string, atMs: number, etaMs: number) => void;
  /**
   * How wrong the estimate was half-way, or null when that says nothing: the job took less than 10 s, or was not followed
   * from here at that time.
   */
  readonly ended: (jobId: string, startedAtMs: number, endedAtMs: number) => EtaError | null;
  readonly forget: (jobId: string) => void;
}

const shortestMs = 10_000;
/** Estimates kept per job; when there are more, every other one goes. */
const maxEstimates = 200;
/** Share of the job's time around its middle in which an estimate must lie. */
const nearMiddle = 0.1;

export function createEtaErrors(): EtaErrors {
  const jobs = new Map<string, { estimates: Estimate[]; everyMs: number }>();
  return {
    note: (jobId, atMs, etaMs) => {
      const job = jobs.get(jobId) ?? { estimates: [], everyMs: 0 };
      jobs.set(jobId, job);
      if (atMs - (job.estimates.at(-1)?.atMs ?? -Infinity) < job.everyMs) return;
      job.estimates.push({ atMs, etaMs });
      if (job.estimates.length < maxEstimates) return;
      const span = atMs - (job.estimates[0]?.atMs ?? atMs);
      job.estimates = job.estimates.filter((_, index) => index % 2 === 0);
      job.everyMs = span / job.estimates.length;
    },
    ended: (jobId, startedAtMs, endedAtMs) => {
      const estimates = jobs.get(jobId)?.estimates ?? [];
      jobs.delete(jobId);
      const tookMs = endedAtMs - startedAtMs;
      const middleMs = startedAtMs + tookMs / 2;
      const distance = ({ atMs }: Estimate): number => Math.abs(atMs - middleMs);
      const [nearest] = estimates.toSorted((a, b) => distance(a) - distance(b));
      if (tookMs < shortestMs || nearest === undefined || distance(nearest) > tookMs * nearMiddle) return null;
      const leftMs = endedAtMs - nearest.atMs;
      const { etaMs } = nearest;
      return { ratio: Math.abs(etaMs - leftMs) / leftMs, direction: etaMs < leftMs ? 'too_short' : 'too_long' };
    },
    forget: (jobId) => {
      jobs.delete(jobId);
    },
  };
}
