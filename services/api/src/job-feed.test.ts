import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { Database, JobRow } from '@full-sync/database';
import { createLogger } from '@full-sync/runtime';
import { waitFor } from '@full-sync/testing';
import { createJobFeed } from './job-feed.ts';

const at = new Date('2025-01-01T00:00:00Z');

function job(revision: number, over: Partial<JobRow> = {}): JobRow {
  return {
    jobId: 'job_1',
    status: 'in_progress',
    ending: null,
    syncMode: 'full_historical',
    config: {},
    warnings: [],
    progress: { percentage: revision },
    summary: {},
    error: null,
    createdAt: at,
    startedAt: at,
    completedAt: null,
    pausedAt: null,
    resumedAt: null,
    lettersReplayed: 0,
    revision,
    ...over,
  };
}

/** Answers as the table would, once `fail` is taken back. */
function tableOf(): { readonly db: Database; row: JobRow; fail: boolean; asked: number } {
  const table = { row: job(1), fail: false, asked: 0, db: Object() as Database };
  const query = async (): Promise<object> => {
    table.asked += 1;
    if (table.fail) throw Object.assign(new Error('Connection terminated'), { code: '57P01' });
    const { row } = table;
    const record = {
      job_id: row.jobId,
      status: row.status,
      progress: row.progress,
      summary: row.summary,
      revision: String(row.revision),
      created_at: row.createdAt,
      completed_at: row.completedAt,
      config: row.config,
      ending: row.ending,
      paused_at: null,
      letters_replayed: '0',
    };
    return { rows: [record] };
  };
  table.db = Object({ pool: { query } }) as Database;
  return table;
}

const logger = createLogger({ service: 'test', level: 'silent' });
const clock = { now: () => at.getTime() + 5_000, sleep: async () => undefined };
let stop = (): void => undefined;
afterEach(() => {
  stop();
});

function feedOf(db: Database): ReturnType<typeof createJobFeed> {
  const feed = createJobFeed({ db, clock, logger });
  ({ stop } = feed);
  return feed;
}

const idsIn = (text: string): readonly number[] => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));

test('a client that does not read is not written to, and gets the state of when it reads again', async () => {
  const table = tableOf();
  const stream = feedOf(table.db).follow(job(1, { config: { platforms: ['x'.repeat(100)] }, summary: {} }), null);
  const progress = { stages: Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`stage ${n}`, { done: 1 }])) };
  // More than a stream buffers: from here on the client is behind.
  table.row = job(2, { progress });
  await waitFor(() => stream.readableLength > 16_384, { what: 'the buffer to be full' });
  const held = stream.readableLength;
  for (let revision = 3; revision < 6; revision += 1) {
    table.row = job(revision);
    const { asked } = table;
    await waitFor(() => table.asked > asked + 1, { what: 'further looks' });
  }
  assert.equal(stream.readableLength, held, 'nothing was added meanwhile');
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await waitFor(() => idsIn(text).at(-1) === 5, { what: 'the newest state' });
  assert.deepEqual(idsIn(text), [1, 2, 5]);
});

test('a database that is away for a while ends no stream', async () => {
  const table = tableOf();
  const stream = feedOf(table.db).follow(job(1), 1);
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  table.fail = true;
  await waitFor(() => table.asked > 1, { what: 'looks that fail' });
  table.fail = false;
  table.row = job(9, { status: 'completed', completedAt: at });
  await waitFor(() => stream.readableEnded, { what: 'the last event' });
  assert.deepEqual(idsIn(text), [9]);
  const { asked } = table;
  await new Promise(setImmediate);
  assert.equal(table.asked, asked);
});
