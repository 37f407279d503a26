import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ArrivalLog } from './arrivals.ts';
import { RateLimiter, parseRate } from './rate-limit.ts';

test('a rate is read as windows, and nonsense is refused', () => {
  assert.deepEqual(parseRate('60/60s, 1000/3600s'), [
    { count: 60, spanMs: 60_000 },
    { count: 1000, spanMs: 3_600_000 },
  ]);
  assert.deepEqual(parseRate('off'), []);
  for (const text of ['', '10', '10/2', '0/2s', '10/0s', '-1/2s', '10/2s,']) {
    assert.throws(() => parseRate(text), /not a rate limit/, text);
  }
});

test('no window ever holds more than its count, and a request is refused only when one is full', () => {
  const windows = fc.array(
    fc.record({ count: fc.integer({ min: 1, max: 8 }), spanMs: fc.integer({ min: 1, max: 500 }) }),
    {
      minLength: 1,
      maxLength: 3,
    },
  );
  fc.assert(
    fc.property(windows, fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 300 }), (limits, gaps) => {
      const limiter = new RateLimiter(limits);
      const accepted: number[] = [];
      let now = 0;
      for (const gap of gaps) {
        now += gap;
        const state = limiter.peek(now);
        assert.ok(state);
        const isFull = limits.some(
          ({ count, spanMs }) => accepted.filter((at) => at > now - spanMs && at <= now).length >= count,
        );
        assert.equal(state.allowed, !isFull);
        if (!state.allowed) {
          // What it says about the wait is true: a place is free then, and not a moment before.
          assert.equal(new RateLimiterProbe(limits, accepted).allows(now + state.resetMs), true);
          assert.equal(new RateLimiterProbe(limits, accepted).allows(now + state.resetMs - 0.5), false);
          continue;
        }
        limiter.take(now);
        accepted.push(now);
      }
      for (const { count, spanMs } of limits) assert.ok(mostInWindow(accepted, spanMs) <= count);
    }),
  );
});

/** The definition itself, slowly. */
class RateLimiterProbe {
  private readonly limits: readonly { readonly count: number; readonly spanMs: number }[];
  private readonly accepted: readonly number[];

  constructor(limits: readonly { readonly count: number; readonly spanMs: number }[], accepted: readonly number[]) {
    this.limits = limits;
    this.accepted = accepted;
  }

  allows(now: number): boolean {
    return this.limits.every(({ count, spanMs }) => this.accepted.filter((at) => at > now - spanMs).length < count);
  }
}

function mostInWindow(times: readonly number[], spanMs: number): number {
  return Math.max(0, ...times.map((start) => times.filter((at) => at >= start && at < start + spanMs).length));
}

test('without windows there is no limit and nothing to say about one', () => {
  const limiter = new RateLimiter([]);
  limiter.take(1);
  assert.equal(limiter.peek(1), null);
});

test('the busiest window of the arrivals is found, refused ones included', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 }),
      fc.integer({ min: 1, max: 300 }),
      (gaps, spanMs) => {
        const log = new ArrivalLog();
        const times: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          times.push(now);
          log.record(gap % 2 === 0, '/a', now);
        }
        assert.equal(log.maxInWindow(spanMs), mostInWindow(times, spanMs));
      },
    ),
  );
});

test('arrivals are kept in order with their path and fate', () => {
  const log = new ArrivalLog();
  for (let i = 0; i < 3000; i++) log.record(i % 3 !== 0, `/p${i % 2}`, i);
  const all = [...log];
  assert.equal(all.length, 3000);
  assert.deepEqual(all[2999], { at: 2999, accepted: true, path: '/p1' });
  assert.deepEqual(all[0], { at: 0, accepted: false, path: '/p0' });
  log.clear();
  assert.equal(log.length, 0);
});
