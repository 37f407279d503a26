import type { RateState, RequestLimiter } from '../core/rate-limit.ts';

/** At most so many requests in each second of the server's clock (Attio fact sheet, section 2). */
export class ClockLimiter implements RequestLimiter {
  private readonly limit: () => number;
  private readonly now: () => number;
  private second = -1;
  private used = 0;
  private busiest = 0;

  /** `limit` 0 counts without refusing; `now` is the server's clock, epoch ms. */
  constructor(limit: () => number, now: () => number) {
    this.limit = limit;
    this.now = now;
  }

  /** The most requests that were let in within one second. */
  get busiestSecond(): number {
    return this.busiest;
  }

  peek(): RateState {
    const now = this.now();
    const used = Math.floor(now / 1000) === this.second ? this.used : 0;
    const limit = this.limit() === 0 ? Number.POSITIVE_INFINITY : this.limit();
    return { allowed: used < limit, limit, remaining: Math.max(0, limit - used), resetMs: 1000 - (now % 1000) };
  }

  take(): void {
    const second = Math.floor(this.now() / 1000);
    if (second !== this.second) this.used = 0;
    this.second = second;
    this.used += 1;
    this.busiest = Math.max(this.busiest, this.used);
  }

  clear(): void {
    this.busiest = 0;
  }
}
