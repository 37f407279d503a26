import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { extractionShare, limitedForMs, platformExtraction } from './extraction.ts';
import type { JobProgressFacts, WalkTotals } from './facts.ts';
import { deriveProgress } from './progress.ts';

const stages = [
  'queued',
  'paused',
  'discovering',
  'processing_smartlead_activities',
  'processing_lemlist_activities',
  'keying',
  'loading',
  'finalizing',
];

const blankWalk: WalkTotals = {
  platform: 'smartlead',
  accountId: 1,
  discoveries: 1,
  discoveriesPending: 0,
  walks: 0,
  walksPending: 0,
  walksUnknown: 0,
  requestsKnown: 0,
  failed: 0,
  liveLeases: 0,
  recordsCommitted: 0,
  chunksCommitted: 0,
  recordsKnown: 0,
  waitingFor: null,
  notBeforeMs: 0,
};

const blank: JobProgressFacts = {
  status: 'in_progress',
  ending: null,
  observedAtMs: 1_700_000_000_000,
  progress: {},
  extracted: false,
  loaded: false,
  loadTargets: null,
  platforms: ['smartlead'],
  walks: [blankWalk],
  counts: [],
  letters: [],
  accounts: [],
  eventPositions: {},
};

function accepted(platform: string, recordsAccepted: number): JobProgressFacts['counts'][number] {
  return {
    platform,
    recordsAccepted,
    eventsDerived: recordsAccepted,
    eventsCreated: recordsAccepted,
    duplicates: 0,
    collisions: 0,
    deadLettered: 0,
  };
}

const count = fc.nat({ max: 100_000 });
const anyWalk = (platform: string): fc.Arbitrary<WalkTotals> =>
  fc
    .record({
      accountId: fc.constantFrom(1, 2),
      discoveries: fc.nat({ max: 3 }),
      walks: fc.nat({ max: 200 }),
      recordsCommitted: count,
      chunksCommitted: count,
      requestsKnown: count,
      beyond: count,
      liveLeases: fc.nat({ max: 4 }),
      shares: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    })
    .map(({ beyond, shares: [pending, unknown], ...walk }) => {
      const walksPending = Math.floor(walk.walks * pending);
      return {
        ...blankWalk,
        ...walk,
        platform,
        discoveriesPending: Math.floor(walk.discoveries * unknown),
        walksPending,
        walksUnknown: Math.floor(walksPending * unknown),
        recordsKnown: walk.recordsCommitted + beyond,
      };
    });

const anyFacts: fc.Arbitrary<JobProgressFacts> = fc
  .record({
    walks: fc.tuple(anyWalk('smartlead'), anyWalk('lemlist')),
    settled: fc.tuple(count, count),
    extracted: fc.boolean(),
    keyed: fc.boolean(),
    ending: fc.constantFrom(null, 'failed', 'cancelled'),
    status: fc.constantFrom('queued', 'in_progress', 'paused'),
    rejected: fc.nat({ max: 50 }),
  })
  .map(({ settled: [smartlead, lemlist], keyed, rejected, ...facts }) => ({
    ...blank,
    ...facts,
    platforms: ['smartlead', 'lemlist'],
    counts: [accepted('smartlead', smartlead), accepted('lemlist', lemlist)],
    letters: [{ platform: 'lemlist', stage: 'keyer', letters: rejected }],
    loadTargets: keyed ? { 0: smartlead } : null,
  }));

test('whatever the state, an open job shows at most 99 %, counts that are committed and a stage of the contract', () => {
  fc.assert(
    fc.property(anyFacts, count, (facts, keyingLeft) => {
      const shown = deriveProgress(facts, keyingLeft);
      assert.ok(Number.isInteger(shown.percentage) && shown.percentage >= 0 && shown.percentage <= 99);
      assert.ok(stages.includes(shown.current_stage), shown.current_stage);
      assert.ok(Number.isFinite(shown.eta_minutes) && shown.eta_minutes >= 0);
      const committed =
        facts.counts.reduce((sum, counts) => sum + counts.recordsAccepted, 0) + (facts.letters[0]?.letters ?? 0);
      assert.equal(shown.processed_items, committed);
      assert.ok(shown.total_items >= shown.processed_items);
      for (const { done, total } of Object.values(shown.stages))
        assert.ok(Number.isInteger(done) && Number.isInteger(total) && done >= 0 && done <= total);
    }),
  );
});

test('the percentage grows with what is settled while all else stays', () => {
  fc.assert(
    fc.property(anyFacts, count, (facts, more) => {
      const before = deriveProgress(facts, 0).percentage;
      const counts = facts.counts.map((each) => ({ ...each, recordsAccepted: each.recordsAccepted + more }));
      assert.ok(deriveProgress({ ...facts, counts }, 0).percentage >= before);
    }),
  );
});

test('all read and all settled is 99 %: the hundredth is the ending itself', () => {
  const facts = {
    ...blank,
    extracted: true,
    loaded: true,
    loadTargets: { 0: 10 },
    walks: [{ ...blankWalk, walks: 3, recordsCommitted: 10, recordsKnown: 10 }],
    counts: [accepted('smartlead', 10)],
  };
  const shown = deriveProgress(facts, 0);
  assert.equal(shown.percentage, 99);
  assert.equal(shown.current_stage, 'finalizing');
});

test('reading alone does not fill the bar: what is read and not committed counts little', () => {
  const walks = [{ ...blankWalk, walks: 1, recordsCommitted: 1_000, recordsKnown: 1_000 }];
  assert.equal(deriveProgress({ ...blank, extracted: true, walks }, 1_000).percentage, 30);
});

test('with both platforms at work the stage is the one with more left', () => {
  const walk = (platform: string, left: number): WalkTotals => ({
    ...blankWalk,
    platform,
    walks: 2,
    walksPending: 1,
    recordsCommitted: 100,
    recordsKnown: 100 + left,
  });
  const stage = (smartlead: number, lemlist: number): string =>
    deriveProgress(
      {
        ...blank,
        platforms: ['smartlead', 'lemlist'],
        walks: [walk('smartlead', smartlead), walk('lemlist', lemlist)],
      },
      0,
    ).current_stage;
  assert.equal(stage(500, 100), 'processing_smartlead_activities');
  assert.equal(stage(100, 500), 'processing_lemlist_activities');
});

test('walks of unknown size are taken to be like the known ones', () => {
  const walks = [
    { ...blankWalk, walks: 4, walksPending: 2, walksUnknown: 2, recordsCommitted: 200, recordsKnown: 200 },
  ];
  const smartlead = platformExtraction('smartlead', { walks });
  assert.equal(smartlead.total, 400);
  assert.ok(extractionShare([smartlead]) > 0.45 && extractionShare([smartlead]) < 0.55);
});

test('a walk of unknown size needs as many requests as the others, one at least', () => {
  const account = {
    accountId: 1,
    configuredLimit: [{ count: 1, spanMs: 1_000 }],
    learnedCount: null,
    throttle: 1,
    pausedUntilMs: 0,
    limitedUntilMs: 0,
    lastServedMs: 0,
    requestsPerSecond: null,
    jobs: 1,
  };
  const left = (walk: Partial<WalkTotals>): number =>
    limitedForMs({ walks: [{ ...blankWalk, ...walk }], accounts: [account], observedAtMs: 0 }) / 1_000;
  assert.equal(left({ discoveriesPending: 1 }), 1);
  assert.equal(left({ walks: 3, walksPending: 3, walksUnknown: 3, requestsKnown: 3 }), 6);
  assert.equal(left({ walks: 4, walksPending: 2, walksUnknown: 2, recordsKnown: 5_000 }), 6);
  assert.equal(left({ walks: 4 }), 0);
});

test('a platform not discovered yet holds the share down', () => {
  const done = { ...blankWalk, walks: 1, recordsCommitted: 10, recordsKnown: 10 };
  const walks = [done, { ...blankWalk, platform: 'lemlist', discoveriesPending: 1 }];
  const both = ['smartlead', 'lemlist'].map((platform) => platformExtraction(platform, { walks }));
  assert.equal(extractionShare(both), 0.5);
});

test('the estimate while extracting is the requests left against the learned limit, shared with other jobs', () => {
  const walks = [
    { ...blankWalk, walks: 1, walksPending: 1, recordsCommitted: 10_000, recordsKnown: 70_000, requestsKnown: 60 },
  ];
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
  const base = { walks, observedAtMs: blank.observedAtMs };
  const left = (more: object): number => limitedForMs({ ...base, accounts: [{ ...account, ...more }] });
  assert.equal(left({}), 60_000);
  assert.equal(left({ learnedCount: 30 }), 120_000);
  assert.equal(left({ jobs: 2 }), 120_000);
  assert.equal(left({ pausedUntilMs: blank.observedAtMs + 5_000 }), 65_000);
  assert.equal(left({ configuredLimit: null }), 0);
  assert.equal(left({ requestsPerSecond: 0.5 }), 120_000);
  assert.equal(left({ requestsPerSecond: 0.5, jobs: 4 }), 240_000);
  assert.equal(left({ requestsPerSecond: 0.5, configuredLimit: null }), 120_000);
  assert.equal(deriveProgress({ ...blank, walks, accounts: [account] }, 0).eta_minutes, 1);
});
