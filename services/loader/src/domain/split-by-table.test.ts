import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CopyRows } from './copy-rows.ts';
import type { LeafRows, PlannedRow } from './plan-batch.ts';
import { splitByTable } from './split-by-table.ts';

function leafOf(...jobIds: readonly string[]): LeafRows {
  const rows = jobIds.map((jobId, index): PlannedRow => {
    const facts = {
      jobId,
      eventId: String(index),
      namespace: 'test',
      platform: 'smartlead',
      occurredAtMs: 0,
      fetchedAtMs: 0,
      sourceTopicId: '',
      sourceOffset: index,
      sourceIndex: 0,
      lead: null,
    };
    return { facts, offset: index, publishedAtMs: 0, start: index, end: index + 1 };
  });
  return { namespace: 'test', platform: 'smartlead', encoded: new CopyRows(1), rows, hasRepeats: false };
}

function split(leaf: LeafRows, shadowJobId: string | null): readonly unknown[] {
  const tables = { live: 'live', shadow: shadowJobId === null ? null : 'shadow', shadowJobId };
  return splitByTable(leaf, tables).map(({ table, rows, counted }) => [
    table,
    rows.rows.map((row) => row.offset),
    counted,
  ]);
}

test('without a reset everything goes to the live table', () => {
  assert.deepEqual(split(leafOf('job_a', 'job_b'), null), [['live', [0, 1], true]]);
});

test('events of a reset go to its table alone, those of others to both and are counted by the live one', () => {
  assert.deepEqual(split(leafOf('job_a', 'job_reset', 'job_b', 'job_reset'), 'job_reset'), [
    ['live', [0, 2], true],
    ['shadow', [0, 2], false],
    ['shadow', [1, 3], true],
  ]);
  assert.deepEqual(split(leafOf('job_reset'), 'job_reset'), [['shadow', [0], true]]);
});
