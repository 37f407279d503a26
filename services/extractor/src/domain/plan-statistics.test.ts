import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCounts, sameCounts } from './counts.ts';
import { beginChanges, changesQuery, foldChanges } from './changes.ts';
import { planStatistics } from './plan-statistics.ts';
import type { KnownCampaigns } from './plan-statistics.ts';
import type { Cursor, JobScope, LookBack } from './reach.ts';
import { beginStatistics } from './statistics-walk.ts';

const day = 86_400_000;
const now = Date.UTC(2026, 5, 10);
const lookBack: LookBack = { overlapMs: day, lookbackMs: 45 * day, backdatedMs: 7 * day };
const full: JobScope = {
  syncMode: 'full_historical',
  windowEndMs: now,
  range: null,
  chunkDays: null,
  filter: null,
};
const delta = { ...full, syncMode: 'delta_since_last' };
const nothing: KnownCampaigns = { cursors: new Map(), changed: null };

/** As the analytics of a campaign show them: texts. */
const analytics = {
  id: 7,
  sent_count: '10',
  open_count: '4',
  click_count: '2',
  reply_count: '1',
  bounce_count: '0',
  unsubscribed_count: '0',
  unique_open_count: '3',
};
const counts = readCounts(analytics);
const cursor: Cursor = { readUpToMs: now - day, counts, backdatedAtMs: null, filter: null };
const campaigns = [
  { id: 1, name: 'one', status: 'ACTIVE', created_at: '2026-01-01T00:00:00.000Z' },
  { id: '2', name: null, status: 'COMPLETED', created_at: '2026-02-01T00:00:00.000Z' },
  { id: 3, name: 'draft', status: 'DRAFTED', created_at: '2026-03-01T00:00:00.000Z' },
];

function plan(scope: JobScope, known: KnownCampaigns = nothing, list: unknown = campaigns) {
  const planned = planStatistics(list, scope, known, lookBack);
  assert.ok(planned !== null);
  return planned;
}

type Continuation = { readonly counting: { readonly known: unknown } | null };

function briefly(planned: ReturnType<typeof plan>) {
  return planned.streams.map(({ campaignId, windowStartMs, continuation, readsUpToMs }) => {
    const { counting } = continuation as Continuation;
    return [
      campaignId,
      windowStartMs,
      counting === null ? 'read' : counting.known === null ? 'count' : 'compare',
      readsUpToMs,
    ];
  });
}

test('a full sync counts every campaign, reads all of it and moves its cursor', () => {
  assert.deepEqual(briefly(plan(full)), [
    ['1', null, 'count', now],
    ['2', null, 'count', now],
    ['3', null, 'count', now],
  ]);
  const known = { cursors: new Map([['1', cursor]]), changed: null };
  const [first, second] = plan(full, known).streams;
  assert.equal(first?.recordsExpected, 10, 'the sends counted last are what to expect');
  assert.equal(second?.recordsExpected, null);
});

test('a delta compares what nothing was heard of, reads what changed, and all of what is new', () => {
  const known = {
    cursors: new Map([
      ['1', cursor],
      ['2', cursor],
    ]),
    changed: new Set(['2']),
  };
  const start = cursor.readUpToMs - 45 * day;
  assert.deepEqual(briefly(plan(delta, known)), [
    ['1', start, 'compare', now],
    ['2', start, 'read', now],
    ['3', null, 'count', now],
  ]);
});

test('a campaign whose last counts are not known is counted and read', () => {
  const known = { cursors: new Map([['1', { ...cursor, counts: null }]]), changed: new Set<string>() };
  assert.deepEqual(briefly(plan(delta, known, campaigns.slice(0, 1)))[0]?.[2], 'count');
});

test('without the list of changed leads every campaign is read', () => {
  const known = {
    cursors: new Map([
      ['1', cursor],
      ['2', cursor],
      ['3', cursor],
    ]),
    changed: null,
  };
  assert.deepEqual(new Set(briefly(plan(delta, known)).map(([, , how]) => how)), new Set(['read']));
});

test('a draft that has sent nothing is not even asked for its counts', () => {
  const idle = { ...cursor, counts: { ...counts, sent_count: 0 } };
  const known = {
    cursors: new Map([
      ['1', idle],
      ['3', idle],
    ]),
    changed: new Set<string>(),
  };
  assert.deepEqual(
    briefly(plan(delta, known)).map(([id]) => id),
    ['1', '2'],
  );
});

test('a range counts nothing and moves no cursor', () => {
  const range = { startMs: now - 3 * day, endMs: now - 2 * day };
  const scope = { ...full, syncMode: 'date_range', range };
  assert.deepEqual(briefly(plan(scope, { cursors: new Map([['1', cursor]]), changed: null }))[0], [
    '1',
    range.startMs,
    'read',
    null,
  ]);
});

test('only the campaigns of the namespace are planned, and those that the account does not list are named', () => {
  const filter = { campaigns: ['1', '2', '9'], exclude: ['2'] };
  const { streams, warnings } = plan({ ...full, filter });
  assert.deepEqual(
    streams.map(({ campaignId }) => campaignId),
    ['1'],
  );
  assert.deepEqual(warnings, ['the account lists no campaign 9']);
  assert.equal(plan({ ...full, filter: { campaigns: null, exclude: ['1'] } }).streams.length, 2);
});

test('campaigns are listed once, those without an id are counted, and no list is none', () => {
  const { streams, warnings } = plan(full, nothing, { campaigns: [...campaigns, { id: '1' }, { id: null }, 'x'] });
  assert.equal(streams.length, 3);
  assert.deepEqual(warnings, ['2 campaigns without an id were left out']);
  assert.equal(planStatistics({ error: 'no' }, full, nothing, lookBack), null);
});

test('windows of days begin when the campaign was made, the first reaching from ever', () => {
  const [stream] = plan({ ...full, chunkDays: 30 }).streams;
  const made = Date.UTC(2026, 0, 1);
  assert.deepEqual(stream?.continuation, {
    walk: beginStatistics({ start: null, end: made + 30 * day - 1 }),
    deadLettered: [],
    aheadMs: made + 30 * day,
    counting: { known: null },
  });
  assert.deepEqual([stream?.windowStartMs, stream?.windowEndMs], [null, now]);
});

test('counts are comparable only when all are there, whatever they are written as', () => {
  assert.deepEqual(counts, {
    sent_count: 10,
    open_count: 4,
    click_count: 2,
    reply_count: 1,
    bounce_count: 0,
    unsubscribed_count: 0,
    unique_open_count: 3,
  });
  const { unsubscribed_count: _, ...without } = analytics;
  assert.equal(readCounts(without), null);
  assert.equal(readCounts({}), null);
  assert.ok(counts !== null);
  assert.equal(sameCounts(counts, { ...counts }), true);
  for (const name of Object.keys(counts)) {
    assert.equal(sameCounts(counts, { ...counts, [name]: 99 }), false, name);
  }
  assert.equal(sameCounts(counts, { ...counts, unique_click_count: 0 }), false);
});

test('the list of changed leads is read to its end and names each campaign once', () => {
  let listing = beginChanges(now - day, now);
  assert.deepEqual(changesQuery(listing), {
    event_time_from: '2026-06-09T00:00:00.000Z',
    event_time_to: '2026-06-10T00:00:00.000Z',
    offset: 0,
    limit: 1_000,
  });
  const page = foldChanges(listing, { campaigns: ['1', '2', '1'], hasMore: true });
  assert.equal(page.last, false);
  listing = page.listing;
  assert.equal(changesQuery(listing)['offset'], 3);
  const empty = foldChanges(listing, { campaigns: [], hasMore: true });
  assert.equal(empty.last, true, 'a full last page may claim that there is more');
  assert.deepEqual(empty.listing.campaigns, ['1', '2']);
  assert.equal(foldChanges(listing, { campaigns: ['3', null], hasMore: false }).listing.complete, false);
});
