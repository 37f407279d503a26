import type { DeliveryCounts } from '../work.ts';

export type Outcome = 'sent' | 'skipped' | 'failed';

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
