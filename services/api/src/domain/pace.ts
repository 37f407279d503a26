import type { RateLimits, RateLimitOverride } from './execute-request.ts';

type Limit = readonly { readonly count: number; readonly spanMs: number }[];

/** What an account allows, as configured and learned. */
export interface Allowance {
  readonly platform: string;
  /** Null: limits are off. */
  readonly limit: Limit | null;
  /** The upstream's own word for the count of the first span. */
  readonly learnedCount: number | null;
}

/** The pace of a job on one account; null = whatever the account allows. */
export interface Pace {
  readonly requestsPerSecond: number | null;
  readonly burstSize: number | null;
  readonly retryAttempts: number | null;
}

/** The limits that hold: the configured ones, the first lowered to what was learned; null when they are off. */
function knownLimit({ limit, learnedCount }: Allowance): Limit | null {
  if (limit === null) return null;
  return limit.map(({ count, spanMs }, index) => ({
    count: index === 0 ? Math.min(count, learnedCount ?? count) : count,
    spanMs,
  }));
}

/** Requests per second that an account allows in the long run; Infinity when limits are off. */
export function ratePerSecond(account: Allowance): number {
  return Math.min(Infinity, ...(knownLimit(account) ?? []).map(({ count, spanMs }) => (count / spanMs) * 1_000));
}

/** The override of one platform, or null when there is none for it. */
export function overrideOf(limits: RateLimits | undefined, platform: string): RateLimitOverride | null {
  if (limits === undefined) return null;
  if ('requestsPerSecond' in limits) return limits;
  return Object.entries(limits).find(([name]) => name === platform)?.[1] ?? null;
}

/**
 * The pace of a job on an account that asks for `override`: never above what the account allows; what had to be lowered is
 * said. A pace as high as the account's own is none.
 */
export function paceOf(
  override: RateLimitOverride,
  account: Allowance,
): { readonly pace: Pace; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const { platform } = account;
  const allowed = ratePerSecond(account);
  const asked = override.requestsPerSecond;
  if (asked > allowed)
    warnings.push(
      `rateLimitOverride: ${asked} requests per second of ${platform} were lowered to the ${show(allowed)} that the account allows`,
    );
  const burstAllowed = Math.min(Infinity, ...(knownLimit(account) ?? []).map(({ count }) => count));
  const askedBurst = override.burstSize ?? 1;
  if (askedBurst > burstAllowed)
    warnings.push(
      `rateLimitOverride: the burst of ${askedBurst} requests to ${platform} was lowered to the ${burstAllowed} that the account allows`,
    );
  const slower = asked < allowed;
  return {
    pace: {
      requestsPerSecond: slower ? asked : null,
      burstSize: slower ? Math.min(askedBurst, burstAllowed) : null,
      retryAttempts: override.retryAttempts ?? null,
    },
    warnings,
  };
}

function show(rate: number): string {
  return String(Number(rate.toPrecision(3)));
}
