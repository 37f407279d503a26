import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { activitiesQuery, activitiesShareDone, beginActivities, foldActivities } from './activities-walk.ts';
import type { ActivitiesWalk } from './activities-walk.ts';
import type { RowMark, WalkEvent } from './walk.ts';

interface Row {
  readonly id: string;
  readonly time: number | null;
}

interface Upstream {
  rows: Row[];
  readonly order: (rows: Row[]) => Row[];
  readonly between?: (pages: number) => void;
  readonly ignores?: 'minDate' | 'maxDate' | 'offset';
}

const origin = Date.UTC(2026, 0, 1);
const whole = { start: origin, end: origin + 1_000_000 };

interface Walked {
  readonly published: string[];
  readonly pages: number;
  readonly dropped: number;
  readonly events: WalkEvent[];
  readonly warnings: string[];
  readonly shares: number[];
  readonly brokenBy: string | null;
}

function walkThrough(upstream: Upstream, window: { readonly start: number | null; readonly end: number }): Walked {
  const published: string[] = [];
  const events: WalkEvent[] = [];
  const warnings: string[] = [];
  const shares: number[] = [];
  let pages = 0;
  let dropped = 0;
  let walk: ActivitiesWalk | null = beginActivities(window);
  while (walk !== null) {
    assert.ok((pages += 1) < 5_000, 'the walk does not end');
    // As it is stored between two chunks.
    walk = JSON.parse(JSON.stringify(walk)) as ActivitiesWalk;
    const query = activitiesQuery(walk, 10);
    const from = query['minDate'] === undefined ? -Infinity : Date.parse(String(query['minDate']));
    const to = Date.parse(String(query['maxDate']));
    assert.ok(to > from, 'maxDate must be strictly greater than minDate');
    const matching = upstream.order(
      upstream.rows.filter(
        ({ time }) =>
          time === null ||
          ((upstream.ignores === 'minDate' || time >= from) && (upstream.ignores === 'maxDate' || time <= to)),
      ),
    );
    const offset = upstream.ignores === 'offset' ? 0 : Number(query['offset']);
    const page = matching.slice(offset, offset + 10);
    const rows: RowMark[] = page.map(({ id, time }) => ({ id, timeMs: time }));
    const step = foldActivities(walk, rows, 10);
    if (step.kind === 'broken') return { published, pages, dropped, events, warnings, shares, brokenBy: step.message };
    published.push(...step.publish.map((index) => page[index]?.id ?? ''));
    dropped += step.dropped;
    if (step.event !== null) events.push(step.event);
    if (step.warning !== null) warnings.push(step.warning);
    walk = step.walk;
    shares.push(activitiesShareDone(walk, window));
    upstream.between?.(pages);
  }
  return { published, pages, dropped, events, warnings, shares, brokenBy: null };
}

const make = (count: number, time: (index: number) => number | null): Row[] =>
  Array.from({ length: count }, (_, index) => {
    const at = time(index);
    return { id: `act_${index}`, time: at === null ? null : origin + at };
  });
const newestFirst = (rows: Row[]): Row[] => rows.toSorted((a, b) => (b.time ?? 0) - (a.time ?? 0));
const ids = (rows: readonly Row[]): string[] => rows.map(({ id }) => id).sort();

for (const count of [0, 1, 9, 10, 11, 19, 20, 100]) {
  test(`reads each of ${count} activities exactly once in pages of 10`, () => {
    const rows = make(count, (index) => index * 1_000);
    const walked = walkThrough({ rows, order: newestFirst }, whole);
    assert.deepEqual(walked.published.toSorted(), ids(rows));
    assert.deepEqual(walked.events, []);
    assert.ok(walked.pages <= 1 + Math.ceil(count / 9), `${walked.pages} pages`);
  });
}

test('reads both edges of a window, and of one that is a single millisecond', () => {
  const rows = make(3, (index) => index * 500_000);
  assert.deepEqual(walkThrough({ rows, order: newestFirst }, whole).published.toSorted(), ids(rows));
  const one = walkThrough({ rows, order: newestFirst }, { start: origin + 500_000, end: origin + 500_000 });
  assert.deepEqual(one.published, ['act_1']);
});

test('adjacent windows share no row', () => {
  const rows = make(60, (index) => index * 500);
  const upstream = { rows, order: newestFirst };
  const lower = walkThrough(upstream, { start: origin, end: origin + 9_999 });
  const upper = walkThrough(upstream, { start: origin + 10_000, end: whole.end });
  assert.deepEqual([...lower.published, ...upper.published].sort(), ids(rows));
});

test('rows of one millisecond across page edges are read exactly once', () => {
  for (const run of [2, 9, 10, 11, 25, 40]) {
    const rows = make(60, (index) => (index < 15 || index >= 15 + run ? index * 1_000 : 15_000));
    const walked = walkThrough({ rows, order: newestFirst }, whole);
    assert.deepEqual(walked.published.toSorted(), ids(rows), `a run of ${run}`);
    assert.deepEqual(walked.events, []);
  }
});

test('a row with the id of one on the page before, and another time, is no repetition of it', () => {
  for (let copy = 0; copy < 30; copy += 1) {
    for (let original = copy + 1; original < 30; original += 1) {
      const rows = make(30, (index) => index * 1_000).map((row, index) =>
        index === copy ? { ...row, id: `act_${original}` } : row,
      );
      const walked = walkThrough({ rows, order: newestFirst }, whole);
      assert.deepEqual(walked.published.toSorted(), ids(rows), `${copy} bears the id of ${original}`);
      assert.deepEqual(walked.events, []);
    }
  }
});

test('activities that appear above while it walks neither repeat nor hide a row', () => {
  const upstream: Upstream = {
    rows: make(50, (index) => index * 1_000),
    order: newestFirst,
    between: (pages) => {
      upstream.rows = [...upstream.rows, { id: `new${pages}`, time: origin + 900_000 + pages }];
    },
  };
  const before = ids(upstream.rows);
  const walked = walkThrough(upstream, whole);
  assert.deepEqual(walked.published.toSorted(), before);
});

test('reads again when the row it stands on is deleted', () => {
  const upstream: Upstream = {
    rows: make(50, (index) => index * 1_000),
    order: newestFirst,
    between: (pages) => {
      if (pages === 2) upstream.rows = upstream.rows.filter(({ id }) => id !== 'act_31');
    },
  };
  const walked = walkThrough(upstream, whole);
  assert.deepEqual(walked.events, ['read-again']);
  assert.ok(new Set(walked.published).isSupersetOf(new Set(ids(upstream.rows))));
});

test('pages out of order are halved until a window fits one page', () => {
  const rows = make(80, (index) => ((index * 37) % 80) * 3_000);
  const walked = walkThrough({ rows, order: (all) => all }, whole);
  assert.deepEqual([...new Set(walked.published)].sort(), ids(rows));
  assert.ok(walked.events.includes('halved'));
  assert.deepEqual(walked.warnings, []);
});

test('takes the union of three readings, with a warning, where a second is out of order and keeps changing', () => {
  let late = 0;
  const upstream: Upstream = {
    rows: make(35, (index) => (index * 37) % 900),
    order: (all) => all,
    between: () => {
      late += 1;
      upstream.rows = [{ id: `late${late}`, time: origin + (late % 900) }, ...upstream.rows];
    },
  };
  const before = ids(upstream.rows);
  const walked = walkThrough(upstream, { start: origin, end: origin + 999 });
  assert.ok(new Set(walked.published).isSupersetOf(new Set(before)));
  assert.equal(walked.warnings.length, 1);
  assert.equal(walked.events.at(-1), 'union');
});

test('rows without a readable time pass and do not stop the walk', () => {
  const rows = make(60, (index) => (index % 7 === 3 ? null : index * 1_000));
  const walked = walkThrough({ rows, order: newestFirst }, { start: null, end: whole.end });
  assert.deepEqual([...new Set(walked.published)].sort(), ids(rows));
  const none = make(35, () => null);
  assert.deepEqual(walkThrough({ rows: none, order: (all) => all }, whole).published.toSorted(), ids(none));
});

test('an upstream that ignores the lower bound is read down to it, and what lies below is dropped', () => {
  const rows = make(60, (index) => index * 1_000 - 30_000);
  const walked = walkThrough({ rows, order: newestFirst, ignores: 'minDate' }, whole);
  assert.deepEqual(walked.published.toSorted(), ids(rows.filter(({ time }) => (time ?? 0) >= origin)));
  assert.ok(walked.dropped > 0);
});

test('an upstream that ignores the offset ends the walk instead of turning for ever', () => {
  const rows = make(40, () => 5_000);
  assert.ok(walkThrough({ rows, order: newestFirst, ignores: 'offset' }, whole).pages < 2_000);
});

test('the share that is done only grows, from 0 to 1', () => {
  const rows = make(100, (index) => index * 10_000);
  const { shares } = walkThrough({ rows, order: newestFirst }, whole);
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  );
  assert.ok((shares[0] ?? 1) < 0.2);
  assert.equal(shares.at(-1), 1);
});

test('law: whatever drifts, all activities that were there from beginning to end are read', () => {
  const drift = fc.record({
    every: fc.integer({ min: 1, max: 9 }),
    kind: fc.constantFrom('insert', 'delete', 'swap'),
    times: fc.integer({ min: 0, max: 12 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 120 }),
      fc.array(drift, { maxLength: 3 }),
      fc.integer({ min: 1, max: 20_000 }),
      fc.constantFrom(1, 3, 30),
      fc.boolean(),
      (count, drifts, gap, sameTime, ordered) => {
        const upstream: Upstream = {
          // Disorder must show on a page, which rows of one time do not.
          rows: make(count, (index) => (Math.floor(index / (ordered ? sameTime : 1)) * gap) % 900_000),
          order: ordered ? newestFirst : (rows) => rows,
          between: (pages) => {
            for (const [place, { every, kind, times }] of drifts.entries()) {
              if (pages % every !== 0 || pages / every > times) continue;
              const victim = upstream.rows[(pages * 7 + place) % Math.max(1, upstream.rows.length)];
              if (kind !== 'insert' && victim !== undefined) {
                upstream.rows = upstream.rows.filter((row) => row !== victim);
                kept.delete(victim.id);
              }
              const late = { id: `new${place}-${pages}`, time: origin + ((pages * 31) % 900_000) };
              if (kind !== 'delete') upstream.rows = [...upstream.rows, late];
            }
          },
        };
        const kept = new Set(ids(upstream.rows));
        const walked = walkThrough(upstream, whole);
        assert.equal(walked.brokenBy, null);
        assert.deepEqual([...kept.difference(new Set(walked.published))], []);
      },
    ),
    { numRuns: 300 },
  );
});
