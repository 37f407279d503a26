import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import type { OutreachEvent } from '@full-sync/schemas';
import { activityOf, openBench, partitions, rowOf } from './harness.ts';
import type { Published } from './harness.ts';

const numbers = (from: number, count: number): readonly number[] => Array.from({ length: count }, (_, i) => from + i);

test('publishes the events of both raw topics to the same partition, in order, with their source positions', async () => {
  await using bench = await openBench();
  await using keyer = await bench.startKeyer();
  for (const partition of partitions) {
    await bench.publishRaw(
      partition,
      numbers(partition * 1_000, 30).map((n) => rowOf(n)),
    );
    await bench.publishRaw(
      partition,
      numbers(partition * 1_000, 20).map((n) => activityOf(n)),
    );
  }
  await bench.keyed();
  const events = await bench.events();

  // Of 30 rows every second was opened, too.
  assert.equal(events.length, partitions.length * (30 + 15 + 20));
  assert.equal(new Set(events.map(({ value }) => value.event_key)).size, events.length);
  for (const { value, partition } of events) {
    const n = Number(/\d+$/.exec(value.source_id ?? '')?.[0]);
    assert.equal(partition, Math.floor(n / 1_000), `the record ${n} was published to that partition`);
    assert.equal(value.source_offset, n % 1_000);
    assert.equal(value.source_count, value.platform === 'smartlead' && n % 2 === 0 ? 2 : 1);
    const rawTopicName = value.platform === 'smartlead' ? topicNames.smartleadRaw : topicNames.lemlistRaw;
    assert.equal(value.source_topic_id, bench.topicIds.get(rawTopicName));
  }
  for (const positions of positionsBySource(events).values()) {
    assert.deepEqual(
      positions,
      positions.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]),
    );
  }
  assert.equal(await keyer.metric('full_sync_keyer_records_total'), partitions.length * 50);
  assert.equal(await keyer.metric('full_sync_keyer_events_total'), events.length);
});

/** Offset and index of the events in the order of the log, per partition and raw topic. */
function positionsBySource(events: readonly Published<OutreachEvent>[]): ReadonlyMap<string, [number, number][]> {
  const positions = new Map<string, [number, number][]>();
  for (const { value, partition } of events) {
    const source = `${value.source_topic_id}:${partition}`;
    positions.set(source, [...(positions.get(source) ?? []), [value.source_offset, value.source_index]]);
  }
  return positions;
}

test('writes every field of an event, under the key of its lead', async () => {
  await using bench = await openBench();
  await using keyer = await bench.startKeyer();
  const raw = rowOf(4, { lead_email: ' Mira@Example.test ', email_message: '<p>body</p>', api_key: 'x' });
  await bench.publishRaw(3, [raw]);
  await bench.keyed();
  const [sent, opened, ...more] = await bench.events();
  assert.ok(sent !== undefined && opened !== undefined && more.length === 0);
  assert.equal(sent.key, 'test:mira@example.test');
  const { event_key: key, fingerprint, properties, ...rest } = opened.value;
  assert.match(key, /^smartlead_7_emailopened_stats4_[0-9a-f]{32}$/);
  assert.deepEqual(fingerprint, sent.value.fingerprint);
  const { email_message: _body, api_key: _secret, ...kept } = JSON.parse(raw.record);
  assert.deepEqual(JSON.parse(properties), kept);
  assert.deepEqual(rest, {
    namespace: 'test',
    platform: 'smartlead',
    event_type: 'email_opened',
    source_type: 'opened',
    campaign_id: '7',
    campaign_name: 'Größe',
    source_id: 'stats-4',
    lead_email: 'mira@example.test',
    lead_id: null,
    occurred_at: 1_772_000_504_000,
    occurred_at_approximate: false,
    job_id: 'job_a',
    source_topic_id: bench.topicIds.get(topicNames.smartleadRaw),
    source_offset: 0,
    source_index: 1,
    source_count: 2,
    fetched_at: 1_773_000_000_000,
  });
  assert.ok(!keyer.hasExited());
});

test('keeps message bodies when told to', async () => {
  await using bench = await openBench();
  await using keyer = await bench.startKeyer({ STORE_MESSAGE_BODIES: 'true' });
  await bench.publishRaw(0, [rowOf(1, { email_message: '<p>body</p>' })]);
  await bench.keyed();
  const [sent] = await bench.events();
  assert.equal(JSON.parse(sent?.value.properties ?? '{}').email_message, '<p>body</p>');
  assert.ok(!keyer.hasExited());
});

test('sends records that cannot become events to the dead letters, and keys those around them', async () => {
  await using bench = await openBench();
  await using keyer = await bench.startKeyer();
  const noSentTime = rowOf(1, { sent_time: null });
  await bench.publishRaw(5, [rowOf(2, { open_time: null, open_count: 0 }), noSentTime, rowOf(3)]);
  const garbage = Buffer.from('not from here');
  await bench.publishBytes(topicNames.smartleadRaw, 5, [garbage]);
  await bench.publishRaw(5, [rowOf(5)]);
  await bench.keyed();

  const events = await bench.events();
  assert.deepEqual(
    events.map(({ value }) => [value.source_id, value.source_offset]),
    [
      ['stats-2', 0],
      ['stats-3', 2],
      ['stats-5', 4],
    ],
  );
  const letters = (await bench.deadLetters()).map(({ value }) => value);
  const topicId = bench.topicIds.get(topicNames.smartleadRaw);
  assert.deepEqual(
    letters.map((letter) => [letter.code, letter.pointer, letter.origin, letter.stage]),
    [
      ['TIME_MISSING', '/sent_time', `${topicId}:5:1:0:keyer`, 'keyer'],
      ['RECORD_UNDECODABLE', null, `${topicId}:5:3:0:keyer`, 'keyer'],
    ],
  );
  const [timeless, undecodable] = letters;
  assert.ok(timeless !== undefined && undecodable !== undefined);
  assert.ok(timeless.record.includes(noSentTime.record), 'the record as it came');
  assert.deepEqual(
    [timeless.job_id, timeless.namespace, timeless.platform, timeless.stream_id],
    ['job_a', 'test', 'smartlead', 5],
  );
  assert.deepEqual(
    [timeless.origin_topic, timeless.origin_partition, timeless.origin_offset],
    [topicNames.smartleadRaw, 5, 1],
  );
  assert.deepEqual(undecodable.record, garbage);
  assert.deepEqual(undecodable.record_sha256, createHash('sha256').update(garbage).digest());
  assert.equal(undecodable.job_id, null);
  assert.equal(await keyer.metric('full_sync_dead_letters_published_total'), 2);
  assert.doesNotMatch(keyer.output(), /lead1@example/);
});

test('values under an unknown schema, or under that of another topic, are dead letters and no crash', async () => {
  await using bench = await openBench();
  await using keyer = await bench.startKeyer();
  const unknown = Buffer.concat([Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]), Buffer.from('whatever')]);
  await bench.publishBytes(topicNames.lemlistRaw, 6, [unknown]);
  await bench.keyed();
  const [letter] = await bench.deadLetters();
  assert.ok(letter !== undefined);
  // Its own wire format, in a topic where it does not belong.
  await bench.publishBytes(topicNames.lemlistRaw, 6, [bench.deadLetterBytes(letter.value)]);
  await bench.publishRaw(6, [activityOf(1)]);
  await bench.keyed();
  const letters = await bench.deadLetters();
  assert.deepEqual(
    letters.map(({ value }) => [value.code, value.origin_offset]),
    [
      ['RECORD_UNDECODABLE', 0],
      ['RECORD_UNDECODABLE', 1],
    ],
  );
  const events = await bench.events();
  assert.deepEqual(
    events.map(({ value }) => [value.source_id, value.source_offset]),
    [['act_1', 2]],
  );
  assert.ok(!keyer.hasExited());
});

test('a drained keyer has committed what it published, and the next one publishes nothing again', async () => {
  await using bench = await openBench();
  await using keyer = await bench.startKeyer();
  await bench.publishRaw(
    1,
    numbers(0, 500).map((n) => rowOf(n)),
  );
  await bench.keyed();
  assert.deepEqual(await keyer.kill('SIGTERM'), { code: 0, signal: null });
  await using next = await bench.startKeyer();
  await bench.publishRaw(
    1,
    numbers(500, 500).map((n) => rowOf(n)),
  );
  await bench.keyed();
  const keys = (await bench.events()).map(({ value }) => value.event_key);
  assert.equal(keys.length, 1_500);
  assert.equal(new Set(keys).size, 1_500);
  assert.ok(!next.hasExited());
});

test('two keyers share the partitions and neither loses nor doubles anything', async () => {
  await using bench = await openBench();
  await using one = await bench.startKeyer();
  await using two = await bench.startKeyer();
  for (const partition of partitions) {
    await bench.publishRaw(
      partition,
      numbers(partition * 1_000, 100).map((n) => rowOf(n)),
    );
  }
  await bench.keyed();
  const keys = new Set((await bench.events()).map(({ value }) => value.event_key));
  assert.equal(keys.size, partitions.length * 150);
  const counted = [
    await one.metric('full_sync_keyer_records_total'),
    await two.metric('full_sync_keyer_records_total'),
  ];
  assert.ok(counted.reduce((sum, count) => sum + count, 0) >= partitions.length * 100);
});
