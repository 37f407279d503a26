import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { beginStatistics, foldStatistics, statisticsQuery, statisticsRemaining } from './statistics-walk.ts';
import type { StatisticsWalk } from './statistics-walk.ts';
import type { RowMark, WalkEvent } from './walk.ts';
import type { Window } from './windows.ts';

interface Row {
  readonly id: string;
  readonly time: number;
}

/** An upstream that pages by offset in whatever order it likes; `between` is called after each page. */
interface Upstream {
  rows: Row[];
  readonly order: (rows: Row[]) => Row[];
  readonly between?: (pages: number) => void;
  readonly total?: (count: number) => number | null;
  readonly pageCap?: number;
}

const origin = Date.UTC(2026, 0, 1);
const open: Window = { start: null, end: origin + 1_000_000 };

const bound = (text: unknown): number | null => (typeof text === 'string' ? Date.parse(text.replace(' ', 'T')) : null);

interface Walked {
  readonly published: string[];
  readonly pages: number;
  readonly events: WalkEvent[];
  readonly warnings: string[];
  readonly brokenBy: string | null;
}

function walkThrough(upstream: Upstream, window: Window, limit: number): Walked {
  const walked: Walked & { pages: number; brokenBy: string | null } = {
    published: [],
    pages: 0,
    events: [],
    warnings: [],
    brokenBy: null,
  };
  let walk: StatisticsWalk | null = beginStatistics(window);
  while (walk !== null) {
    assert.ok((walked.pages += 1) < 5_000, 'the walk does not end');
    // As it is stored between two chunks.
    walk = JSON.parse(JSON.stringify(walk)) as StatisticsWalk;
    const query = statisticsQuery(walk, limit);
    const after = bound(query['sent_time_start_date']) ?? -Infinity;
    const before = bound(query['sent_time_end_date']) ?? Infinity;
    const matching = upstream.order(upstream.rows.filter(({ time }) => time > after && time < before));
    const from = Number(query['offset']);
    const page = matching.slice(from, from + Math.min(limit, upstream.pageCap ?? limit));
    const total = upstream.total === undefined ? matching.length : upstream.total(matching.length);
    const rows: RowMark[] = page.map(({ id, time }) => ({ id, timeMs: time }));
    const step = foldStatistics(walk, { rows, total }, limit);
    if (step.kind === 'broken') return { ...walked, brokenBy: step.message };
    walked.published.push(...step.publish.map((index) => page[index]?.id ?? ''));
    if (step.event !== null) walked.events.push(step.event);
    if (step.warning !== null) walked.warnings.push(step.warning);
    walk = step.walk;
    upstream.between?.(walked.pages);
  }
  return walked;
}

const make = (count: number, time: (index: number) => number): Row[] =>
  Array.from({ length: count }, (_, index) => ({ id: `s${index}`, time: origin + time(index) }));
const asIs = (rows: Row[]): Row[] => rows;
const ids = (rows: readonly Row[]): string[] => rows.map(({ id }) => id).sort();

/** A repeatable shuffle that gives another order at every call. */
function unstable(seed: number): (rows: Row[]) => Row[] {
  let state = seed >>> 0;
  return (rows) => {
    const keyed = rows.map((row) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return { row, key: state };
    });
    return keyed.sort((a, b) => a.key - b.key).map(({ row }) => row);
  };
}

for (const count of [0, 1, 9, 10, 11, 18, 19, 20, 27, 28, 29, 100]) {
  test(`reads each of ${count} rows exactly once in pages of 10`, () => {
    const rows = make(count, (index) => index * 1_000);
    const walked = walkThrough({ rows, order: asIs }, open, 10);
    assert.deepEqual(walked.published.toSorted(), ids(rows));
    assert.deepEqual(walked.events, []);
    assert.ok(walked.pages <= 1 + Math.ceil(count / 9), `${walked.pages} pages`);
  });
}

test('a row with the id of another, and another time, is no sign of drift', () => {
  for (let original = 0; original < 29; original += 1) {
    const rows = make(30, (index) => index * 1_000).map((row, index) =>
      index === original + 1 ? { ...row, id: `s${original}` } : row,
    );
    const walked = walkThrough({ rows, order: asIs }, open, 10);
    assert.deepEqual(walked.published.toSorted(), ids(rows));
    assert.deepEqual(walked.events, []);
  }
});

test('asks beyond the exclusive bounds by a millisecond, so that rows on them are read', () => {
  const rows = [origin, origin + 500, origin + 1_000].map((time, index) => ({ id: `s${index}`, time }));
  const walked = walkThrough({ rows, order: asIs }, { start: origin, end: origin + 1_000 }, 10);
  assert.deepEqual(walked.published, ['s0', 's1', 's2']);
  assert.deepEqual(statisticsQuery(beginStatistics({ start: origin, end: origin + 1_000 })), {
    offset: 0,
    limit: 1_000,
    sent_time_start_date: '2025-12-31 23:59:59.999Z',
    sent_time_end_date: '2026-01-01 00:00:01.001Z',
  });
});

test('reads the window again when its total changes, and all that stayed is there', () => {
  const upstream: Upstream = {
    rows: make(30, (index) => index * 1_000),
    order: asIs,
    between: (pages) => {
      if (pages === 2) upstream.rows = upstream.rows.slice(1);
    },
  };
  const walked = walkThrough(upstream, open, 10);
  assert.deepEqual(walked.events, ['read-again']);
  assert.ok(new Set(walked.published).isSupersetOf(new Set(ids(upstream.rows))));
});

test('notices a shift that leaves the total as it was by the row that overlaps', () => {
  const upstream: Upstream = {
    rows: make(30, (index) => index * 1_000),
    order: asIs,
    between: (pages) => {
      if (pages === 1) upstream.rows = [...upstream.rows.slice(1), { id: 'new', time: origin + 999_000 }];
    },
  };
  const walked = walkThrough(upstream, open, 10);
  assert.deepEqual(walked.events, ['read-again']);
  assert.ok(new Set(walked.published).isSupersetOf(new Set(ids(upstream.rows))));
});

test('an order that changes with every request is read in windows of one page', () => {
  const rows = make(200, (index) => index * 2_000);
  const walked = walkThrough({ rows, order: unstable(7) }, open, 10);
  assert.deepEqual([...new Set(walked.published)].sort(), ids(rows));
  assert.ok(walked.events.includes('halved'));
  assert.deepEqual(walked.warnings, []);
});

test('takes the union of three readings, with a warning, where a second holds more than a page and keeps changing', () => {
  let arrivals = 0;
  const upstream: Upstream = {
    rows: make(35, (index) => index),
    order: asIs,
    between: () => {
      arrivals += 1;
      upstream.rows = [{ id: `late${arrivals}`, time: origin + (arrivals % 900) }, ...upstream.rows];
    },
  };
  const before = ids(upstream.rows);
  const walked = walkThrough(upstream, { start: origin, end: origin + 999 }, 10);
  assert.ok(new Set(walked.published).isSupersetOf(new Set(before)));
  assert.equal(walked.warnings.length, 1);
  assert.equal(walked.events.at(-1), 'union');
});

test('a total that is not that of the rows is accepted with a warning once a second reading agrees', () => {
  const rows = make(25, (index) => index * 1_000);
  const walked = walkThrough({ rows, order: asIs, total: (count) => count + 7 }, open, 10);
  assert.deepEqual([...new Set(walked.published)].sort(), ids(rows));
  assert.deepEqual(walked.warnings, ['total_stats is 32 where 25 rows are']);
});

test('without any total the walk ends at the short page', () => {
  const rows = make(25, (index) => index * 1_000);
  const walked = walkThrough({ rows, order: asIs, total: () => null }, open, 10);
  assert.deepEqual(walked.published.toSorted(), ids(rows));
});

test('an upstream that gives smaller pages than asked for is read to its total', () => {
  const rows = make(40, (index) => index * 1_000);
  const walked = walkThrough({ rows, order: asIs, pageCap: 7 }, open, 10);
  assert.deepEqual(walked.published.toSorted(), ids(rows));
  assert.deepEqual(walked.events, []);
});

test('an upstream that ignores the offset ends the walk instead of turning for ever', () => {
  const rows = make(40, (index) => index * 10_000);
  const upstream: Upstream = { rows, order: asIs };
  const walked = walkThrough({ ...upstream, order: (all) => [...all.slice(0, 10), ...all.slice(0, 10)] }, open, 10);
  assert.ok(walked.pages < 2_000);
});

test('what is expected is what remains of the window and of those put aside', () => {
  const step = foldStatistics(
    beginStatistics(open),
    { rows: Array.from({ length: 10 }, (_, index) => ({ id: `s${index}`, timeMs: origin + index })), total: 35 },
    10,
  );
  assert.ok(step.kind === 'step' && step.walk !== null);
  assert.equal(statisticsRemaining(step.walk), 25);
});

const orders: readonly ((rows: Row[]) => Row[])[] = [
  asIs,
  (rows) => rows.toReversed(),
  (rows) => rows.toSorted((a, b) => a.time - b.time),
  (rows) => rows.toSorted((a, b) => b.time - a.time),
  (rows) => rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
];

test('law: whatever drifts, all rows that were there from beginning to end are read', () => {
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
      fc.constantFrom(...orders),
      (count, drifts, gap, order) => {
        const upstream: Upstream = {
          rows: make(count, (index) => (index * gap) % 900_000),
          order,
          between: (pages) => {
            for (const [place, { every, kind, times }] of drifts.entries()) {
              if (pages % every !== 0 || pages / every > times) continue;
              const victim = upstream.rows[(pages * 7 + place) % Math.max(1, upstream.rows.length)];
              if (kind !== 'insert' && victim !== undefined) {
                upstream.rows = upstream.rows.filter((row) => row !== victim);
                kept.delete(victim.id);
              }
              if (kind !== 'delete') {
                upstream.rows = [
                  ...upstream.rows,
                  { id: `new${place}-${pages}`, time: origin + ((pages * 31) % 900_000) },
                ];
              }
            }
          },
        };
        const kept = new Set(ids(upstream.rows));
        const walked = walkThrough(upstream, open, 10);
        assert.equal(walked.brokenBy, null);
        assert.deepEqual([...kept.difference(new Set(walked.published))], []);
      },
    ),
    { numRuns: 300 },
  );
});
