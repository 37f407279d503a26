import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { claimWebhook, connectDatabase, queueWebhook, settleWebhook } from '@full-sync/database';
import { freshDatabase } from '@full-sync/testing';
import { runCli } from './run-cli.ts';

test('the secret is made once and shown, on an empty database too; a configured one is the one in force', async () => {
  await using database = await freshDatabase();
  const env = { DATABASE_URL: database.url, FULL_SYNC_HOME: tmpdir() };
  const first = await runCli(['webhooks', 'secret'], env);
  assert.match(first.stdout, /^whsec_[A-Za-z0-9+/]{43}=\n$/);
  assert.equal((await runCli(['webhooks', 'secret'], env)).stdout, first.stdout);
  assert.deepEqual(JSON.parse((await runCli(['webhooks', 'secret', '--json'], env)).stdout), {
    secret: first.stdout.trim(),
    source: 'database',
  });
  const configured = await runCli(['webhooks', 'secret'], { ...env, WEBHOOK_SECRET: 'whsec_configured' });
  assert.deepEqual([configured.stdout, configured.stderr], ['whsec_configured\n', '']);
});

test('the delivery log lists every attempt, without the secrets of the URL', async () => {
  await using database = await freshDatabase();
  const env = { DATABASE_URL: database.url, FULL_SYNC_HOME: tmpdir() };
  assert.match((await runCli(['webhooks', 'deliveries'], env)).stdout, /No webhook/);
  const config = { DATABASE_URL: database.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 2 };
  await using db = await connectDatabase({ config, applicationName: 'test' });
  for (const jobId of ['job_1', 'job_2']) {
    await db.pool.query(
      `insert into jobs (job_id, sync_mode, config, parallel_workers, window_end)
       values ($1, 'full_historical', '{"webhookUrl": "https://hooks.example/T0/hidden?token=hidden"}', 1, now())`,
      [jobId],
    );
    await db.transaction(async (client) => {
      await queueWebhook(client, { jobId, status: 'completed', summary: {}, error: null, endedAtMs: 0 });
    });
  }
  const first = await claimWebhook(db.pool, 60_000);
  assert.ok(first !== null);
  const refused = { httpStatus: 500, error: 'the receiver answered 500', durationMs: 12.3 };
  await settleWebhook(db.pool, first, refused, { kind: 'retry', afterMs: 0 });
  await db.pool.query(`update webhooks set next_attempt_at = '-infinity' where webhook_id = $1`, [first.webhookId]);
  const second = await claimWebhook(db.pool, 60_000);
  assert.equal(second?.webhookId, first.webhookId);
  assert.equal(second.attempt, 2);

  const table = await runCli(['webhooks', 'deliveries'], env);
  assert.match(table.stdout, /job_1 +https:\/\/hooks\.example +pending +2 .* unknown: under way, or its process ended/);
  assert.match(table.stdout, /\n +1 +\S+ \S+ +12 ms +the receiver answered 500/);
  assert.match(table.stdout, /job_2 .* not sent yet/);
  const json = await runCli(['webhooks', 'deliveries', '--json', '--job', first.jobId], env);
  const answer: { readonly deliveries: readonly { readonly attempts: readonly { http_status: number | null }[] }[] } =
    JSON.parse(json.stdout);
  assert.deepEqual(
    answer.deliveries.map(({ attempts }) => attempts.map((attempt) => attempt.http_status)),
    [[500, null]],
  );
  for (const { stdout } of [table, json]) assert.doesNotMatch(stdout, /hidden/);
  assert.equal((await runCli(['webhooks', 'deliveries', '--limit', '0'], env)).code, 2);
});
