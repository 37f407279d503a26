import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobFigures } from './job-figures.ts';

test('figures are what the row says, shares from 0 to 1', () => {
  const figures = jobFigures({
    status: 'in_progress',
    progress: {
      percentage: 40,
      eta_minutes: 1.5,
      processed_items: 70,
      total_items: 200,
      stages: { keying: { done: 50, total: 100 }, loading: { done: 7, total: 0 } },
    },
    summary: { records_fetched: 120 },
  });
  assert.deepEqual(figures, {
    progress: 0.4,
    etaSeconds: 90,
    fetched: 120,
    processed: 70,
    expected: 200,
    stages: {
      discovering: 0,
      processing_smartlead_activities: 0,
      processing_lemlist_activities: 0,
      keying: 0.5,
      loading: 0,
      finalizing: 0,
    },
  });
});

test('a job without progress has none, and a completed one is through', () => {
  const none = jobFigures({ status: 'queued', progress: {}, summary: null });
  assert.deepEqual([none.progress, none.etaSeconds, none.expected], [0, 0, 0]);
  const done = jobFigures({ status: 'completed', progress: { percentage: 100, eta_minutes: 3 }, summary: {} });
  assert.deepEqual([done.progress, done.etaSeconds, done.stages.finalizing], [1, 0, 1]);
});
