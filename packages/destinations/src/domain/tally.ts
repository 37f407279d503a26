export type Outcome = 'sent' | 'skipped' | 'failed';

/** Counts of one job (or backfill) at one destination; `open` may be negative when settled ones are taken out of it. */
export interface DeliveryCounts {
  readonly jobId: string;
  readonly sent: number;
  readonly skipped: number;
  readonly failed: number;
  readonly open: number;
}

/** Adds up counts of the same job. */
export function addUp(parts: readonly DeliveryCounts[]): readonly DeliveryCounts[] {
  return [...Map.groupBy(parts, ({ jobId }) => jobId)].map(([jobId, ofJob]) => {
    const sum = (outcome: Outcome | 'open'): number => ofJob.reduce((total, part) => total + part[outcome], 0);
    return { jobId, sent: sum('sent'), skipped: sum('skipped'), failed: sum('failed'), open: sum('open') };
  });
}

/** Adds up what became of events, by who brought them. */
export function tally(
  outcomes: Iterable<{ readonly jobId: string; readonly outcome: Outcome | 'open' }>,
): readonly DeliveryCounts[] {
  const counts = new Map<string, { jobId: string; sent: number; skipped: number; failed: number; open: number }>();
  for (const { jobId, outcome } of outcomes) {
    const known = counts.get(jobId) ?? { jobId, sent: 0, skipped: 0, failed: 0, open: 0 };
    known[outcome] += 1;
    counts.set(jobId, known);
  }
  return [...counts.values()];
}
