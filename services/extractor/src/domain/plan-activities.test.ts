import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { beginActivities } from './activities-walk.ts';
import { needsOldest, planActivities } from './plan-activities.ts';
import type { Cursor, JobScope, LookBack } from './reach.ts';
import { firstChunk, nextChunk } from './windows.ts';

const day = 86_400_000;
const now = Date.UTC(2026, 5, 10);
const lookBack: LookBack = { overlapMs: day, lookbackMs: 45 * day, backdatedMs: 7 * day };
const full: JobScope = { syncMode: 'full_historical', windowEndMs: now, range: null, chunkDays: null, filter: null };
const delta = { ...full, syncMode: 'delta_since_last' };
const cursor: Cursor = { readUpToMs: now - day, counts: null, backdatedAtMs: null, filter: null };
const oldest = Date.UTC(2025, 0, 1);

test('all time is covered once: an open window, and equal ones from the oldest campaign on', () => {
  const streams = planActivities(oldest, full, new Map(), lookBack);
  assert.deepEqual([streams[0]?.windowStartMs, streams[0]?.windowEndMs], [null, oldest - 1]);
  assert.equal(streams.length, 21);
  for (const [index, { windowStartMs }] of streams.entries()) {
    if (index > 0) assert.equal(windowStartMs, (streams[index - 1]?.windowEndMs ?? 0) + 1);
  }
  assert.equal(streams.at(-1)?.windowEndMs, now);
  assert.ok(streams.every(({ readsUpToMs, campaignId }) => readsUpToMs === now && campaignId === null));
});

test('a range and a delta are bounded, and need to know nothing of the account', () => {
  const range = { startMs: now - 10 * day, endMs: now - 10 * day + 5 };
  const ranged = planActivities(null, { ...full, syncMode: 'date_range', range }, new Map(), lookBack);
  assert.deepEqual(
    ranged.map(({ windowStartMs, windowEndMs, readsUpToMs }) => [windowStartMs, windowEndMs, readsUpToMs]),
    [[range.startMs, range.endMs, null]],
  );
  const cursors = new Map([['', { ...cursor, backdatedAtMs: now }]]);
  const [stream] = planActivities(null, delta, cursors, lookBack);
  assert.deepEqual([stream?.windowStartMs, stream?.backdated], [now - 2 * day, false]);
  assert.equal(needsOldest(delta, cursors, lookBack), false);
  assert.equal(needsOldest(delta, new Map(), lookBack), true);
  assert.equal(needsOldest({ ...full, range }, new Map(), lookBack), false);
});

test('named campaigns are asked for one by one, each from its own cursor', () => {
  const filter = { campaigns: ['cam_a', 'cam_b', 'cam_c'], exclude: ['cam_c'] };
  const cursors = new Map([
    ['', cursor],
    ['cam_a', { ...cursor, backdatedAtMs: now }],
  ]);
  const streams = planActivities(null, { ...delta, filter }, cursors, lookBack);
  assert.deepEqual(
    streams.map(({ campaignId, windowStartMs }) => [campaignId, windowStartMs]),
    [
      ['cam_a', now - 2 * day],
      ['cam_b', null],
    ],
  );
});

test('with windows of days there is one walk over all of them', () => {
  const streams = planActivities(oldest, { ...full, chunkDays: 7 }, new Map(), lookBack);
  const first = { walk: beginActivities({ start: null, end: oldest + 7 * day - 1 }), deadLettered: [] };
  assert.deepEqual(
    streams.map(({ continuation }) => continuation),
    [{ ...first, aheadMs: oldest + 7 * day }],
  );
});

test('law: windows of days touch, do not overlap, end with the whole and are no longer than asked for', () => {
  const time = fc.integer({ min: 0, max: 400 }).map((days) => days * day + 12_345);
  fc.assert(
    fc.property(
      fc.option(time),
      time,
      fc.option(time),
      fc.integer({ min: 1, max: 90 }),
      (start, length, made, days) => {
        const whole = { start, end: (start ?? 0) + length };
        let chunk = firstChunk(whole, days, made);
        assert.equal(chunk.window.start, start);
        for (let count = 0; chunk.aheadMs !== null; count += 1) {
          assert.ok(count < 500);
          assert.equal(chunk.aheadMs, chunk.window.end + 1);
          if (chunk.window.start !== null) assert.equal(chunk.window.end - chunk.window.start + 1, days * day);
          chunk = nextChunk(chunk.aheadMs, whole.end, days);
        }
        assert.equal(chunk.window.end, whole.end);
      },
    ),
  );
});
