/** When a target may be sent to again, and how often it has failed in a row. */
export interface Pace {
  readonly failures: number;
  /** Epoch ms. */
  readonly notBefore: number;
}

export const freshPace: Pace = Object.freeze({ failures: 0, notBefore: 0 });

const firstMs = 2_000;
const lastMs = 60_000;

/**
 * The pace after a failure that Mixpanel asks to be answered with 2 s, doubled up to 60 s, and 1 to 5 s of jitter
 * (Mixpanel fact sheet, section 7); what it asks for itself wins. Failures of requests that were under way together are
 * one. `random` is in [0, 1).
 */
export function slowDown(
  pace: Pace,
  {
    now,
    retryAfterMs,
    random,
  }: { readonly now: number; readonly retryAfterMs: number | null; readonly random: number },
): Pace {
  if (now < pace.notBefore) {
    return retryAfterMs === null ? pace : { ...pace, notBefore: Math.max(pace.notBefore, now + retryAfterMs) };
  }
  const failures = pace.failures + 1;
  const backoffMs = Math.min(lastMs, firstMs * 2 ** (failures - 1)) + 1_000 + Math.floor(random * 4_000);
  const waitMs = retryAfterMs === null ? backoffMs : retryAfterMs + Math.floor(random * 1_000);
  return { failures, notBefore: now + waitMs };
}
