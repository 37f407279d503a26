import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Position } from '@full-sync/delivery';
import { avroType } from '@full-sync/schemas';
import fc from 'fast-check';
import { CopyRows } from './copy-rows.ts';
import { leafKey, planBatch } from './plan-batch.ts';
import type { IncomingRecord } from './plan-batch.ts';

const type = avroType('outreach-event');
const start: Position = { nextOffset: 0, sources: {} };

interface Source {
  readonly topic: string;
  readonly offset: number;
  readonly index: number;
  readonly job?: string;
  readonly namespace?: string;
}

function value({ topic, offset, index, job = 'job_a', namespace = 'default' }: Source): Buffer {
  const hash = Buffer.from(`${topic}:${offset}:${index}`).toString('hex').padEnd(32, '0').slice(0, 32);
  const event = {
    event_key: `k_${hash}`,
    namespace,
    platform: 'smartlead',
    event_type: 'email_sent',
    source_type: 'sent',
    campaign_id: null,
    campaign_name: null,
    source_id: null,
    lead_email: null,
    lead_id: null,
    occurred_at: 0,
    occurred_at_approximate: false,
    properties: '{}',
    fingerprint: Buffer.alloc(8),
    job_id: job,
    source_topic_id: topic,
    source_offset: offset,
    source_index: index,
    source_count: 1,
    fetched_at: 0,
  };
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), type.toBuffer(event)]);
}

function plan(records: readonly IncomingRecord[], base: Position, ended: ReadonlySet<string> = new Set()) {
  return planBatch({
    records,
    base,
    ended,
    normalise: (bytes) => bytes ?? Buffer.alloc(0),
    takeRows: () => new CopyRows(64),
  });
}

/**
 * A log as keyers may leave it: each raw topic is published in order, but any copy may start again at any offset below
 * what is already there, and the topics lie mixed.
 */
const keyerLog = fc
  .array(
    fc.record({
      topic: fc.constantFrom('smartlead', 'lemlist'),
      back: fc.nat(6),
      records: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 8 }),
    }),
    { maxLength: 20 },
  )
  .map((runs) => {
    const counts = new Map<string, number[]>();
    const log: Source[] = [];
    for (const { topic, back, records } of runs) {
      const known = counts.get(topic) ?? [];
      const from = Math.max(0, known.length - back);
      for (let offset = from; offset < from + records.length; offset += 1) {
        // A record gives the same events however often it is keyed (I2).
        known[offset] ??= records[offset - from] ?? 1;
        for (let index = 0; index < (known[offset] ?? 0); index += 1) log.push({ topic, offset, index });
      }
      counts.set(topic, known);
    }
    return log;
  });

test('each event is planned once, in order, however keyers repeat, batches are cut and Kafka redelivers', () => {
  fc.assert(
    fc.property(keyerLog, fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(5))), (log, cuts) => {
      const records = log.map((source, offset) => ({ offset, timestamp: 0, value: value(source) }));
      let position = start;
      const loaded: string[] = [];
      let at = 0;
      for (const [size, back] of [...cuts, [records.length, records.length] as const]) {
        const from = Math.max(0, at - back);
        const batch = records.slice(from, from + size);
        if (batch.length === 0 || (batch.at(-1)?.offset ?? 0) < position.nextOffset) continue;
        const planned = plan(batch, position);
        for (const leaf of planned.leaves)
          for (const { facts } of leaf.rows)
            loaded.push(`${facts.sourceTopicId}:${facts.sourceOffset}:${facts.sourceIndex}`);
        position = planned.next;
        at = position.nextOffset;
      }
      const wanted = [...new Set(log.map(({ topic, offset, index }) => `${topic}:${offset}:${index}`))];
      assert.deepEqual(loaded, wanted);
      assert.equal(position.nextOffset, records.length);
    }),
    { numRuns: 300 },
  );
});

test('rows of several leaves lie where their bounds say, and hold the bytes of their own event', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('one', 'two', 'three'), { minLength: 1, maxLength: 30 }), (namespaces) => {
      const records = namespaces.map((namespace, offset) => ({
        offset,
        timestamp: 0,
        value: value({ topic: 't', offset, index: 0, namespace }),
      }));
      const planned = plan(records, start);
      assert.deepEqual(
        planned.leaves.map(leafKey),
        [...new Set(namespaces)].toSorted().map((name) => `${name}/smartlead`),
      );
      assert.equal(planned.leaves.flatMap((leaf) => leaf.rows).length, records.length);
      for (const leaf of planned.leaves) {
        let end = 0;
        for (const row of leaf.rows) {
          assert.equal(row.start, end);
          end = row.end;
          const bytes = leaf.encoded.slice(row.start, row.end);
          assert.equal(bytes.subarray(6, 22).toString('hex'), row.facts.eventId);
          assert.equal(row.facts.namespace, leaf.namespace);
        }
        assert.equal(end, leaf.encoded.length);
      }
    }),
  );
});

test('late events and unreadable values move the position and nothing else', () => {
  const records = [
    { offset: 0, timestamp: 0, value: value({ topic: 't', offset: 0, index: 0 }) },
    { offset: 1, timestamp: 0, value: value({ topic: 't', offset: 1, index: 0, job: 'job_ended' }) },
    { offset: 2, timestamp: 0, value: Buffer.from('nothing of ours') },
    { offset: 3, timestamp: 0, value: null },
    { offset: 4, timestamp: 0, value: value({ topic: 't', offset: 2, index: 0 }) },
  ];
  const planned = plan(records, start, new Set(['job_ended']));
  assert.deepEqual(
    planned.leaves.flatMap((leaf) => leaf.rows.map((row) => row.offset)),
    [0, 4],
  );
  assert.deepEqual(
    planned.faults.map((fault) => fault.offset),
    [2, 3],
  );
  assert.equal(planned.late, 1);
  assert.deepEqual(planned.next, { nextOffset: 5, sources: { t: [2, 0] } });
});

test('a recreated raw topic has positions of its own', () => {
  const base: Position = { nextOffset: 10, sources: { old: [500, 3] } };
  const planned = plan([{ offset: 10, timestamp: 0, value: value({ topic: 'new', offset: 0, index: 0 }) }], base);
  assert.equal(planned.replayed, 0);
  assert.deepEqual(planned.next, { nextOffset: 11, sources: { old: [500, 3], new: [0, 0] } });
});

test('a key that comes twice in a batch is noticed', () => {
  const once = value({ topic: 't', offset: 0, index: 0 });
  const twice = Buffer.from(once);
  assert.equal(plan([{ offset: 0, timestamp: 0, value: once }], start).leaves[0]?.hasRepeats, false);
  const again = plan(
    [
      { offset: 0, timestamp: 0, value: once },
      { offset: 1, timestamp: 0, value: rename(twice, 'u') },
    ],
    start,
  );
  assert.equal(again.leaves[0]?.hasRepeats, true);
});

/** The same fact from another raw topic: same key, other source position. */
function rename(bytes: Buffer, topic: string): Buffer {
  const event = type.fromBuffer(bytes.subarray(5));
  return Buffer.concat([bytes.subarray(0, 5), type.toBuffer({ ...event, source_topic_id: topic })]);
}
