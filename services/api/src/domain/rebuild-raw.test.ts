import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataPartitions, partitionFor } from '@full-sync/schemas';
import type { OutreachEvent, RawRecord } from '@full-sync/schemas';
import fc from 'fast-check';
import { rebuildRaw } from './rebuild-raw.ts';
import type { LetterContent, ValueReader } from './rebuild-raw.ts';

const envelope = { job_id: 'job_r', stream_id: 5, chunk: 2, namespace: 'n', platform: 'smartlead' };

/** Values of the topics as JSON: what they are encoded in makes no difference here. */
const read: ValueReader = {
  raw: (value) => (value.length === 0 ? null : (JSON.parse(value.toString()) as RawRecord)),
  event: (value) => (value.length === 0 ? null : (JSON.parse(value.toString()) as OutreachEvent)),
};

const letter = (stage: string, record: object | string, over: Partial<LetterContent> = {}): LetterContent => ({
  stage,
  record: Buffer.from(typeof record === 'string' ? record : JSON.stringify(record)),
  failedAtMs: 1_000,
  walk: null,
  ...over,
});

const row = '{"stats_id":"s1","lead_email":" A@B.example "}';

test('each stage gives back the raw record that its letter came of, under the envelope of the replay', () => {
  const walk = { kind: 'statistics', campaignId: '7', campaignName: 'seven' };
  const old = { source: 'statistics', campaign_id: '7', campaign_name: 'seven', fetched_at: 900, record: row };
  const event = { campaign_id: '7', campaign_name: 'seven', fetched_at: 900, properties: row, job_id: 'job_before' };
  const partition = partitionFor('a@b.example', dataPartitions);
  for (const [content, fetchedAt] of [
    [letter('extractor', row, { walk }), 1_000],
    [letter('keyer', { ...old, job_id: 'job_before', stream_id: 1, chunk: 0 }), 900],
    [letter('loader', event), 900],
    [letter('mixpanel', event), 900],
  ] as const) {
    assert.deepEqual(
      rebuildRaw(content, envelope, read),
      {
        kind: 'record',
        platform: 'smartlead',
        key: 'a@b.example',
        partition,
        raw: { ...old, ...envelope, fetched_at: fetchedAt },
      },
      content.stage,
    );
  }
  const lemlist = rebuildRaw(letter('loader', event), { ...envelope, platform: 'lemlist' }, read);
  assert.equal(lemlist.kind === 'record' && lemlist.raw.source, 'activities');
});

test('what cannot be rebuilt is a fault, and never a record made up', () => {
  for (const [content, platform] of [
    [letter('extractor', row), 'smartlead'],
    [letter('keyer', ''), 'smartlead'],
    [letter('loader', ''), 'smartlead'],
    [letter('keyer', { record: row }), 'other'],
  ] as const)
    assert.equal(rebuildRaw(content, { ...envelope, platform }, read).kind, 'fault');
});

test('a record that nobody can read is placed by its bytes, always at the same place', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (record) => {
      const content = letter('keyer', { record });
      const [first, second] = [rebuildRaw(content, envelope, read), rebuildRaw(content, envelope, read)];
      assert.deepEqual(first, second);
      assert.ok(first.kind === 'record' && first.raw.record === record);
      assert.ok(first.partition >= 0 && first.partition < dataPartitions);
      if (first.key === null) assert.equal(first.partition, partitionFor(Buffer.from(record), dataPartitions));
    }),
  );
});
