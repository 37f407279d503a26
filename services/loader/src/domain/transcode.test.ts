import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avroType } from '@full-sync/schemas';
import type { OutreachEvent } from '@full-sync/schemas';
import fc from 'fast-check';
import { MalformedValueError } from './avro-cursor.ts';
import { CopyRows } from './copy-rows.ts';
import { copyColumns, transcode } from './transcode.ts';

const type = avroType('outreach-event');
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const optional = fc.option(text);
const hash = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: 32, maxLength: 32 });

const anyEvent: fc.Arbitrary<OutreachEvent> = fc.record({
  event_key: fc.tuple(text, hash).map(([readable, digits]) => `${readable}_${digits}`),
  namespace: fc.constantFrom('default', 'acme-2'),
  platform: fc.constantFrom('smartlead', 'lemlist'),
  event_type: text,
  source_type: text,
  campaign_id: optional,
  campaign_name: optional,
  source_id: optional,
  lead_email: optional,
  lead_id: optional,
  occurred_at: fc.integer({ min: 0, max: 32_503_680_000_000 }),
  occurred_at_approximate: fc.boolean(),
  properties: fc.json(),
  fingerprint: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
  job_id: fc.constantFrom('job_a', 'job_b'),
  source_topic_id: fc.uuid(),
  source_offset: fc.integer({ min: 0, max: 2 ** 52 }),
  source_index: fc.nat(5),
  source_count: fc.nat(6),
  fetched_at: fc.nat(),
});

function encode(event: OutreachEvent): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), type.toBuffer(event)]);
}

/** The fields of one binary COPY row as the PostgreSQL documentation describes them: null or bytes. */
function readRow(bytes: Buffer): (Buffer | null)[] {
  const fields: (Buffer | null)[] = [];
  let at = 2;
  for (let left = bytes.readInt16BE(0); left > 0; left -= 1) {
    const length = bytes.readInt32BE(at);
    at += 4;
    fields.push(length === -1 ? null : bytes.subarray(at, at + length));
    at += Math.max(0, length);
  }
  assert.equal(at, bytes.length);
  return fields;
}

test('every column of the row is what the event holds', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const rows = new CopyRows(16);
      const facts = transcode(encode(event), rows);
      const row = readRow(rows.slice(0, rows.length));
      const field = (name: (typeof copyColumns)[number]): Buffer | null => row[copyColumns.indexOf(name)] ?? null;
      assert.equal(row.length, copyColumns.length);
      assert.equal(field('event_id')?.toString('hex'), event.event_key.slice(-32));
      for (const name of ['event_key', 'namespace', 'platform', 'event_type', 'source_type', 'job_id'] as const)
        assert.equal(field(name)?.toString(), event[name]);
      for (const name of ['campaign_id', 'campaign_name', 'source_id', 'lead_email', 'lead_id'] as const)
        assert.equal(field(name)?.toString() ?? null, event[name]);
      const microseconds = BigInt(Date.UTC(2000, 0, 1)) * 1000n + (field('occurred_at')?.readBigInt64BE() ?? 0n);
      assert.equal(microseconds, BigInt(event.occurred_at) * 1000n);
      assert.equal(field('occurred_at_approximate')?.[0], Number(event.occurred_at_approximate));
      assert.equal(field('properties')?.[0], 1);
      assert.equal(field('properties')?.subarray(1).toString(), event.properties);
      assert.deepEqual(field('fingerprint'), event.fingerprint);
      assert.deepEqual(facts, {
        eventId: event.event_key.slice(-32),
        namespace: event.namespace,
        platform: event.platform,
        lead: event.lead_email ?? event.lead_id,
        jobId: event.job_id,
        occurredAtMs: event.occurred_at,
        fetchedAtMs: event.fetched_at,
        sourceTopicId: event.source_topic_id,
        sourceOffset: event.source_offset,
        sourceIndex: event.source_index,
      });
    }),
  );
});

test('a value cut short or with more behind it is malformed, and leaves no trace in the rows', () => {
  fc.assert(
    fc.property(anyEvent, fc.nat(), (event, cut) => {
      const whole = encode(event);
      const rows = new CopyRows(16);
      transcode(whole, rows);
      const before = Buffer.from(rows.slice(0, rows.length));
      for (const broken of [
        whole.subarray(0, 5 + (cut % (whole.length - 5))),
        Buffer.concat([whole, Buffer.from([0])]),
      ]) {
        assert.throws(() => transcode(broken, rows), MalformedValueError);
        assert.deepEqual(Buffer.from(rows.slice(0, rows.length)), before);
      }
    }),
  );
});

test('a key without a hash is malformed', () => {
  fc.assert(
    fc.property(
      anyEvent,
      fc.constantFrom('', 'short', 'smartlead_1_x_y_0123456789abcdef0123456789abcdeg'),
      (event, key) => {
        assert.throws(() => transcode(encode({ ...event, event_key: key }), new CopyRows(16)), MalformedValueError);
      },
    ),
  );
});

test('a time that no timestamp can hold, and U+0000 in a name, are malformed', () => {
  fc.assert(
    fc.property(anyEvent, fc.constantFrom('occurred_at', 'job_id', 'namespace', 'platform'), (event, field) => {
      const whole = encode({ ...event, occurred_at: 1, [field]: field === 'occurred_at' ? 2 ** 52 : 'a\0b' });
      if (field === 'occurred_at') {
        // avsc refuses to write a larger one: the varint of 2^52 is made that of 2^62.
        const at = whole.indexOf(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]));
        const larger = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
        const broken = Buffer.concat([whole.subarray(0, at), larger, whole.subarray(at + 8)]);
        assert.throws(() => transcode(broken, new CopyRows(16)), MalformedValueError);
      } else {
        assert.throws(() => transcode(whole, new CopyRows(16)), MalformedValueError);
      }
    }),
  );
});
