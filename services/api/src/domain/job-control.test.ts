import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideWish } from './job-control.ts';
import type { JobState, JobWish } from './job-control.ts';

const running: JobState = { status: 'in_progress', ending: null, started: true, resumed: false };

function outcome(wish: JobWish, state: Partial<JobState>): string {
  const decided = decideWish(wish, { ...running, ...state });
  if (decided.kind !== 'change') return decided.kind;
  return `${decided.status}${decided.ending === null ? '' : `, ${decided.ending}`}`;
}

test('every wish in every state', () => {
  const table: readonly (readonly [Partial<JobState>, string, string, string])[] = [
    // state, cancel, pause, resume
    [{ status: 'queued', started: false }, 'in_progress, cancelled', 'paused', 'refused'],
    [{}, 'in_progress, cancelled', 'paused', 'refused'],
    [{ resumed: true }, 'in_progress, cancelled', 'paused', 'granted'],
    [{ status: 'paused' }, 'in_progress, cancelled', 'granted', 'in_progress'],
    [{ status: 'paused', started: false }, 'in_progress, cancelled', 'granted', 'queued'],
    [{ ending: 'cancelled' }, 'granted', 'refused', 'refused'],
    [{ ending: 'failed' }, 'refused', 'refused', 'refused'],
    [{ status: 'cancelled', ending: 'cancelled' }, 'granted', 'refused', 'refused'],
    [{ status: 'completed', resumed: true }, 'refused', 'refused', 'refused'],
    [{ status: 'failed' }, 'refused', 'refused', 'refused'],
  ];
  for (const [state, cancel, pause, resume] of table) {
    assert.deepEqual(
      [outcome('cancel', state), outcome('pause', state), outcome('resume', state)],
      [cancel, pause, resume],
      JSON.stringify(state),
    );
  }
});
