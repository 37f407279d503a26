import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobRow } from '@full-sync/database';
import { showJob } from './show-job.ts';

const created = new Date('2025-01-01T00:00:00Z');
const job: JobRow = {
  jobId: 'job_1',
  status: 'in_progress',
  ending: null,
  syncMode: 'full_historical',
  config: { platforms: ['smartlead'] },
  warnings: [],
  progress: {},
  summary: null,
  error: null,
  createdAt: created,
  startedAt: created,
  completedAt: null,
  pausedAt: null,
  resumedAt: null,
  lettersReplayed: 0,
  revision: 1,
};

const stageOf = (row: Partial<JobRow>): unknown =>
  showJob({ ...job, ...row }, created.getTime() + 1, {}).progress['current_stage'];

test('a job that was resumed goes on with the stage that it was paused in', () => {
  const stages = {
    loading: { done: 5, total: 9 },
    keying: { done: 9, total: 9 },
    processing_smartlead_activities: { done: 9, total: 20 },
    discovering: { done: 1, total: 1 },
  };
  assert.equal(stageOf({ progress: { current_stage: 'paused', stages } }), 'processing_smartlead_activities');
  assert.equal(stageOf({ progress: { current_stage: 'queued', stages: {} } }), 'discovering');
  assert.equal(stageOf({ progress: { current_stage: 'keying', stages } }), 'keying');
});

test('the stage of a job that is not running is its status, of one that is ending finalizing', () => {
  for (const status of ['queued', 'paused', 'completed', 'failed', 'cancelled'] as const)
    assert.equal(stageOf({ status, progress: { current_stage: 'keying' } }), status);
  assert.equal(stageOf({ ending: 'cancelled', progress: { current_stage: 'keying' } }), 'finalizing');
});
