import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWaitingSince } from './waiting-since.ts';
import type { WaitingPartition } from './waiting-since.ts';

/** A log whose records were published at 100 s plus their offset in seconds, and what was read of it. */
function openLog() {
  const reads: string[] = [];
  const timeOf = async (topic: string, partition: number, offset: number): Promise<number | null> => {
    reads.push(`${topic}/${partition}/${offset}`);
    return offset < 0 ? null : 100_000 + offset * 1_000;
  };
  return { timeOf, reads };
}

const unknown = { afterMs: null, byMs: null };

function waiting(partition: number, position: number, arrival: WaitingPartition['arrival']): WaitingPartition {
  return { group: 'loader', topic: 'outreach.events', partition, position, arrival };
}

test('close looks tell the time without a read, others do not', async () => {
  const log = openLog();
  const since = createWaitingSince(log);
  const close = waiting(0, 5, { afterMs: 104_000, byMs: 106_000 });
  const far = waiting(1, 7, { afterMs: 104_000, byMs: 109_000 });
  assert.deepEqual(await since.read([close, far, waiting(2, 9, unknown)], 120_000), [105_000, 107_000, 109_000]);
  assert.deepEqual(log.reads.toSorted(), ['outreach.events/1/7', 'outreach.events/2/9']);
});

test('a position that stands still is read once, also when the looks are forgotten meanwhile', async () => {
  const log = openLog();
  const since = createWaitingSince(log);
  const looks = [waiting(0, 5, { afterMs: 104_200, byMs: 105_400 }), waiting(1, 3, unknown)];
  assert.deepEqual(await since.read(looks, 120_000), [104_800, 103_000]);
  assert.equal(log.reads.length, 1);
  for (const again of [looks, looks, [waiting(0, 5, unknown), waiting(1, 3, unknown)]]) {
    assert.deepEqual(await since.read(again, 130_000), [105_000, 103_000]);
    assert.equal(log.reads.length, 2);
  }
});

test('where more have moved than are read, those of which least is known are, and no other is off by more than half a look', async () => {
  const log = openLog();
  const since = createWaitingSince(log);
  const before = Array.from({ length: 40 }, (_, partition) => waiting(partition, 0, unknown));
  await since.read(before, 101_000);
  const moved = before.map(({ partition }) => {
    const cameMs = 150_000 + (partition % 4) * 1_000;
    return waiting(partition, 50 + (partition % 4), { afterMs: cameMs - 2_500 - partition * 50, byMs: cameMs + 1_500 });
  });
  log.reads.length = 0;
  const times = await since.read(moved, 170_000);
  assert.equal(log.reads.length, 24);
  assert.ok(log.reads.every((read) => Number(read.split('/')[1]) >= 16));
  for (const [index, { position, arrival }] of moved.entries()) {
    const off = Math.abs((times[index] ?? 0) - (100_000 + position * 1_000));
    assert.ok(off <= ((arrival.byMs ?? 0) - (arrival.afterMs ?? 0)) / 2, `partition ${index} is off by ${off} ms`);
  }
});

test('where least is known of more than are read at once, each has its turn', async () => {
  const log = openLog();
  const since = createWaitingSince(log);
  const all = (position: number) => Array.from({ length: 40 }, (_, partition) => waiting(partition, position, unknown));
  await since.read(all(0), 101_000);
  const readAt = async (look: number): Promise<ReadonlySet<string | undefined>> => {
    log.reads.length = 0;
    await since.read(all(look), 101_000 + look * 3_000);
    return new Set(log.reads.map((read) => read.split('/')[1]));
  };
  const [first, second] = [await readAt(1), await readAt(2)];
  assert.deepEqual([first.size, second.size, first.union(second).size], [24, 24, 40]);
});

test('of what was never seen before all are read, however many', async () => {
  const log = openLog();
  const many = Array.from({ length: 40 }, (_, partition) => waiting(partition, 1, unknown));
  assert.deepEqual(new Set(await createWaitingSince(log).read(many, 200_000)), new Set([101_000]));
  assert.equal(log.reads.length, 40);
});

test('a record that is gone counts from now, until another look tells its position', async () => {
  assert.deepEqual(await createWaitingSince(openLog()).read([waiting(0, -1, unknown)], 200_000), [200_000]);
});
