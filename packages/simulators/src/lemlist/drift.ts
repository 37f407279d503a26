import type { DriftSpec } from '../core/drift.ts';
import { parseIso } from '../core/timeline.ts';
import type { LemlistAccount } from './account.ts';
import type { ActivityQuery, ActivityWindow } from './list-activities.ts';

/** Changes the account right after a page of activities was served; the head of the listing is the newest. */
export function drift(account: LemlistAccount, window: ActivityWindow, query: ActivityQuery, spec: DriftSpec): void {
  if (window.end === window.first) return;
  const atNewest = (spec.position ?? 'head') === 'head';
  const ref = window.view.refAt(atNewest ? window.end - 1 : window.first);
  if (spec.kind === 'deleteWhilePaging') {
    account.rows.remove(ref);
    return;
  }
  account.insertActivity(insertionTime(account.rows.timeOf(ref), atNewest, query, spec.at ?? 'window'));
}

function insertionTime(edge: number, atNewest: boolean, query: ActivityQuery, at: string): number {
  if (at === 'now') return Date.now();
  if (at !== 'window') return parseIso(at) ?? edge;
  const beyond = atNewest ? edge + 1 : edge - 1;
  const min = query.minDate ?? Number.NEGATIVE_INFINITY;
  const max = query.maxDate ?? Number.POSITIVE_INFINITY;
  return beyond >= min && beyond <= max ? beyond : edge;
}
