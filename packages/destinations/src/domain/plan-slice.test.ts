import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeWishes } from '@full-sync/schemas';
import type { OutreachEvent } from '@full-sync/schemas';
import type { Position } from '@full-sync/delivery';
import fc from 'fast-check';
import { planSlice } from './plan-slice.ts';
import type { SliceRecord } from './plan-slice.ts';

const start: Position = { nextOffset: 0, sources: {} };
const topics = ['a', 'b'] as const;

interface Source {
  readonly topic: string;
  readonly at: number;
  readonly asks: boolean;
}

const toRecord = ({ topic, at, asks }: Source, offset: number): SliceRecord => ({
  offset,
  timestamp: 1_000 + offset,
  value: Buffer.from(JSON.stringify({ topic, at })),
  headers: writeWishes({ destinations: asks ? ['other', 'here'] : ['other'], redrive: false }),
});

/** Two events to a record of the source. */
function decode(value: Buffer | null): OutreachEvent | null {
  if (value === null) return null;
  const { topic, at } = JSON.parse(value.toString()) as Source;
  return {
    event_key: `k_${topic}${String(at).padStart(31, '0')}`,
    source_topic_id: topic,
    source_offset: Math.floor(at / 2),
    source_index: at % 2,
    job_id: at >= 90 ? 'ended' : 'open',
  } as OutreachEvent;
}

function plan(records: readonly SliceRecord[], base: Position) {
  return planSlice({
    records,
    base,
    decode,
    wants: ({ destinations }) => destinations.includes('here'),
    isLate: ({ job_id: jobId }) => jobId === 'ended',
  });
}

/** What a keyer publishes that is killed at times: it goes back, and publishes the same again. */
const published = fc
  .array(fc.tuple(fc.constantFrom(...topics), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 9 })), {
    maxLength: 12,
  })
  .map((runs) => {
    const reached = new Map<string, number>();
    return runs.flatMap(([topic, back, length]): Source[] => {
      const next = reached.get(topic) ?? 0;
      const from = Math.max(0, next - back);
      reached.set(topic, Math.max(next, from + length));
      return Array.from({ length }, (_, i) => ({ topic, at: from + i, asks: (from + i) % 3 !== 0 }));
    });
  });

test('law: whatever is published and delivered again, each event that was asked for is wanted once, in order', () => {
  fc.assert(
    fc.property(published, fc.array(fc.nat({ max: 30 }), { maxLength: 8 }), (sources, cuts) => {
      const log = sources.map(toRecord);
      let position = start;
      const wanted: string[] = [];
      // Each cut is a redelivery: reading begins that many records before the position.
      for (const back of [...cuts, 0]) {
        const from = Math.max(0, position.nextOffset - back);
        const size = back === 0 ? log.length : 7;
        const result = plan(log.slice(from, from + size), position);
        wanted.push(...result.wanted.map(({ eventId }) => eventId));
        position = result.next;
      }
      const asked = sources
        .filter(({ asks }) => asks)
        .map(({ topic, at }) => `${topic}${String(at).padStart(31, '0')}`);
      assert.deepEqual(wanted, [...new Set(asked)]);
      assert.equal(position.nextOffset, log.length);
    }),
  );
});

test('what every record is counted as', () => {
  const records = [
    toRecord({ topic: 'a', at: 0, asks: true }, 4),
    toRecord({ topic: 'a', at: 1, asks: true }, 5),
    toRecord({ topic: 'a', at: 1, asks: true }, 6),
    toRecord({ topic: 'a', at: 2, asks: false }, 7),
    toRecord({ topic: 'b', at: 90, asks: true }, 8),
    { ...toRecord({ topic: 'b', at: 92, asks: true }, 9), value: null },
  ];
  const { wanted, next, base: _, ...counts } = plan(records, { nextOffset: 5, sources: {} });
  assert.deepEqual(counts, { redelivered: 1, replayed: 1, late: 1, notAsked: 1, unreadable: 1 });
  assert.deepEqual(
    wanted.map(({ offset, publishedAtMs, redrive }) => [offset, publishedAtMs, redrive]),
    [[5, 1_005, false]],
  );
  assert.deepEqual(next, { nextOffset: 10, sources: { a: [0, 1], b: [45, 0] } });
});
