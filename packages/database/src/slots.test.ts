import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RateLimit } from '@full-sync/runtime';
import { effectiveLimit, grantAheadMs, nextSlot, slotToleranceMs, throttleUp } from './slots.ts';

const requestTimeoutMs = 30_000;

interface Permit {
  readonly slot: number;
  settled: number;
  /** Null until it is known, and for ever when the request was never sent. */
  arrival: number | null;
}

const nthLargest = (values: readonly number[], n: number): number | null =>
  values.toSorted((a, b) => b - a)[n - 1] ?? null;

/** Mostly none at all: the law is broken by what comes at the edges, not by what comes somewhere in between. */
const upTo = (max: number): fc.Arbitrary<number> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 0, max }) });

/** What one worker does with a granted slot; all in ms after the slot or after what came before. */
const request = fc.record({
  thinkMs: upTo(400),
  sendDelayMs: upTo(160),
  networkMs: upTo(500),
  answerMs: upTo(2_000),
  fate: fc.constantFrom('answered', 'answered', 'answered', 'killed-before-send', 'killed-after-send'),
});

const limits = fc.constantFrom<RateLimit>(
  [{ count: 20, spanMs: 2_000 }],
  [{ count: 1, spanMs: 500 }],
  [{ count: 3, spanMs: 1_000 }],
  [
    { count: 5, spanMs: 1_000 },
    { count: 12, spanMs: 10_000 },
  ],
);

test('never more than N arrivals in any span of T, whatever happens to the requests', () => {
  fc.assert(
    fc.property(limits, fc.array(request, { minLength: 25, maxLength: 150 }), (limit, requests) => {
      const permits: Permit[] = [];
      let now = 0;
      for (const { thinkMs, sendDelayMs, networkMs, answerMs, fate } of requests) {
        now += thinkMs;
        for (;;) {
          const seen = permits.map(({ slot, settled, arrival }) =>
            arrival !== null && settled <= now ? settled : slot + slotToleranceMs + requestTimeoutMs,
          );
          const slot = nextSlot({
            nowMs: now,
            limit,
            nthSettledMs: limit.map(({ count }) => nthLargest(seen, count)),
            lastSlotMs: permits.at(-1)?.slot ?? null,
            pausedUntilMs: null,
          });
          assert.ok(slot >= now);
          if (slot - now > grantAheadMs) {
            now += Math.min(1_000, slot - now);
            continue;
          }
          // Later than its tolerance a permit is void: deleted, never sent.
          if (sendDelayMs > slotToleranceMs) break;
          const arrival = slot + sendDelayMs + networkMs;
          const latest = slot + slotToleranceMs + requestTimeoutMs;
          if (fate === 'answered') permits.push({ slot, arrival, settled: arrival + answerMs });
          else permits.push({ slot, arrival: fate === 'killed-after-send' ? arrival : null, settled: latest });
          break;
        }
      }
      const arrivals = permits.flatMap(({ arrival }) => arrival ?? []).sort((a, b) => a - b);
      for (const { count, spanMs } of limit) {
        for (const [index, at] of arrivals.entries()) {
          const later = arrivals[index + count];
          assert.ok(
            later === undefined || later - at > spanMs,
            `${count + 1} arrivals within ${String(later)} - ${at}`,
          );
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('a budget with quick answers is used to 95 % and more', () => {
  const limit = [{ count: 20, spanMs: 2_000 }];
  const settled: number[] = [];
  let lastSlot: number | null = null;
  const end = 20_000;
  for (let now = 0; now < end;) {
    now = nextSlot({
      nowMs: now,
      limit,
      nthSettledMs: [nthLargest(settled, 20)],
      lastSlotMs: lastSlot,
      pausedUntilMs: null,
    });
    lastSlot = now;
    settled.push(now + 25);
  }
  assert.ok(settled.length >= 0.95 * 20 * (end / 2_000), `${settled.length} requests`);
});

test('a pause holds everything back, limits on or off', () => {
  const paused = { nowMs: 0, nthSettledMs: [], lastSlotMs: null, pausedUntilMs: 700 };
  assert.equal(nextSlot({ ...paused, limit: [] }), 700);
  assert.equal(nextSlot({ ...paused, limit: [{ count: 5, spanMs: 100 }] }), 700);
});

test('the learned count lowers the first span only, the throttle lowers all, and one request always remains', () => {
  const configured = [
    { count: 60, spanMs: 60_000 },
    { count: 1_000, spanMs: 3_600_000 },
  ];
  const counts = (learnedCount: number | null, throttle: number): number[] =>
    effectiveLimit({ configured, learnedCount, throttle }).map(({ count }) => count);
  assert.deepEqual(counts(null, 1), [60, 1_000]);
  assert.deepEqual(counts(50, 1), [50, 1_000]);
  assert.deepEqual(counts(90, 1), [60, 1_000]);
  assert.deepEqual(counts(50, 0.8), [40, 800]);
  assert.deepEqual(counts(1, 0.1), [1, 100]);
  assert.deepEqual(effectiveLimit({ configured: null, learnedCount: 5, throttle: 0.5 }), []);
});

test('the throttle recovers by a tenth after ten spans without a refusal', () => {
  const limit = [{ count: 20, spanMs: 2_000 }];
  assert.equal(throttleUp(0.5, limit, 19_999), 0.5);
  assert.equal(throttleUp(0.5, limit, 20_000), 0.6);
  assert.equal(throttleUp(0.95, limit, 20_000), 1);
});
