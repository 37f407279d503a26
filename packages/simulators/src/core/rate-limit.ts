import { performance } from 'node:perf_hooks';

/** At most `count` requests in any span of `spanMs`. */
export interface RateWindow {
  readonly count: number;
  readonly spanMs: number;
}

/** What the tightest window says after a request was looked at. */
export interface RateState {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until a place is free (refused), or until the oldest request leaves its window (allowed). */
  readonly resetMs: number;
}

const RATE = /^(\d+)\/(\d+(?:\.\d+)?)s$/;

/**
 * Reads `10/2s`, several joined by commas (`60/60s,1000/3600s`), or `off`.
 * @throws Error on anything else.
 */
export function parseRate(text: string): readonly RateWindow[] {
  if (text.trim() === 'off') return [];
  return text.split(',').map((part) => {
    const match = RATE.exec(part.trim());
    const window = { count: Number(match?.[1]), spanMs: Number(match?.[2]) * 1000 };
    if (match === null || window.count < 1 || window.spanMs <= 0) {
      throw new Error(`not a rate limit: ${part.trim()} (expected N/Ts, several joined by commas, or off)`);
    }
    return window;
  });
}

/** Decides over requests one by one. */
export interface RequestLimiter {
  /** Looks without taking a place; null when there is no limit. */
  peek(at: number): RateState | null;
  take(at: number): void;
}

/** A true sliding window over the accepted arrivals of one account; no windows means no limit. */
export class RateLimiter implements RequestLimiter {
  readonly windows: readonly RateWindow[];
  private readonly now: () => number;
  private accepted: number[] = [];

  constructor(windows: readonly RateWindow[], now: () => number = () => performance.now()) {
    this.windows = windows;
    this.now = now;
  }

  /** Looks at the windows without taking a place; null when there is no limit. */
  peek(at: number = this.now()): RateState | null {
    this.prune(at);
    let tightest: RateState | null = null;
    for (const window of this.windows) {
      const state = this.stateOf(window, at);
      if (tightest === null || isTighter(state, tightest)) tightest = state;
    }
    return tightest;
  }

  /** Takes a place for an arrival; call only when `peek` allowed it. */
  take(at: number = this.now()): void {
    if (this.windows.length > 0) this.accepted.push(at);
  }

  private stateOf(window: RateWindow, at: number): RateState {
    // An arrival exactly one span old has left the window: spans are half-open.
    const first = firstAfter(this.accepted, at - window.spanMs);
    const inside = this.accepted.length - first;
    const allowed = inside < window.count;
    const leaving = allowed ? this.accepted[first] : this.accepted[this.accepted.length - window.count];
    const resetMs = leaving === undefined ? window.spanMs : Math.max(0, leaving + window.spanMs - at);
    return { allowed, limit: window.count, remaining: Math.max(0, window.count - inside), resetMs };
  }

  private prune(at: number): void {
    const longest = this.windows.reduce((most, window) => Math.max(most, window.spanMs), 0);
    const first = firstAfter(this.accepted, at - longest);
    if (first > 4096 || (first > 64 && first > this.accepted.length / 2)) this.accepted = this.accepted.slice(first);
  }
}

function isTighter(a: RateState, b: RateState): boolean {
  if (a.allowed !== b.allowed) return !a.allowed;
  if (!a.allowed) return a.resetMs > b.resetMs;
  return a.remaining < b.remaining;
}

function firstAfter(times: readonly number[], bound: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
