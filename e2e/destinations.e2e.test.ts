import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnService, waitFor } from '@full-sync/testing';
import type { JobStatus } from './api-client.ts';
import { credentialsOf, runCli, settled } from './destinations.ts';
import { startPipeline } from './harness.ts';

const nothing = { sent: 0, skipped: 0, failed: 0, waiting: 0 };
const simulators = { seed: 7, attio: { writesPerSecond: 0, readsPerSecond: 0 } };
test('what a job wishes travels to the destinations; what is there is sent once, whoever asks again', async () => {
  await using pipeline = await startPipeline({ simulators });
  const { mixpanel, attio } = pipeline.simulators;
  const env = {
    ...credentialsOf(pipeline.simulators),
    DATABASE_URL: pipeline.databaseUrl,
    KAFKA_TOPIC_PREFIX: pipeline.topicPrefix,
  };
  const setUp = await runCli(['attio', 'setup'], env);
  assert.equal(setUp.code, 0, setUp.output);
  await using mixpanelService = await spawnService({ name: 'mixpanel', env });
  await using attioService = await spawnService({ name: 'attio', env });
  await Promise.all([mixpanelService.ready(60_000), attioService.ready(60_000)]);

  // Nobody asked.
  const first = await pipeline.execute();
  const ended = await pipeline.waitForEnd(first);
  const events = ended.summary.events_created;
  assert.ok(events > 500);
  assert.deepEqual(ended.destinations, { mixpanel: nothing, attio: nothing });

  // Asked for later, by hand: all of it, and again nothing.
  const order = ['deliver', '--destination', 'mixpanel', '--namespace', 'default', '--json'];
  const delivered = await runCli(order, env);
  assert.equal(delivered.code, 0, delivered.output);
  const { sent, skipped, failed, total } = JSON.parse(delivered.output) as Readonly<Record<string, number>>;
  assert.deepEqual([(sent ?? 0) + (skipped ?? 0), failed, total], [events, 0, events]);
  const { visible, accepted, requests } = mixpanel.counts();
  assert.deepEqual([visible, accepted], [sent, sent]);
  const again = JSON.parse((await runCli(order, env)).output) as Readonly<Record<string, number>>;
  assert.deepEqual([again['sent'], again['skipped'], again['failed']], [0, events, 0]);

  // A sync with both: one has it all, the other nothing yet.
  const both = { enableMixpanelTracking: true, enableAttioSync: true };
  const second = await pipeline.execute(both);
  const synced = await pipeline.waitForEnd(second);
  const derived = synced.summary.events_derived;
  assert.deepEqual(synced.warnings.filter((warning) => warning.startsWith('enable')).length, 2, 'the api has no keys');
  assert.deepEqual(await settled(pipeline, second, 'mixpanel'), { ...nothing, skipped: derived });
  const folded = await settled(pipeline, second, 'attio');
  assert.deepEqual([folded.sent + folded.skipped, folded.failed], [derived, 0]);
  assert.ok(folded.sent > 0);
  const writes = attio.writes().length;

  // A reset of the namespace: nothing is sent again.
  const third = await pipeline.execute({ ...both, syncMode: 'namespace_reset' });
  assert.equal((await pipeline.waitForEnd(third)).status, 'completed');
  assert.equal((await settled(pipeline, third, 'mixpanel')).sent, 0);
  assert.equal((await settled(pipeline, third, 'attio')).sent, 0);
  assert.equal(mixpanel.counts().requests, requests);
  assert.equal(attio.writes().length, writes);
  const history = await pipeline.call('GET', '/api/full-sync/history');
  const { jobs } = JSON.parse(history.text) as { readonly jobs: readonly JobStatus[] };
  assert.deepEqual(
    jobs.map(({ destinations }) => destinations['mixpanel']?.sent),
    [0, 0, 0],
  );
  assert.ok(!mixpanelService.hasExited() && !attioService.hasExited());
});

test('a letter of a destination is replayed to that destination alone, and tried again there', async () => {
  await using pipeline = await startPipeline({ simulators });
  const { mixpanel } = pipeline.simulators;
  const env = {
    ...credentialsOf(pipeline.simulators),
    DATABASE_URL: pipeline.databaseUrl,
    KAFKA_TOPIC_PREFIX: pipeline.topicPrefix,
  };
  await pipeline.waitForEnd(await pipeline.execute());
  const { rows } = await pipeline.pool.query<{ event_key: string }>(
    `select event_key from event_source where platform = 'lemlist' order by event_id limit 1`,
  );
  const key = rows[0]?.event_key ?? '';
  mixpanel.configure({ refusals: [{ property: 'event_key', value: key, message: 'a rule of the project' }] });
  await using service = await spawnService({ name: 'mixpanel', env });
  await service.ready(60_000);
  const jobId = await pipeline.execute({ enableMixpanelTracking: true });
  await pipeline.waitForEnd(jobId);
  const done = await settled(pipeline, jobId, 'mixpanel');
  assert.equal(done.failed, 1);
  const letters = async () => {
    const answer = await pipeline.call('GET', '/api/dead-letters?stage=mixpanel');
    const read = JSON.parse(answer.text) as { readonly dead_letters: readonly Readonly<Record<string, unknown>>[] };
    return read.dead_letters;
  };
  const stored = async () => ((await letters()).length === 1 ? await letters() : null);
  const [letter] = await waitFor(stored, { deadlineMs: 60_000, what: 'the letter to be stored' });
  assert.match(String(letter?.['detail']), /a rule of the project/);
  assert.equal(letter?.['jobId'] ?? letter?.['job_id'], jobId);

  mixpanel.configure({ refusals: [] });
  const before = mixpanel.counts().accepted;
  const replayed = await pipeline.call('POST', '/api/dead-letters/replay', { filter: { stage: 'mixpanel' } });
  assert.equal(replayed.status, 202, replayed.text);
  const { jobId: replayId } = JSON.parse(replayed.text) as { readonly jobId: string };
  assert.equal((await pipeline.waitForEnd(replayId)).status, 'completed');
  const again = await settled(pipeline, replayId, 'mixpanel');
  assert.deepEqual(again, { sent: 1, skipped: 0, failed: 0, waiting: 0 });
  assert.equal(mixpanel.counts().accepted, before + 1);
  assert.ok(mixpanel.query().some((event) => JSON.stringify(event).includes(key)));
  assert.deepEqual(
    (await letters()).map(({ status }) => status),
    ['replayed'],
  );
});
