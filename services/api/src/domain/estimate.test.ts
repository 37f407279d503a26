import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationText, estimateDuration, plannedRequests } from './estimate.ts';
import type { AccountRate, KnownTotals, PlannedJob, PlannedTarget } from './estimate.ts';

const full: PlannedJob = { syncMode: 'full_historical', range: null, chunkDays: null };
const delta: PlannedJob = { ...full, syncMode: 'delta_since_last' };
const day = 86_400_000;
const january = { startMs: Date.UTC(2024, 0, 1), endMs: Date.UTC(2024, 1, 1) - 1 };
const unknown: KnownTotals = { campaigns: 0, pages: 0, records: null, started: false };
const known: KnownTotals = { campaigns: 100, pages: 140, records: 9_900, started: true };

function target(platform: string, totals: KnownTotals, campaignsNamed: number | null = null): PlannedTarget {
  return { platform, accountId: platform === 'smartlead' ? 1 : 2, known: totals, campaignsNamed };
}

const smartlead: AccountRate = { accountId: 1, platform: 'smartlead', requestsPerSecond: 1, otherJobs: 0 };
const lemlist: AccountRate = { accountId: 2, platform: 'lemlist', requestsPerSecond: 10, otherJobs: 0 };

test('a full sync lists, counts every campaign and reads its pages; a delta counts', () => {
  assert.equal(plannedRequests(target('smartlead', known), full), 241);
  assert.equal(plannedRequests(target('smartlead', known), delta), 102);
  assert.equal(plannedRequests(target('smartlead', { ...known, started: false }), delta), 241);
  assert.equal(plannedRequests(target('lemlist', known), full), 106);
  assert.equal(plannedRequests(target('lemlist', { ...known, records: 300 }), full), 22);
  assert.equal(plannedRequests(target('lemlist', known), delta), 3);
  assert.equal(plannedRequests(target('lemlist', known, 5), delta), 6);
});

test('a range is asked of every campaign, window by window', () => {
  const oneDay = { ...full, syncMode: 'date_range', range: { startMs: 0, endMs: day - 1 } };
  assert.equal(plannedRequests(target('smartlead', known), oneDay), 101);
  assert.equal(plannedRequests(target('lemlist', known), oneDay), 2);
  const weekly = { ...full, syncMode: 'date_range', range: january, chunkDays: 7 };
  assert.equal(plannedRequests(target('smartlead', known), weekly), 501);
  assert.equal(plannedRequests(target('lemlist', known), weekly), 6);
});

test('what nobody has counted yet has no plan', () => {
  assert.equal(plannedRequests(target('smartlead', unknown), full), null);
  assert.equal(plannedRequests(target('lemlist', unknown), delta), null);
});

test('the slowest account decides, and jobs that share it take their turns', () => {
  const targets = [target('smartlead', known), target('lemlist', known)];
  const input = { targets, job: full, accounts: [smartlead, lemlist], lastRun: null };
  assert.equal(
    estimateDuration(input),
    'about 4 minutes (smartlead 241 requests at 60 a minute, lemlist 106 requests at 600 a minute)',
  );
  const shared = [{ ...smartlead, otherJobs: 2 }, lemlist];
  assert.match(estimateDuration({ ...input, accounts: shared }), /^about 12 minutes /);
});

test('before the first run only the limits can be told', () => {
  const targets = [target('smartlead', unknown), target('lemlist', unknown)];
  const accounts = [smartlead, { ...lemlist, requestsPerSecond: Infinity }];
  assert.equal(
    estimateDuration({ targets, job: full, accounts, lastRun: null }),
    'unknown until the campaigns are listed; smartlead at most 60000 records a minute, lemlist without a request limit',
  );
});

test('without totals or limits the last run of the same kind is the best guess', () => {
  const lastRun = { durationMs: 45 * 60_000, records: 1_234 };
  const guess = /^about 45 minutes, .*1234 records/;
  const input = { job: full, accounts: [smartlead], lastRun };
  assert.match(estimateDuration({ ...input, targets: [target('smartlead', unknown)] }), guess);
  const unlimited = [{ ...smartlead, requestsPerSecond: Infinity }];
  assert.match(estimateDuration({ ...input, accounts: unlimited, targets: [target('smartlead', known)] }), guess);
});

test('durations read like a person says them', () => {
  assert.deepEqual([200, 1_000, 89_000, 90_000, 7_200_000].map(durationText), [
    '1 second',
    '1 second',
    '89 seconds',
    '2 minutes',
    '2 hours',
  ]);
});
