import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectAttio, expectMixpanel, waitFor } from '@full-sync/testing';
import type { JobStatus } from './api-client.ts';
import { attioProblems, expectedOf, mixpanelProblems, runCli, settled } from './destinations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const both = { enableMixpanelTracking: true, enableAttioSync: true };
const simulators = { seed: 11, attio: { writesPerSecond: 0, readsPerSecond: 0 } };

/**
 * The four counts of a destination that was asked for add up to the events of the job; while it runs they may be ahead of
 * its summary, which is looked at now and then.
 */
function assertAddsUp({ summary, destinations, completed_at: endedAt }: JobStatus, names: readonly string[]): void {
  for (const name of names) {
    const { sent = 0, skipped = 0, failed = 0, waiting = 0 } = destinations[name] ?? {};
    const sum = sent + skipped + failed + waiting;
    if (endedAt === null) assert.ok(sum >= summary.events_derived, `${name}: ${sum} of ${summary.events_derived}`);
    else assert.equal(sum, summary.events_derived, name);
  }
}

/** Dead letters of a stage, as the api lists them. */
async function lettersOf({ call }: Pipeline, stage: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { text } = await call('GET', `/api/dead-letters?stage=${stage}`);
  return (JSON.parse(text) as { readonly dead_letters: readonly Readonly<Record<string, unknown>>[] }).dead_letters;
}

test('what Mixpanel shows and whom Attio knows is what the oracle says, after a sync, another one and a reset', async () => {
  await using pipeline = await startPipeline({
    simulators: { ...simulators, smartlead: { brokenRecords: 3 }, lemlist: { brokenRecords: 3, collisions: 3 } },
    destinations: true,
  });
  const { controlUrl, simulators: simulated } = pipeline;
  const expected = await expectedOf(controlUrl, ['default']);
  const due = expectAttio(expected);
  const jobId = await pipeline.execute(both);
  let waited = 0;
  const look = async (): Promise<boolean> => {
    const status = await pipeline.status(jobId);
    assertAddsUp(status, ['mixpanel', 'attio']);
    waited = Math.max(waited, status.destinations['attio']?.waiting ?? 0);
    return status.completed_at !== null;
  };
  await pipeline.explain(() => waitFor(look, { deadlineMs: 60_000, what: 'the sync to end', intervalMs: 50 }));
  assert.ok(waited > 0, 'nobody saw anything wait');
  const ended = await pipeline.status(jobId);
  const derived = ended.summary.events_derived;
  assert.deepEqual(ended.warnings, []);

  const tracked = await settled(pipeline, jobId, 'mixpanel');
  const keys = expectMixpanel(expected).size;
  assert.deepEqual(tracked, { sent: keys, skipped: derived - keys, failed: 0, waiting: 0 });
  assert.deepEqual(await mixpanelProblems(controlUrl, expected), []);
  const { accepted, visible } = simulated.mixpanel.counts();
  assert.deepEqual([accepted, visible], [keys, keys], 'nothing was sent twice');

  const synced = await settled(pipeline, jobId, 'attio');
  assert.ok(synced.sent >= due.least && synced.sent <= due.most, JSON.stringify({ synced, ...due, people: null }));
  assert.deepEqual({ ...synced, sent: 0 }, { sent: 0, skipped: derived - synced.sent, failed: 0, waiting: 0 });
  assert.deepEqual(await attioProblems(controlUrl, expected), []);
  const { applied, people, mostInFlightPerPerson } = simulated.attio.counts();
  assert.equal(people, due.people.size);
  assert.ok(mostInFlightPerPerson <= 1);

  for (const again of [both, { ...both, syncMode: 'namespace_reset' }]) {
    const next = await pipeline.execute(again);
    const { status, summary } = await pipeline.waitForEnd(next);
    assert.equal(status, 'completed');
    for (const name of ['mixpanel', 'attio']) {
      const { events_derived: skipped } = summary;
      assert.deepEqual(await settled(pipeline, next, name), { sent: 0, skipped, failed: 0, waiting: 0 });
    }
  }
  assert.equal(simulated.mixpanel.counts().accepted, accepted);
  assert.equal(simulated.attio.counts().applied, applied);
  assert.deepEqual([await lettersOf(pipeline, 'mixpanel'), await lettersOf(pipeline, 'attio')], [[], []]);
});

test('one refused event is one dead letter; a wrong secret is none, and is waited out; what was before is delivered', async () => {
  await using pipeline = await startPipeline({ simulators, destinations: true });
  const { controlUrl, simulators: simulated } = pipeline;
  const { mixpanel } = simulated;

  // The destination refuses one event of all.
  const [refused = ''] = await expectedOf(controlUrl, ['refused']).then(expectMixpanel);
  const message = 'is not in the lexicon of this project';
  mixpanel.configure({ refusals: [{ property: 'event_key', value: refused, message }] });
  const first = await pipeline.execute({ namespaces: ['refused'], enableMixpanelTracking: true });
  await pipeline.waitForEnd(first);
  const delivered = await settled(pipeline, first, 'mixpanel');
  assert.equal(delivered.failed, 1);
  const letters = async () => {
    const stored = await lettersOf(pipeline, 'mixpanel');
    return stored.length > 0 ? stored : null;
  };
  const stored = await waitFor(letters, { deadlineMs: 60_000, what: 'the letter to be stored' });
  assert.equal(stored.length, 1);
  assert.match(String(stored[0]?.['detail']), new RegExp(`'properties.event_key' is invalid: ${message}`));
  const expected = new Map(await expectedOf(controlUrl, ['refused']));
  expected.delete(refused);
  assert.deepEqual(await mixpanelProblems(controlUrl, expected), []);

  // From its second request on the secret is wrong.
  mixpanel.control.fault({ kind: 'rejectKey', path: '/import', skip: 1, probability: 1 });
  const second = await pipeline.execute({ namespaces: ['secret'], enableMixpanelTracking: true });
  const ended = await pipeline.waitForEnd(second);
  assert.equal(ended.status, 'completed', 'the loader does not care');
  assertAddsUp(ended, ['mixpanel']);
  const { url } = pipeline.service('mixpanel').current();
  const paused = async (): Promise<string | null> => {
    const answer = await fetch(`${url}/readyz`);
    const text = await answer.text();
    return answer.status === 503 ? text : null;
  };
  const why = await waitFor(paused, { deadlineMs: 60_000, what: 'mixpanel to say that it is paused' });
  assert.match(why, /MIXPANEL_UNAUTHORIZED/);
  const meanwhile = (await pipeline.status(second)).destinations['mixpanel'];
  assert.ok(meanwhile !== undefined && meanwhile.waiting > 0 && meanwhile.failed === 0, JSON.stringify(meanwhile));
  mixpanel.control.clearFaults();
  const resumed = await settled(pipeline, second, 'mixpanel');
  assert.equal(resumed.failed, 0);
  assert.equal((await lettersOf(pipeline, 'mixpanel')).length, 1);
  const whole = new Map([...expected, ...(await expectedOf(controlUrl, ['secret']))]);
  assert.deepEqual(await mixpanelProblems(controlUrl, whole), []);

  // Nobody had asked for Attio.
  const order = ['deliver', '--destination', 'attio', '--namespace', 'secret', '--json'];
  const env = { DATABASE_URL: pipeline.databaseUrl, KAFKA_TOPIC_PREFIX: pipeline.topicPrefix };
  assert.equal(simulated.attio.counts().people, 0);
  for (const isFirst of [true, false]) {
    const { code, output } = await runCli(order, env);
    assert.equal(code, 0, output);
    const { sent, skipped, total } = JSON.parse(output) as Readonly<Record<'sent' | 'skipped' | 'total', number>>;
    assert.equal(sent + skipped, total);
    if (!isFirst) assert.equal(sent, 0);
  }
  const written = async (): Promise<boolean> => {
    const { rows } = await pipeline.pool.query('select from attio_people where due_at is not null');
    return rows.length === 0;
  };
  await waitFor(written, { deadlineMs: 60_000, what: 'all people to be written' });
  assert.deepEqual(await attioProblems(controlUrl, await expectedOf(controlUrl, ['secret'])), []);
});
