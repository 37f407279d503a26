import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judgeJob } from './verdict.ts';
import type { PlatformTally, Verdict, VerdictFacts } from './verdict.ts';

const blank: PlatformTally = {
  platform: 'smartlead',
  recordsCommitted: 10,
  abandoned: 0,
  recordsAccepted: 10,
  rejected: 0,
  eventsDerived: 20,
  eventsCreated: 20,
  duplicates: 0,
  collisions: 0,
  deadLettered: 0,
  loaderLetters: 0,
  users: 4,
  streamsFailed: 0,
};

function factsOf(tallies: readonly PlatformTally[], more: Partial<VerdictFacts> = {}): VerdictFacts {
  return {
    ending: null,
    error: null,
    progress: { percentage: 93, stages: { loading: { done: 5, total: 10 } } },
    createdAtMs: 1_000,
    endedAtMs: 3_500,
    users: 4,
    tallies,
    failedStreams: [],
    streamWarnings: [],
    resets: [],
    ...more,
  };
}

const number = fc.nat({ max: 1_000_000 });
const balanced = fc
  .record({
    recordsCommitted: number,
    rejectedShare: fc.double({ min: 0, max: 1, noNaN: true }),
    repeats: number,
    eventsCreated: number,
    duplicates: number,
    collisions: number,
    deadLettered: number,
  })
  .map(({ rejectedShare, repeats, ...tally }): PlatformTally => {
    const arrived = tally.recordsCommitted + repeats;
    const rejected = Math.floor(arrived * rejectedShare);
    return {
      ...blank,
      ...tally,
      abandoned: repeats === 0 ? 0 : 1,
      rejected,
      recordsAccepted: arrived - rejected,
      eventsDerived: tally.eventsCreated + tally.duplicates + tally.collisions + tally.deadLettered,
      loaderLetters: tally.deadLettered,
    };
  });

test('a job whose records and events all have a place is completed, and its summary balances', () => {
  fc.assert(
    fc.property(fc.array(balanced, { maxLength: 2 }), (tallies) => {
      const { status, summary, error } = judgeJob(factsOf(tallies));
      assert.deepEqual([status, error], ['completed', null]);
      for (const counts of [summary, ...Object.values(summary.by_platform)]) {
        assert.equal(counts.records_fetched, counts.records_accepted + counts.rejected);
        const places = counts.events_created + counts.duplicates + counts.collisions + counts.dead_lettered;
        assert.equal(counts.events_derived, places);
        assert.equal(counts.total_processed, counts.events_derived);
        assert.equal(counts.errors, counts.rejected + counts.dead_lettered);
      }
    }),
  );
});

test('one missing record or event is enough to fail, whatever else there is', () => {
  const loss = fc.constantFrom<(tally: PlatformTally) => PlatformTally>(
    (tally) => ({ ...tally, recordsCommitted: tally.recordsAccepted + tally.rejected + 1 }),
    (tally) => ({ ...tally, eventsDerived: tally.eventsDerived + 1 }),
    (tally) => ({ ...tally, eventsCreated: tally.eventsCreated + 1 }),
    (tally) => ({ ...tally, deadLettered: tally.deadLettered + 1, eventsDerived: tally.eventsDerived + 1 }),
    (tally) => ({ ...tally, abandoned: 0, recordsAccepted: tally.recordsCommitted + 1, rejected: 0 }),
  );
  fc.assert(
    fc.property(balanced, balanced, loss, fc.constantFrom(null, 'cancelled' as const), (good, other, lose, ending) => {
      const { status, error } = judgeJob(factsOf([good, lose(other)], { ending }));
      assert.equal(status, 'failed');
      assert.ok(error !== null);
    }),
  );
});

test('a loss is named with its numbers', () => {
  const cases: readonly (readonly [Partial<PlatformTally>, string, RegExp])[] = [
    [
      { recordsAccepted: 7 },
      'RECORDS_LOST',
      /3 records are missing: 10 were fetched .* 7 arrived \(7 accepted, 0 rejected\)/,
    ],
    [{ recordsAccepted: 12 }, 'RECORDS_UNEXPLAINED', /2 records too many/],
    [{ eventsDerived: 21 }, 'EVENTS_UNBALANCED', /21 events were derived, but 20 created/],
    [
      { eventsCreated: 18, deadLettered: 2, loaderLetters: 1 },
      'DEAD_LETTERS_MISSING',
      /2 events .* only 1 of their letters/,
    ],
  ];
  for (const [change, code, message] of cases) {
    const { error } = judgeJob(factsOf([{ ...blank, ...change }]));
    assert.equal(error?.code, code);
    assert.match(error.message, message);
  }
});

test('repeats of abandoned attempts are no loss and are counted as fetched', () => {
  const { status, summary } = judgeJob(factsOf([{ ...blank, recordsAccepted: 12, abandoned: 1 }]));
  assert.equal(status, 'completed');
  assert.equal(summary.records_fetched, 12);
});

test('a failed walk fails the job and names the campaign, the reason and what is kept', () => {
  const failedStreams = [
    {
      namespace: 'default',
      platform: 'smartlead',
      kind: 'statistics',
      campaignId: '12',
      campaignName: 'Spring',
      error: { code: 'UPSTREAM_PLAN', message: 'the plan does not allow it (402)' },
    },
  ];
  const { status, error, summary } = judgeJob(factsOf([{ ...blank, streamsFailed: 1 }], { failedStreams }));
  assert.equal(status, 'failed');
  assert.equal(error?.code, 'STREAMS_FAILED');
  assert.match(error.message, /statistics of campaign 12 "Spring" failed: UPSTREAM_PLAN: the plan does not allow it/);
  assert.match(error.message, /20 new events of 10 records are kept/);
  assert.equal(summary.errors, 1);
});

test('the reason that ended a job stays, and a loss is told beside it', () => {
  const known = { code: 'TOPIC_RECREATED', message: 'the topic is gone', details: [] };
  const { status, error } = judgeJob(factsOf([{ ...blank, recordsAccepted: 0 }], { ending: 'failed', error: known }));
  assert.equal(status, 'failed');
  assert.equal(error?.code, 'TOPIC_RECREATED');
  assert.match(error.details[0] ?? '', /10 records are missing/);
});

test('the stages of a completed job hold what was fetched, whatever was estimated before', () => {
  const stages = { processing_smartlead_activities: { done: 9, total: 12 }, loading: { done: 9, total: 9 } };
  const { progress } = judgeJob(factsOf([blank], { progress: { percentage: 98, stages } }));
  assert.deepEqual(Reflect.get(progress, 'stages'), {
    processing_smartlead_activities: { done: 10, total: 10 },
    loading: { done: 10, total: 10 },
  });
});

test('only a completed job shows 100 %, and no ending lowers what was shown', () => {
  const shown = (more: Partial<VerdictFacts>): unknown =>
    Reflect.get(judgeJob(factsOf([blank], more)).progress, 'percentage');
  assert.equal(shown({}), 100);
  assert.equal(shown({ ending: 'cancelled' }), 93);
  assert.equal(judgeJob(factsOf([blank], { ending: 'cancelled' })).status, 'cancelled');
});

test('a warning says which walk it is about', () => {
  const walk = {
    namespace: 'acme',
    platform: 'smartlead',
    kind: 'statistics',
    campaignId: '71',
    campaignName: 'Wave 2',
  };
  const { status, warnings } = judgeJob(factsOf([blank], { streamWarnings: [{ ...walk, warning: 'is gone' }] }));
  assert.equal(status, 'completed');
  assert.deepEqual(warnings, ['smartlead (namespace acme): statistics of campaign 71 "Wave 2": is gone']);
});

test('a cancelled job stays cancelled beside a walk that failed, and says so; a loss outweighs the wish', () => {
  const stream = { namespace: 'n', platform: 'smartlead', kind: 'statistics', campaignId: '7', campaignName: null };
  const failedStreams = [{ ...stream, error: { code: 'UPSTREAM_AUTH', message: 'refused' } }];
  const cancelled = judgeJob(factsOf([{ ...blank, streamsFailed: 1 }], { ending: 'cancelled', failedStreams }));
  assert.deepEqual([cancelled.status, cancelled.error, cancelled.summary.errors], ['cancelled', null, 1]);
  assert.match(cancelled.warnings.join(), /statistics of campaign 7 failed: UPSTREAM_AUTH: refused/);
  const lost = judgeJob(factsOf([{ ...blank, recordsCommitted: 11 }], { ending: 'cancelled' }));
  assert.deepEqual([lost.status, lost.error?.code], ['failed', 'RECORDS_LOST']);
});

const reset = { namespace: 'test', platform: 'smartlead', records: 10, hadRows: true, hasRows: true };

test('a reset that found nothing where there was something fails, and nothing is said to be kept of the new content', () => {
  for (const found of [
    { records: 0, hasRows: false, rowsAfter: 0 },
    { records: 0, hasRows: true, rowsAfter: 1 },
    { records: 3, hasRows: false, rowsAfter: 0 },
  ]) {
    const verdict = judgeJob(factsOf([blank], { resets: [{ ...reset, rowsBefore: 40, ...found }] }));
    assert.deepEqual([verdict.status, verdict.error?.code], ['failed', 'RESET_EMPTY']);
    assert.match(verdict.error?.message ?? '', /where there are 40 events.*old content is kept/);
  }
  const empty = { ...reset, hadRows: false, hasRows: false, records: 0, rowsBefore: 0, rowsAfter: 0 };
  assert.equal(judgeJob(factsOf([blank], { resets: [empty] })).status, 'completed');
});

test('a reset that was cancelled says what became of the rows that it had counted', () => {
  const tally = { ...blank, recordsCommitted: 5, recordsAccepted: 5, eventsDerived: 7, eventsCreated: 7 };
  const found = { ...reset, rowsBefore: 40, rowsAfter: 7 };
  const of = (facts: Partial<VerdictFacts>): Verdict => judgeJob(factsOf([tally], { ending: 'cancelled', ...facts }));
  assert.deepEqual(of({ resets: [found] }).warnings, [
    'the 7 new events of this reset were dropped with its end; the old content is kept',
  ]);
  assert.deepEqual(of({ resets: [] }).warnings, []);
  assert.deepEqual(of({ resets: [{ ...found, rowsAfter: 30 }], ending: null }).warnings, []);
});

test('a reset warns when it found less than half', () => {
  const warnings = (rowsAfter: number): readonly string[] =>
    judgeJob(factsOf([blank], { resets: [{ ...reset, rowsBefore: 40, rowsAfter }] })).warnings;
  assert.deepEqual(warnings(20), []);
  assert.deepEqual(warnings(19), ['smartlead (namespace test): the reset found 19 events where there were 40']);
});
