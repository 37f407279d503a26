import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { BODY_MARKER, SIZES } from '@full-sync/simulators';
import { stackAddresses } from '@full-sync/testing';
import { assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';
import { readTopic } from './read-topic.ts';

const TOPICS = [topicNames.smartleadRaw, topicNames.lemlistRaw, topicNames.events, topicNames.deadLetters] as const;

/** Everything a key can look like where it must not be: as it is, in a URL, in a header. */
function formsOf(key: string): readonly string[] {
  return [...new Set([key, encodeURIComponent(key), Buffer.from(`:${key}`).toString('base64').replace(/=+$/, '')])];
}

function secretsOf({ simulators }: Pipeline): readonly string[] {
  const password = decodeURIComponent(new URL(stackAddresses().databaseUrl).password);
  return [...formsOf(simulators.smartlead.apiKey), ...formsOf(simulators.lemlist.apiKey), password];
}

/** The columns of the pipeline's tables, in any of whose values `text` stands, as `table.column`; bytes are searched as bytes. */
async function columnsWith({ pool }: Pipeline, text: string): Promise<readonly string[]> {
  const { rows: columns } = await pool.query<{ table: string; column: string; type: string }>(
    `select c.table_name as table, c.column_name as column, c.data_type as type
     from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and t.table_type = 'BASE TABLE'
       and c.data_type in ('text', 'jsonb', 'json', 'bytea', 'character varying', 'ARRAY')`,
  );
  assert.ok(columns.length > 50, `only ${columns.length} columns were found`);
  const found: string[] = [];
  for (const { table, column, type } of columns) {
    const has = type === 'bytea' ? `position($1::bytea in "${column}") > 0` : `strpos("${column}"::text, $1) > 0`;
    const value = type === 'bytea' ? Buffer.from(text) : text;
    const { rows } = await pool.query<{ found: boolean }>(
      `select exists (select from "${table}" where ${has}) as found`,
      [value],
    );
    if (rows[0]?.found === true) found.push(`${table}.${column}`);
  }
  return found;
}

async function topicsWith({ topicPrefix }: Pipeline, text: string): Promise<readonly string[]> {
  const found: string[] = [];
  let values = 0;
  for (const topic of TOPICS) {
    const lying = await readTopic(topicPrefix, topic);
    values += lying.length;
    if (lying.some((value) => value.includes(text))) found.push(topic);
  }
  assert.ok(values > 1_000, `only ${values} values were read`);
  return found;
}

/** Lets every kind of failure of an upstream happen once or twice: what is said of them must not hold a key or a body either. */
function makeTrouble({ simulators: { smartlead, lemlist } }: Pipeline): void {
  const kinds = ['html', 'truncate', 'reset', 'failureIn200', 'contentType', 'rejectKey'] as const;
  for (const kind of kinds) {
    smartlead.control.fault({ kind, path: '/statistics' });
    if (kind !== 'rejectKey') lemlist.control.fault({ kind, path: '/activities' });
  }
  const echo = `{"error":"no such thing: ?api_key=${smartlead.apiKey}"}`;
  smartlead.control.fault({ kind: 'status', status: 404, body: echo, path: '/statistics' });
  lemlist.control.fault({ kind: 'status', status: 503, body: lemlist.apiKey, path: '/activities' });
}

/** The answers that a curious user can get. */
async function askEverything(pipeline: Pipeline, jobId: string): Promise<void> {
  for (const path of [
    `/api/full-sync/status/${jobId}`,
    '/api/full-sync/history?limit=100',
    '/openapi.json',
    '/docs',
    '/livez',
    '/readyz',
    '/metrics',
    '/nothing',
  ]) {
    await pipeline.call('GET', path);
  }
  await pipeline.call('POST', '/api/full-sync/execute', { platforms: 'smartlead', syncMode: 'nonsense' });
}

test('keys and message bodies are in no log, no answer, no metric, no table and no topic', async () => {
  await using pipeline = await startPipeline({
    simulators: {
      seed: 51,
      size: SIZES.small,
      smartlead: { brokenRecords: 14 },
      lemlist: { brokenRecords: 10, collisions: 5 },
    },
    env: { LOG_LEVEL: 'trace' },
  });
  await pipeline.explain(async () => {
    const clean = await pipeline.waitForEnd(await pipeline.execute());
    assert.equal(clean.status, 'completed');
    await assertRows(pipeline, await expectSync(pipeline));
    makeTrouble(pipeline);
    const troubled = await pipeline.waitForEnd(await pipeline.execute());
    assert.equal(troubled.status, 'failed', 'a key was refused on the way');
    assert.ok(troubled.warnings.length > 0, 'a campaign was gone on the way');
    await askEverything(pipeline, troubled.jobId);

    // What is searched for in vain below is looked for where something else is found.
    const { rows } = await pipeline.pool.query<{ id: string }>(
      `select source_id as id from event_source where platform = 'lemlist' limit 1`,
    );
    const [known] = rows;
    assert.ok(known !== undefined);
    const inTables = await columnsWith(pipeline, known.id);
    assert.ok(
      inTables.some((column) => column.endsWith('.properties')),
      inTables.join(', '),
    );
    const inLetters = await columnsWith(pipeline, '"sequence_number"');
    assert.ok(inLetters.includes('dead_letters.record'), inLetters.join(', '));
    const inTopics = await topicsWith(pipeline, known.id);
    assert.deepEqual(inTopics, [topicNames.lemlistRaw, topicNames.events]);

    let metrics = '';
    for (const { current } of pipeline.services) metrics += await (await fetch(`${current().url}/metrics`)).text();
    for (const secret of [...secretsOf(pipeline), BODY_MARKER]) {
      const shown = secret.slice(0, 6);
      const lines = pipeline.output().split('\n');
      assert.deepEqual(
        lines.filter((line) => line.includes(secret)),
        [],
        `${shown}... is in a log`,
      );
      assert.ok(!pipeline.answers().some((answer) => answer.includes(secret)), `${shown}... is in an answer`);
      assert.ok(!metrics.includes(secret), `${shown}... is in a metric`);
      assert.deepEqual(await columnsWith(pipeline, secret), [], `${shown}... is in the database`);
    }
    assert.deepEqual(await topicsWith(pipeline, BODY_MARKER), [], 'a body is in a topic');
  });
});

test('with STORE_MESSAGE_BODIES=true bodies are in the properties, and still in no log', async () => {
  await using pipeline = await startPipeline({
    simulators: { seed: 51, size: SIZES.small, smartlead: { brokenRecords: 14 }, lemlist: { collisions: 5 } },
    env: { LOG_LEVEL: 'trace', STORE_MESSAGE_BODIES: 'true' },
  });
  await pipeline.explain(async () => {
    const job = await pipeline.waitForEnd(await pipeline.execute());
    assert.equal(job.status, 'completed');
    await assertRows(pipeline, await expectSync(pipeline));
    const { rows } = await pipeline.pool.query<{ platform: string; bodies: number }>(
      `select platform, count(*) filter (where strpos(properties::text, $1) > 0)::int as bodies
       from event_source group by platform`,
      [BODY_MARKER],
    );
    assert.equal(rows.length, 2);
    for (const { platform, bodies } of rows) assert.ok(bodies > 0, `no body of ${platform} was stored`);
    await askEverything(pipeline, job.jobId);
    assert.ok(!pipeline.output().includes(BODY_MARKER), 'a body is in a log');
    assert.ok(!pipeline.answers().some((answer) => answer.includes(BODY_MARKER)), 'a body is in an answer');
  });
});
