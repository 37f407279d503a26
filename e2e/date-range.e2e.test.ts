import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeRecord, readLedgers } from '@full-sync/testing';
import type { OracleRecord } from '@full-sync/testing';
import { assertBalanced, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const dayMs = 86_400_000;
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const instantOf = (ms: number): string => new Date(ms).toISOString();

/** A range as it is asked for, and the instants that it stands for, both included. */
type Range = {
  readonly name: string;
  readonly startDate: string;
  readonly endDate: string;
  readonly from: number;
  readonly to: number;
};

function days(name: string, first: number, last: number): Range {
  const from = Math.floor(first / dayMs) * dayMs;
  const to = Math.floor(last / dayMs) * dayMs + dayMs - 1;
  return { name, startDate: dateOf(from), endDate: dateOf(to), from, to };
}

function instants(name: string, from: number, to: number): Range {
  return { name, startDate: instantOf(from), endDate: instantOf(to), from, to };
}

/** The time that a range goes by: of the send, of the activity. Null for a record without one. */
function timeOf(record: OracleRecord): number | null {
  const verdict = judgeRecord(record, 'default');
  return verdict.kind === 'events' ? (verdict.events[0]?.occurredAt ?? null) : null;
}

/** Random numbers of a seed (mulberry32), so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  };
}

async function timesOf({ controlUrl }: Pipeline): Promise<readonly number[]> {
  const times: number[] = [];
  for await (const record of readLedgers(controlUrl)) {
    const time = timeOf(record);
    if (time !== null) times.push(time);
  }
  return times.toSorted((a, b) => a - b);
}

/** Ten ranges: random ones, equal days, instants that are those of records, the edges of all that there is. */
function tenRanges(times: readonly number[], seed: number): readonly Range[] {
  const draw = random(seed);
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const anyTime = (): number => first + Math.floor(draw() * (last - first));
  const ofRecord = (): number => times[Math.floor(draw() * times.length)] ?? first;
  const pair = (pick: () => number): readonly [number, number] => {
    const [a, b] = [pick(), pick()];
    return [Math.min(a, b), Math.max(a, b)];
  };
  const [busy, instant] = [ofRecord(), ofRecord()];
  return [
    ...[1, 2, 3].map((n) => days(`random ${n}`, ...pair(anyTime))),
    days('a week', busy, busy + 6 * dayMs),
    days('equal days', busy, busy),
    instants('from a record to a record', ...pair(ofRecord)),
    instants('one instant', instant, instant),
    instants('all but the first and the last millisecond', first + 1, last - 1),
    instants('exactly all', first, last),
    days('before all', first - 40 * dayMs, first - 10 * dayMs),
  ];
}

const size = { smartlead: { campaigns: 8, rows: 1_500 }, lemlist: { campaigns: 8, activities: 1_500 } };

test('ten ranges bring the set of the oracle, edges and equal days included, and move no cursor', async (t) => {
  await using pipeline = await startPipeline({
    simulators: { seed: 31, size, smartlead: { brokenRecords: 8 }, lemlist: { brokenRecords: 8 } },
  });
  await pipeline.explain(async () => {
    const ranges = tenRanges(await timesOf(pipeline), 31);
    assert.equal(ranges.length, 10);
    for (const [index, { name, startDate, endDate, from, to }] of ranges.entries()) {
      const namespace = `range-${index}`;
      const jobId = await pipeline.execute({ syncMode: 'date_range', startDate, endDate, namespaces: namespace });
      const job = await pipeline.waitForEnd(jobId);
      assert.equal(job.status, 'completed', JSON.stringify(job));
      assertBalanced(job.summary);
      const expected = await expectSync(pipeline, namespace, (record) => {
        const time = timeOf(record);
        return time !== null && time >= from && time <= to;
      });
      await assertRows(pipeline, expected, namespace);
      assert.equal(job.summary.events_created, expected.facts.size);
      t.diagnostic(`${name}: ${startDate} to ${endDate}, ${expected.facts.size} rows`);
    }
    const { rows } = await pipeline.pool.query('select from cursors');
    assert.equal(rows.length, 0, 'a range moved a cursor');
  });
});

test('one day of one account costs a request per campaign', async (t) => {
  const simulators = { seed: 32, size: { ...size, smartlead: { campaigns: 40, rows: 6_000 } } };
  await using pipeline = await startPipeline({ simulators });
  await pipeline.explain(async () => {
    const times = await timesOf(pipeline);
    const day = dateOf(times[Math.floor(times.length / 2)] ?? 0);
    const range = { syncMode: 'date_range', startDate: day, endDate: day };
    await pipeline.waitForEnd(await pipeline.execute(range));
    const { smartlead, lemlist } = pipeline.simulators;
    t.diagnostic(
      `${smartlead.control.arrivalCount()} requests to smartlead, ${lemlist.control.arrivalCount()} to lemlist`,
    );
    assert.ok(smartlead.control.arrivalCount() <= 41, `${smartlead.control.arrivalCount()} requests for 40 campaigns`);
    assert.ok(lemlist.control.arrivalCount() <= 3, `${lemlist.control.arrivalCount()} requests`);
  });
});
