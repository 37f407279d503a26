import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from './backoff.ts';
import { shouldClose } from './batch.ts';
import { done, halt, reject, retry, settledPrefix, type Settlement } from './settlement.ts';

const anyOutcome: fc.Arbitrary<Settlement | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(done) },
  { weight: 2, arbitrary: fc.constant(reject('SYNC_100', 'no time', '/sent_time')) },
  fc.nat(1000).map(retry),
  fc.constant(halt('SYNC_900', 'gap')),
  fc.constant(undefined),
);

const isSettled = (outcome: Settlement | undefined): boolean => outcome?.kind === 'done' || outcome?.kind === 'reject';

test('a position never passes a record that is not settled, and stops only there (I1)', () => {
  fc.assert(
    fc.property(fc.array(anyOutcome), (outcomes) => {
      const settled = settledPrefix(outcomes);
      assert.ok(outcomes.slice(0, settled).every(isSettled));
      if (settled < outcomes.length) assert.equal(isSettled(outcomes[settled]), false);
    }),
  );
});

test('settling one more record never moves a position back', () => {
  fc.assert(
    fc.property(fc.array(anyOutcome, { minLength: 1 }), fc.nat(), (outcomes, seed) => {
      const at = seed % outcomes.length;
      assert.ok(settledPrefix(outcomes.with(at, done)) >= settledPrefix(outcomes));
    }),
  );
});

test('a retry refuses a delay that no timer can keep', () => {
  for (const afterMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => retry(afterMs), RangeError);
  assert.deepEqual(retry(0), { kind: 'retry', afterMs: 0 });
});

test('a rejection names the part at fault only when there is one', () => {
  assert.deepEqual(reject('A', 'b'), { kind: 'reject', code: 'A', detail: 'b' });
  assert.deepEqual(reject('A', 'b', '/c'), { kind: 'reject', code: 'A', detail: 'b', pointer: '/c' });
});

test('backoff stays within its bounds for every attempt and every draw', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.nat(10_000),
      fc.nat(120_000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, baseMs, capMs, draw) => {
        const waitMs = backoffMs({ attempt, baseMs, capMs, random: () => draw });
        assert.ok(Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= capMs);
        if (attempt === 1) assert.ok(waitMs <= baseMs);
      },
    ),
  );
});

test('backoff doubles its ceiling per attempt until the cap', () => {
  const ceilings = [1, 2, 3, 4, 5, 2000].map((attempt) =>
    backoffMs({ attempt, baseMs: 1000, capMs: 6000, random: () => 0.999999 }),
  );
  assert.deepEqual(ceilings, [999, 1999, 3999, 5999, 5999, 5999]);
});

test('backoff refuses an attempt that was never made and unusable bounds', () => {
  const good = { attempt: 1, baseMs: 1, capMs: 1, random: () => 0 };
  for (const bad of [{ attempt: 0 }, { attempt: 1.5 }, { baseMs: -1 }, { capMs: Number.NaN }, { baseMs: Infinity }]) {
    assert.throws(() => backoffMs({ ...good, ...bad }), RangeError);
  }
});

test('a batch closes at whichever bound it reaches first', () => {
  const policy = { maxRows: 3, maxBytes: 100, lingerMs: 50 };
  const cases = [
    [{ rows: 0, bytes: 0, ageMs: 9999 }, false],
    [{ rows: 2, bytes: 99, ageMs: 49 }, false],
    [{ rows: 3, bytes: 99, ageMs: 49 }, 'rows'],
    [{ rows: 1, bytes: 100, ageMs: 0 }, 'bytes'],
    [{ rows: 1, bytes: 1, ageMs: 50 }, 'time'],
  ] as const;
  for (const [batch, expected] of cases) assert.equal(shouldClose(batch, policy), expected);
});

test('a batch that should close still should when it has grown', () => {
  const batches = fc.record({ rows: fc.nat(20), bytes: fc.nat(500), ageMs: fc.nat(100) });
  fc.assert(
    fc.property(batches, batches, (batch, growth) => {
      const policy = { maxRows: 10, maxBytes: 250, lingerMs: 50 };
      const grown = {
        rows: batch.rows + growth.rows,
        bytes: batch.bytes + growth.bytes,
        ageMs: batch.ageMs + growth.ageMs,
      };
      if (shouldClose(batch, policy) !== false) assert.notEqual(shouldClose(grown, policy), false);
    }),
  );
});
