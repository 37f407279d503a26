import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeKnown } from './judge-known.ts';

const mine = { jobId: 'job_a', partition: 3, offset: 7, redrive: false };
const own = { jobId: 'job_a', partition: 3, offset: 7, live: true } as const;
const foreign = { ...own, partition: 4 } as const;

test('what this record has claimed is taken over, whether or not the claim holds: its earlier reader is gone', () => {
  assert.deepEqual(judgeKnown({ ...own, state: 'claimed' }, mine), { kind: 'take-over' });
  assert.deepEqual(judgeKnown({ ...own, state: 'claimed', live: false }, mine), { kind: 'take-over' });
});

test('what somebody else has claimed is waited for until the claim has run out', () => {
  assert.deepEqual(judgeKnown({ ...foreign, state: 'claimed' }, mine), { kind: 'wait' });
  assert.deepEqual(judgeKnown({ ...foreign, state: 'claimed', live: false }, mine), { kind: 'take-over' });
});

test('what is settled is not sent again, and counts as it ended for the record that it belongs to', () => {
  for (const state of ['sent', 'folded', 'skipped', 'failed'] as const) {
    assert.deepEqual(judgeKnown({ ...own, state }, mine), { kind: 'own', state });
    assert.deepEqual(judgeKnown({ ...foreign, state }, mine), { kind: 'settled' });
    assert.deepEqual(judgeKnown({ ...own, jobId: 'job_b', state }, mine), { kind: 'settled' });
  }
});

test('what has failed is tried again where somebody asked for it, and nothing else is', () => {
  const asked = { ...mine, redrive: true };
  assert.deepEqual(judgeKnown({ ...foreign, state: 'failed' }, asked), { kind: 'retry' });
  assert.deepEqual(judgeKnown({ ...own, state: 'failed' }, asked), { kind: 'own', state: 'failed' });
  assert.deepEqual(judgeKnown({ ...foreign, state: 'sent' }, asked), { kind: 'settled' });
});
