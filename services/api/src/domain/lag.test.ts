import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { addUpLags, noLags, throughputOf } from './lag.ts';

test('before the first look every stage is there, with zeros', () => {
  const none = { records: 0, seconds: 0 };
  assert.deepEqual(noLags(), {
    keyer: { ...none, topics: { 'outreach.smartlead.raw': none, 'outreach.lemlist.raw': none } },
    loader: { ...none, topics: { 'outreach.events': none } },
    api: { ...none, topics: { 'outreach.dead-letters': none } },
  });
});

test('a group is as many records behind as its partitions together, and as old as the oldest', () => {
  const lag = (
    topic: typeof topicNames.smartleadRaw | typeof topicNames.lemlistRaw,
    records: number,
    seconds: number,
  ) => {
    return { group: 'keyer', topic, partition: 0, position: 0, standsAt: 0, records, seconds };
  };
  const raw = [
    lag(topicNames.smartleadRaw, 3, 10),
    lag(topicNames.smartleadRaw, 4, 2),
    lag(topicNames.lemlistRaw, 0, 0),
  ];
  assert.deepEqual(addUpLags(raw), {
    keyer: {
      records: 7,
      seconds: 10,
      topics: {
        [topicNames.smartleadRaw]: { records: 7, seconds: 10 },
        [topicNames.lemlistRaw]: { records: 0, seconds: 0 },
      },
    },
  });
});

test('throughput is the mean between the first and the last look, and 0 before there are two', () => {
  const first = { atMs: 1_000, published: 100, keyed: 90, loaded: 500 };
  assert.equal(throughputOf([]).windowSeconds, 0);
  assert.equal(throughputOf([first]).published, 0);
  const last = { atMs: 5_000, published: 140, keyed: 98, loaded: 0 };
  // A topic that was made anew says nothing.
  assert.deepEqual(throughputOf([first, last]), { published: 10, keyed: 2, loaded: 0, windowSeconds: 4 });
});
