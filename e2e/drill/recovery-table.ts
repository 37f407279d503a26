import { summariseRecoveries } from './kill-schedule.ts';
import type { Recovery } from './kill-schedule.ts';
import { percent, seconds, table } from './report.ts';

/** What each target's kills took, as a table; `what` names that of which a share was done when it was hit. */
export function describeRecoveries(recoveries: readonly Recovery[], what: string): string {
  const head = ['', 'kills', `${what} at first`, 'at last', 'ready (median)', 'at work (median)', 'at work (longest)'];
  const rows = summariseRecoveries(recoveries).map((row) => [
    row.target,
    String(row.kills),
    percent(row.from),
    percent(row.to),
    seconds(row.medianReadyMs),
    seconds(row.medianMovedMs),
    seconds(row.longestMovedMs),
  ]);
  return table([head, ...rows]);
}
