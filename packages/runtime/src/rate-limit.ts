/** At most `count` requests in any span of `spanMs` milliseconds; several bounds hold together. */
export type RateLimit = readonly { readonly count: number; readonly spanMs: number }[];

export const rateLimitExpected = 'N/Ts, e.g. 60/60s, several joined by commas, or "off"';

const bound = /^([1-9]\d{0,5})\/(\d{1,6}(?:\.\d{1,3})?)s$/;
const maxSpanMs = 7 * 24 * 3_600_000;

/**
 * Reads `60/60s`, `60/60s,1000/3600s` or `off`: 1 to 999 999 requests per span of 1 ms to 7 days each. Throws a
 * RangeError for anything else.
 */
export function parseRateLimit(text: string): RateLimit | 'off' {
  if (text.trim().toLowerCase() === 'off') return 'off';
  return text.split(',').map((part) => {
    const [, count, seconds] = bound.exec(part.trim()) ?? [];
    const spanMs = Math.round(Number(seconds) * 1000);
    if (count === undefined || !(spanMs >= 1 && spanMs <= maxSpanMs))
      throw new RangeError(`expected ${rateLimitExpected}`);
    return { count: Number(count), spanMs };
  });
}
