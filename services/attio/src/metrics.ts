import { createFoldInstruments, createRequestInstruments } from '@full-sync/destinations';
import type { DestinationMetrics } from '@full-sync/destinations';
import { statusLabel } from '@full-sync/metrics';
import type { MetricRegistry } from '@full-sync/metrics';
import type { Settled } from './add-counts.ts';

const destination = 'attio';

/** What the writer shows of itself. */
export interface AttioMetrics {
  readonly requested: (status: number | null, elapsedMs: number) => void;
  readonly retried: (reason: string) => void;
  readonly waited: (reason: 'rate_limit' | 'throttled', ms: number) => void;
  /** To be called once it is committed (I9). */
  readonly settled: (counts: Settled) => void;
  readonly openPeople: (people: number) => void;
}

export function createAttioMetrics(registry: MetricRegistry, shell: DestinationMetrics): AttioMetrics {
  const { requests, requestSeconds } = createRequestInstruments(registry, destination);
  const { folded } = createFoldInstruments(registry, destination);
  return {
    requested: (status, elapsedMs) => {
      requests.inc({ destination, status: statusLabel(status ?? undefined) });
      requestSeconds.observe({ destination }, elapsedMs / 1000);
    },
    retried: (reason) => shell.noteRetry(reason),
    waited: (reason, ms) => shell.noteWait(reason, ms),
    settled: ({ sent, failed, ages }) => {
      shell.noteAges(ages);
      if (sent + failed > 0) shell.noteCounts([{ jobId: '', sent, failed, skipped: 0, open: -sent - failed }]);
    },
    openPeople: (people) => folded.set({ destination }, people),
  };
}
