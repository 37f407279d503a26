const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
/** What is waited after each attempt: 16 hours in all. */
const waitsMs = [
  second,
  5 * second,
  30 * second,
  2 * minute,
  10 * minute,
  30 * minute,
  hour,
  2 * hour,
  4 * hour,
  8 * hour,
] as const;
const jitter = 0.2;
/** The longest that a receiver's Retry-After is heeded. */
const longestAskedMs = hour;

/**
 * When a webhook is sent again after its attempt number `attempt` (from 1) has failed, in ms; null: never. `random` is a
 * number from 0 to 1 that spreads those that failed together; `askedMs` is what the receiver asked to wait.
 */
export function webhookRetryMs(attempt: number, random: number, askedMs: number | null = null): number | null {
  const waitMs = waitsMs[attempt - 1];
  if (waitMs === undefined) return null;
  const spread = Math.round(waitMs * (1 - jitter + 2 * jitter * random));
  return Math.max(spread, Math.min(askedMs ?? 0, longestAskedMs));
}
