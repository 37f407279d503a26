import type { RateLimit } from '@full-sync/runtime';
import type { Queryable } from './database.ts';
import { effectiveLimit } from './slots.ts';

/** What an upstream account allows now, by the permits that are out. */
export interface BudgetState {
  readonly platform: string;
  readonly label: string;
  /** Requests in any span of `spanMs`; null: no limit. */
  readonly limit: number | null;
  readonly spanMs: number | null;
  /** How many of them are left now; null: no limit. */
  readonly remaining: number | null;
  /** When all of them are, ms since 1970; null: they are now. */
  readonly resetAtMs: number | null;
  /** Until when nothing is asked, ms since 1970; null: not paused. */
  readonly pausedUntilMs: number | null;
}

interface BudgetRow {
  readonly platform: string;
  readonly label: string;
  readonly configured: RateLimit | null;
  readonly learnedCount: number | null;
  readonly throttle: number;
  readonly pausedUntilMs: number | null;
  /** ms since 1970 of the database's clock. */
  readonly nowMs: number;
  /** Settled times of the permits that can count, ms since 1970. */
  readonly settledMs: readonly number[];
}

/** The state of every account, most used last. Of several spans the one with the least left speaks for the account. */
export async function readBudgetStates(queryable: Queryable): Promise<readonly BudgetState[]> {
  const { rows } = await queryable.query<BudgetRow>(
    `select platform, label, configured_limit as configured, learned_count as "learnedCount", throttle,
       case when paused_until > clock_timestamp() then extract(epoch from paused_until)::float8 * 1000 end as "pausedUntilMs",
       extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs",
       array(select extract(epoch from settled_at)::float8 * 1000 from permits p where p.account_id = a.account_id
             order by settled_at desc limit 10000) as "settledMs"
     from accounts a order by platform desc, last_slot_at nulls first, account_id`,
  );
  return rows.map(toState);
}

function toState({ platform, label, pausedUntilMs, nowMs, settledMs, ...budget }: BudgetRow): BudgetState {
  const spans = effectiveLimit(budget).map(({ count, spanMs }) => {
    const out = settledMs.filter((atMs) => atMs > nowMs - spanMs);
    const resetAtMs = out.length === 0 ? null : Math.max(...out) + spanMs;
    return { limit: count, spanMs, remaining: Math.max(0, count - out.length), resetAtMs };
  });
  const [tightest] = spans.toSorted((a, b) => a.remaining / a.limit - b.remaining / b.limit);
  const none = { limit: null, spanMs: null, remaining: null, resetAtMs: null };
  return { platform, label, ...(tightest ?? none), pausedUntilMs };
}
