import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableChecksum, waitFor } from '@full-sync/testing';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const size = { smartlead: { campaigns: 6, rows: 600 }, lemlist: { campaigns: 6, activities: 600 } };

interface StoredRow {
  readonly event_key: string;
  readonly platform: string;
  readonly namespace: string;
  readonly event_type: string;
  readonly campaign_id: string | null;
  readonly source_id: string | null;
  readonly lead_email: string | null;
  readonly lead_id: string | null;
  readonly occurred_at: Date;
  readonly properties: Readonly<Record<string, unknown>>;
}

type Figures = Readonly<Record<string, number>>;

/** What a user would ask the key of this row with. */
function requestFor(row: StoredRow): object {
  const fact = {
    platform: row.platform,
    namespace: row.namespace,
    eventType: row.event_type,
    campaignId: row.campaign_id,
    email: row.lead_email,
    leadId: row.lead_id,
    timestamp: row.occurred_at.toISOString(),
  };
  const { event_type: type } = row;
  if (row.platform === 'smartlead' && type === 'email_replied') return { ...fact, kind: 'reply' };
  if (row.platform === 'smartlead' && type === 'email_unsubscribed') return { ...fact, kind: 'lead' };
  if (row.source_id !== null) return { ...fact, activityId: row.source_id };
  if (row.platform === 'lemlist') return fact;
  const { sequence_number: sequence, sent_time: sent } = row.properties;
  return { ...fact, kind: 'stats', sequenceNumber: Number(sequence), timestamp: sent };
}

async function askFor(pipeline: Pipeline, method: 'GET' | 'POST', path: string, body?: object): Promise<object> {
  const answer = await pipeline.call(method, path, body);
  assert.equal(answer.status, 200, answer.text);
  const parsed: object = JSON.parse(answer.text);
  return parsed;
}

test('keys, statistics, caches and optimizing over two syncs by two keyers: all figures are those of the rows', async (t) => {
  await using pipeline = await startPipeline({
    simulators: { seed: 31, size, smartlead: { brokenRecords: 6 }, lemlist: { brokenRecords: 5, collisions: 7 } },
    env: { API_RATE_LIMIT: 'off' },
    copies: { keyer: 2 },
  });
  const ask = async (method: 'GET' | 'POST', path: string, body?: object) => await askFor(pipeline, method, path, body);
  const stats = async (): Promise<Figures> => {
    const { stats: figures } = (await ask('GET', '/api/event-keys/stats')) as { readonly stats: Figures };
    return figures;
  };
  await pipeline.explain(async () => {
    const first = await pipeline.waitForEnd(await pipeline.execute());
    assert.equal(first.status, 'completed');
    const stored = await tableChecksum(pipeline.pool, 'event_source');
    const { rows } = await pipeline.pool.query<StoredRow>(
      'select * from event_source order by platform, event_type, event_key',
    );
    let asked = 0;
    for (const row of rows.filter((_, index) => index % 7 === 0)) {
      const answer = await ask('POST', '/api/event-keys/generate', requestFor(row));
      const { event_key: key, collision_detected: collision } = answer as Record<string, unknown>;
      assert.deepEqual([key, collision], [row.event_key, false], JSON.stringify(row));
      asked += 1;
    }
    t.diagnostic(`${asked} keys of ${rows.length} stored rows generated, all equal`);

    // Indexes are built while the second sync is loaded.
    const secondId = await pipeline.execute();
    const optimized = (await ask('POST', '/api/database/optimize')) as { readonly indexes_created: number };
    assert.equal(optimized.indexes_created, 6);
    const second = await pipeline.waitForEnd(secondId);
    assert.equal(second.status, 'completed');
    assert.deepEqual(await tableChecksum(pipeline.pool, 'event_source'), stored, 'a second sync changes nothing');

    const sum = (name: 'events_derived' | 'duplicates' | 'collisions' | 'rejected'): number =>
      first.summary[name] + second.summary[name];
    await waitFor(async () => ((await stats())['cache_size'] ?? 0) > 0 && (await stats())['keyers'] === 2, {
      what: 'both keyers to be heard of',
    });
    const figures = await stats();
    t.diagnostic(`statistics ${JSON.stringify(figures)}`);
    assert.deepEqual(
      ['total_generated', 'duplicates', 'collisions_detected', 'invalid_inputs'].map((name) => figures[name]),
      [sum('events_derived'), sum('duplicates'), sum('collisions'), sum('rejected')],
    );
    assert.ok(sum('collisions') > 0 && sum('rejected') > 0, 'there is something to count');
    for (const [name, value] of Object.entries(figures))
      if (name.endsWith('_rate')) assert.ok(value >= 0 && value <= 1, `${name} ${value}`);

    const cleared = (await ask('POST', '/api/event-keys/clear-cache')) as Figures;
    assert.deepEqual([cleared['previous_cache_size'], cleared['keyers_cleared']], [figures['cache_size'], 2]);
    assert.equal((await stats())['cache_size'], 0);
    const third = await pipeline.waitForEnd(await pipeline.execute());
    assert.equal(third.summary.events_created, 0, 'the keys are the same after clearing');

    const { performance: measured } = (await ask('GET', '/api/database/performance')) as {
      readonly performance: Readonly<Record<string, Figures>>;
    };
    t.diagnostic(`performance ${JSON.stringify(measured)}`);
    for (const [name, value] of Object.entries(measured['bulk_operations'] ?? {})) assert.ok(value > 0, name);
    const metrics = (await ask('GET', '/api/metrics')) as { readonly lag: Readonly<Record<string, Figures>> };
    assert.deepEqual(Object.keys(metrics.lag), ['keyer', 'loader', 'api']);
  });
});
