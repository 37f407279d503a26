import { JsonBuffer } from '../core/json-buffer.ts';
import type { RowView } from '../core/ordered-rows.ts';
import { draw } from '../core/random.ts';
import type { SmartleadAccount, SmartleadCampaign, SortOrder } from './account.ts';
import type { Query, Rule } from './query.ts';
import { writeRow } from './render.ts';
import type { SendFacts } from './rows.ts';

export const STATISTICS_RULES: Readonly<Record<string, Rule>> = {
  offset: { type: 'integer', min: 0 },
  limit: { type: 'integer', min: 1, max: 1000 },
  email_sequence_number: { type: 'integer', min: 1, max: 20 },
  email_status: { type: 'oneOf', values: ['opened', 'clicked', 'replied', 'unsubscribed', 'bounced'] },
  sent_time_start_date: { type: 'date' },
  sent_time_end_date: { type: 'date' },
};

const STREAM_SHUFFLE = 81;

/** The rows a query asks for, in time order: positions `first` up to, not including, `end` of `view`. */
export interface StatisticsWindow {
  readonly view: RowView;
  readonly first: number;
  readonly end: number;
}

/** The window a query describes; both bounds are exclusive and act on the send time. */
export function windowOf(campaign: SmartleadCampaign, query: Query): StatisticsWindow {
  const status = query.text('email_status');
  const step = query.number('email_sequence_number');
  const { rows } = campaign;
  const view =
    status === undefined && step === undefined
      ? rows
      : rows.filtered(`${status ?? ''}/${step ?? ''}`, (ref) => {
          const facts = campaign.factsOf(ref);
          return (step === undefined || facts.step === step) && (status === undefined || hasStatus(facts, status));
        });
  const after = query.number('sent_time_start_date');
  const before = query.number('sent_time_end_date');
  const first = after === undefined ? 0 : rows.lowerBound(view, after + 1);
  const end = before === undefined ? view.length : rows.lowerBound(view, before);
  return { view, first, end: Math.max(first, end) };
}

function hasStatus(facts: SendFacts, status: string): boolean {
  if (status === 'opened') return facts.openedAt !== null || facts.openCount > 0;
  if (status === 'clicked') return facts.clickedAt !== null || facts.clickCount > 0;
  if (status === 'replied') return facts.repliedAt !== null;
  return status === 'unsubscribed' ? facts.unsubscribed : facts.bounced;
}

/** Maps the listing's order onto time order; shuffling is a fixed permutation, so that pages never overlap by themselves. */
function listingOf(sort: SortOrder, window: StatisticsWindow, seed: number): (nth: number) => number {
  if (sort === 'sentAscending') return (nth) => window.first + nth;
  if (sort === 'sentDescending') return (nth) => window.end - 1 - nth;
  const count = Math.max(1, window.end - window.first);
  const shift = draw(seed, STREAM_SHUFFLE, count) % count;
  let step = (draw(seed, STREAM_SHUFFLE + 1, count) % count) | 1;
  while (gcd(step, count) !== 1) step += 1;
  return (nth) => window.first + ((nth * step + shift) % count);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Writes one page of `/campaigns/{id}/statistics`; the caller releases the buffer. */
export function writeStatistics(
  account: SmartleadAccount,
  campaign: SmartleadCampaign,
  window: StatisticsWindow,
  page: { readonly offset: number; readonly limit: number },
): JsonBuffer {
  const count = window.end - window.first;
  const out = new JsonBuffer().text(`{"total_stats":"${count}","data":[`);
  const end = Math.min(count, page.offset + page.limit);
  const positionOf = listingOf(account.sort, window, account.seed);
  for (let nth = page.offset; nth < end; nth++) {
    if (nth > page.offset) out.text(',');
    const ref = window.view.refAt(positionOf(nth));
    writeRow(out, account.rowOf(campaign, ref));
  }
  return out.text(`],"offset":${page.offset},"limit":${page.limit}}`);
}
