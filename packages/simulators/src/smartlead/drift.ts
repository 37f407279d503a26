import type { DriftSpec } from '../core/drift.ts';
import { parseIso } from '../core/timeline.ts';
import type { SmartleadAccount, SmartleadCampaign } from './account.ts';
import type { Query } from './query.ts';
import type { StatisticsWindow } from './statistics.ts';

/** Changes a campaign right after one of its pages was served. */
export function drift(
  account: SmartleadAccount,
  campaign: SmartleadCampaign,
  window: StatisticsWindow,
  query: Query,
  spec: DriftSpec,
): void {
  if (window.end === window.first) return;
  const descending = account.sort === 'sentDescending';
  const atOldest = (spec.position ?? 'head') === 'head' ? !descending : descending;
  const ref = window.view.refAt(atOldest ? window.first : window.end - 1);
  if (spec.kind === 'deleteWhilePaging') {
    campaign.rows.remove(ref);
    return;
  }
  account.insertSend(campaign, insertionTime(campaign.rows.timeOf(ref), atOldest, query, spec.at ?? 'window'));
}

function insertionTime(edge: number, atOldest: boolean, query: Query, at: string): number {
  if (at === 'now') return Date.now();
  if (at !== 'window') return parseIso(at) ?? edge;
  const beyond = atOldest ? edge - 1 : edge + 1;
  const after = query.number('sent_time_start_date') ?? Number.NEGATIVE_INFINITY;
  const before = query.number('sent_time_end_date') ?? Number.POSITIVE_INFINITY;
  return beyond > after && beyond < before ? beyond : edge;
}
