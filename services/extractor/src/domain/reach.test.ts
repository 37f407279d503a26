import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { activitiesReach, isCovered, isInFilter, statisticsReach } from './reach.ts';
import type { CampaignFilter, Cursor, JobScope, LookBack } from './reach.ts';

const hour = 3_600_000;
const day = 24 * hour;
const now = Date.UTC(2026, 5, 10, 12);
const lookBack: LookBack = { overlapMs: 24 * hour, lookbackMs: 45 * day, backdatedMs: 7 * day };
const delta: JobScope = {
  syncMode: 'delta_since_last',
  windowEndMs: now,
  range: null,
  chunkDays: null,
  filter: null,
};
const cursor: Cursor = { readUpToMs: now - 2 * hour, counts: null, backdatedAtMs: null, filter: null };

test('without a cursor a delta is a full sync, and a full sync heeds none', () => {
  const whole = { window: { start: null, end: now }, readsUpToMs: now, backdated: false };
  assert.deepEqual(statisticsReach(delta, null, lookBack), whole);
  assert.deepEqual(activitiesReach(delta, null, lookBack), whole);
  const full = { ...delta, syncMode: 'full_historical' };
  assert.deepEqual(statisticsReach(full, cursor, lookBack), whole);
  assert.deepEqual(activitiesReach(full, cursor, lookBack), whole);
});

test('a range covers its instants, never what comes after the job, and moves no cursor', () => {
  const range = { startMs: now - 3 * day, endMs: now - day };
  const scope = { ...delta, syncMode: 'date_range', range };
  for (const reach of [statisticsReach, activitiesReach]) {
    const inside = { window: { start: range.startMs, end: range.endMs }, readsUpToMs: null, backdated: false };
    assert.deepEqual(reach(scope, cursor, lookBack), inside);
    assert.equal(reach({ ...scope, range: { ...range, endMs: now + day } }, null, lookBack).window?.end, now);
    assert.equal(reach({ ...scope, range: { startMs: now + 1, endMs: now + day } }, null, lookBack).window, null);
    assert.deepEqual(reach({ ...scope, range: { startMs: now, endMs: now } }, null, lookBack).window, {
      start: now,
      end: now,
    });
  }
});

test('sends are read again for as long as they may still be opened, counted from the cursor', () => {
  assert.deepEqual(statisticsReach(delta, cursor, lookBack).window, { start: cursor.readUpToMs - 45 * day, end: now });
  const short = { ...lookBack, lookbackMs: 0 };
  assert.equal(statisticsReach(delta, cursor, short).window?.start, cursor.readUpToMs - 24 * hour);
});

test('activities are read from the overlap on, and once a day from as far back as they may be dated', () => {
  const first = activitiesReach(delta, cursor, lookBack);
  assert.deepEqual(first, {
    window: { start: cursor.readUpToMs - 7 * day, end: now },
    readsUpToMs: now,
    backdated: true,
  });
  const again = { ...cursor, readUpToMs: now - 60_000, backdatedAtMs: now - hour };
  assert.deepEqual(activitiesReach(delta, again, lookBack), {
    window: { start: now - 60_000 - 24 * hour, end: now },
    readsUpToMs: now,
    backdated: false,
  });
});

test('the next day goes back from the last time it was done: what was recorded in between is not skipped', () => {
  const yesterday = now - 20 * hour;
  const hourly = { ...cursor, readUpToMs: now - hour, backdatedAtMs: yesterday };
  assert.deepEqual(activitiesReach(delta, hourly, lookBack), {
    window: { start: yesterday - 7 * day, end: now },
    readsUpToMs: now,
    backdated: true,
  });
});

test('a cursor that never saw some of the campaigns does not speak for them', () => {
  const narrow = { ...cursor, filter: { campaigns: null, exclude: ['a', 'b'] } };
  assert.equal(activitiesReach({ ...delta, filter: null }, narrow, lookBack).window?.start, null);
  const wider = { ...delta, filter: { campaigns: null, exclude: ['a'] } };
  assert.equal(activitiesReach(wider, narrow, lookBack).window?.start, null);
  const narrower = { ...delta, filter: { campaigns: null, exclude: ['c', 'b', 'a'] } };
  assert.notEqual(activitiesReach(narrower, narrow, lookBack).window?.start, null);
});

test('a list of campaigns leaves activities without one out, an exclusion alone keeps them', () => {
  const only: CampaignFilter = { campaigns: ['1', '2'], exclude: ['2'] };
  assert.deepEqual(
    ['1', '2', '3', null].map((id) => isInFilter(only, id)),
    [true, false, false, false],
  );
  const but: CampaignFilter = { campaigns: null, exclude: ['2'] };
  assert.deepEqual(
    ['1', '2', null].map((id) => isInFilter(but, id)),
    [true, false, true],
  );
  assert.equal(isInFilter(null, null), true);
});

test('law: what is covered lets nothing through that was not let through before', () => {
  const ids = ['1', '2', '3', '4'];
  const list = fc.subarray(ids);
  const filter = fc.option(fc.record({ campaigns: fc.option(list), exclude: list }));
  fc.assert(
    fc.property(filter, filter, (before, after) => {
      const lost = [...ids, 'unheard of', null].filter((id) => isInFilter(after, id) && !isInFilter(before, id));
      if (isCovered(before, after)) assert.deepEqual(lost, []);
      assert.equal(isCovered(before, before), true);
      assert.equal(isCovered(null, after), true);
    }),
  );
});
