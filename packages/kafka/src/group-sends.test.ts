import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import fc from 'fast-check';
import { shareOut, takeGroup } from './group-sends.ts';
import type { PendingSend } from './group-sends.ts';
import { splitSend } from './split-send.ts';

const send: fc.Arbitrary<PendingSend> = fc.record({
  topic: fc.constantFrom(topicNames.events, topicNames.deadLetters),
  records: fc.array(
    fc.record({
      partition: fc.nat(3),
      key: fc.constant(null),
      value: fc
        .oneof(fc.nat(100), fc.integer({ min: 400_000, max: 2_100_000 }))
        .map((length) => ({ length }) as Buffer),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  maxRecords: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
  resolve: fc.constant(() => undefined),
  reject: fc.constant(() => undefined),
});

test('groups keep every send and its order, and a group of several is one request within every bound', () => {
  fc.assert(
    fc.property(fc.array(send, { maxLength: 25 }), (sends) => {
      const pending = [...sends];
      const taken: PendingSend[] = [];
      for (let group = takeGroup(pending); group.length > 0; group = takeGroup(pending)) {
        taken.push(...group);
        if (group.length === 1) continue;
        assert.equal(new Set(group.map((one) => one.topic)).size, 1);
        const records = group.flatMap((one) => one.records);
        const bound = Math.min(...group.map((one) => one.maxRecords ?? Infinity));
        assert.ok(records.length <= bound);
        assert.equal([...splitSend(records)].length, 1);
      }
      assert.deepEqual(taken, sends);
    }),
  );
});

test('each send gets the offsets at which its own records lie', () => {
  fc.assert(
    fc.property(
      fc.array(send, { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(1_000), { minLength: 4, maxLength: 4 }),
      (sends, starts) => {
        const log = new Map<number, number[]>();
        for (const [index, one] of sends.entries())
          for (const { partition } of one.records) log.set(partition, [...(log.get(partition) ?? []), index]);
        const acknowledged = [...log].map(([partition, owners]) => {
          const firstOffset = starts[partition] ?? 0;
          return { partition, firstOffset, lastOffset: firstOffset + owners.length - 1 };
        });
        for (const [index, ranges] of shareOut(sends, acknowledged).entries()) {
          for (const { partition, firstOffset, lastOffset } of ranges) {
            const owners = log
              .get(partition)
              ?.slice(firstOffset - (starts[partition] ?? 0), lastOffset + 1 - (starts[partition] ?? 0));
            assert.deepEqual(new Set(owners), new Set([index]));
          }
          const counted = ranges.reduce((sum, range) => sum + range.lastOffset - range.firstOffset + 1, 0);
          assert.equal(counted, sends[index]?.records.length);
        }
      },
    ),
  );
});

test('a partition that was not acknowledged is an error', () => {
  const record = { partition: 1, key: null, value: Buffer.alloc(1) };
  assert.throws(
    () => shareOut([{ records: [record] }], [{ partition: 0, firstOffset: 0, lastOffset: 0 }]),
    /partition 1/,
  );
});
