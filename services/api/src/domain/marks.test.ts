import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobProgressFacts } from './facts.ts';
import { deriveProgress } from './progress.ts';

const start = Date.UTC(2025, 0, 1);
const walk = {
  platform: 'smartlead',
  accountId: 1,
  discoveries: 1,
  discoveriesPending: 0,
  walks: 2,
  walksPending: 1,
  walksUnknown: 0,
  requestsKnown: 0,
  failed: 0,
  liveLeases: 0,
  recordsCommitted: 1_000,
  chunksCommitted: 1,
  recordsKnown: 2_000,
  waitingFor: null,
  notBeforeMs: 0,
};

/** Looks at one state after another, `everyMs` apart, each with what the last look stored; returns the last answer. */
function follow(states: readonly Partial<JobProgressFacts & { keyingLeft: number }>[], everyMs = 1_000) {
  let progress: unknown = {};
  let shown: ReturnType<typeof deriveProgress> | undefined;
  states.forEach(({ keyingLeft = 0, ...state }, index) => {
    const facts: JobProgressFacts = {
      status: 'in_progress',
      ending: null,
      observedAtMs: start + index * everyMs,
      extracted: false,
      loaded: false,
      loadTargets: null,
      platforms: ['smartlead'],
      walks: [walk],
      counts: [],
      letters: [],
      accounts: [],
      eventPositions: {},
      ...state,
      progress,
    };
    shown = deriveProgress(facts, keyingLeft);
    progress = JSON.parse(JSON.stringify(shown));
  });
  assert.ok(shown !== undefined);
  return shown;
}

const times = <T>(count: number, item: T): readonly T[] => Array.from({ length: count }, () => item);
const settled = (recordsAccepted: number) => [
  {
    platform: 'smartlead',
    recordsAccepted,
    eventsDerived: 0,
    eventsCreated: 0,
    duplicates: 0,
    collisions: 0,
    deadLettered: 0,
  },
];

test('a stage that has work and does not move for 15 s is named, with since when', () => {
  assert.equal(follow(times(15, { extracted: true, counts: settled(990), keyingLeft: 10 })).waiting_for, null);
  const shown = follow(times(16, { extracted: true, counts: settled(990), keyingLeft: 10 }));
  assert.equal(shown.waiting_for, 'keyer: no progress since 2025-01-01T00:00:00.000Z');
  const loading = { extracted: true, loadTargets: { 0: 5 }, eventPositions: { 0: 3 } };
  assert.match(follow(times(16, loading)).waiting_for ?? '', /^loader: no progress/);
});

test('an extractor is missed only while nobody holds a lease', () => {
  assert.match(follow(times(16, { counts: settled(1_000) })).waiting_for ?? '', /^extractor: no progress since/);
  assert.equal(follow(times(16, { counts: settled(1_000), walks: [{ ...walk, liveLeases: 1 }] })).waiting_for, null);
  const backingOff = { counts: settled(1_000), walks: [{ ...walk, notBeforeMs: start + 3_600_000 }] };
  assert.equal(follow(times(16, backingOff)).waiting_for, 'extractor: next attempt at 2025-01-01T01:00:00.000Z');
});

test('a walk says itself what it waits for', () => {
  const walks = [{ ...walk, waitingFor: 'the upstream answers 503' }];
  assert.equal(follow([{ walks, counts: settled(1_000) }]).waiting_for, 'smartlead: the upstream answers 503');
});

test('an extractor that did not come when it could is missed, whatever the walk and the limits said before', () => {
  const counts = settled(1_000);
  const account = {
    accountId: 1,
    configuredLimit: [{ count: 60, spanMs: 60_000 }],
    learnedCount: null,
    throttle: 1,
    pausedUntilMs: 0,
    limitedUntilMs: 0,
    lastServedMs: 0,
    requestsPerSecond: null,
    jobs: 1,
  };
  const waiting = [{ ...walk, waitingFor: 'retry 1 after 503', notBeforeMs: start + 5_000 }];
  assert.equal(follow(times(20, { counts, walks: waiting })).waiting_for, 'smartlead: retry 1 after 503');
  const missed = /^extractor: no progress since 2025-01-01T00:00:00/;
  assert.match(follow(times(21, { counts, walks: waiting })).waiting_for ?? '', missed);
  assert.match(follow(times(16, { counts, accounts: [account] })).waiting_for ?? '', missed);
  // One that tries again and again is there, however little comes of it.
  const trying = [{ ...account, lastServedMs: start + 10_000 }];
  const told = [{ ...walk, waitingFor: 'circuit open' }];
  assert.equal(follow(times(25, { counts, walks: told, accounts: trying })).waiting_for, 'smartlead: circuit open');
  assert.match(follow(times(26, { counts, walks: told, accounts: trying })).waiting_for ?? '', missed);
  const full = [{ ...account, limitedUntilMs: start + 30_000 }];
  assert.equal(follow(times(45, { counts, accounts: full })).waiting_for, 'smartlead: rate limit');
  assert.match(follow(times(46, { counts, accounts: full })).waiting_for ?? '', missed);
});

test('a stage that was idle gets its 15 s when work arrives', () => {
  const idle = times(60, { extracted: true, counts: settled(1_000), keyingLeft: 0 });
  const busy = times(10, { extracted: true, counts: settled(1_000), keyingLeft: 5 });
  assert.equal(follow([...idle, ...busy]).waiting_for, null);
});

test('movement ends the waiting', () => {
  const states = [
    ...times(20, { extracted: true, counts: settled(990), keyingLeft: 10 }),
    { extracted: true, counts: settled(991), keyingLeft: 9 },
  ];
  assert.equal(follow(states).waiting_for, null);
});

test('after extraction the estimate is what is left by the measured throughput', () => {
  const states = Array.from({ length: 11 }, (_, second) => ({ extracted: true, counts: settled(second * 50) }));
  // 500 of 1,000 settled at 50 a second: 10 s are left, rounded up to a tenth of a minute.
  assert.equal(follow(states).eta_minutes, 0.2);
});
