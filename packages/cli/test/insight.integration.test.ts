import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { spawnProgram } from '@full-sync/testing';

const answers: Readonly<Record<string, object>> = {
  'POST /api/event-keys/generate': { success: true, event_key: 'lemlist_c_t_a_0f', collision_detected: true },
  'GET /api/event-keys/stats': { success: true, stats: { total_generated: 1_234, collision_rate: 0.04 } },
  'POST /api/event-keys/clear-cache': { success: true, previous_cache_size: 12, keyers: 2, keyers_cleared: 2 },
  'POST /api/database/optimize': {
    success: true,
    optimizations_applied: [
      { name: 'sync_indexes', actions: ['built event_source_1_lemlist_lead concurrently'] },
      { name: 'connection_pool', actions: [] },
    ],
  },
  'GET /api/database/performance': { success: true, performance: { connection_pool: { active: 1, max: 10 } } },
  'GET /api/metrics': { memory: { heapUsed: 5_000_000 }, rate_limits: { lemlist: { paused_until: null } } },
};

let asked: { readonly place: string; readonly body: unknown }[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    const place = `${request.method ?? ''} ${request.url ?? ''}`;
    asked.push({ place, body: body === '' ? null : JSON.parse(body) });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers[place] ?? {}));
  });
});
let apiUrl = '';
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  apiUrl = `http://127.0.0.1:${address.port}`;
});
after(() => {
  server.close();
});

async function run(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  asked = [];
  await using cli = spawnProgram({
    name: 'cli',
    args: [join(import.meta.dirname, '..', 'src', 'main.ts'), ...args],
    cwd: tmpdir(),
    env: { API_URL: apiUrl },
  });
  const { code } = await cli.exited;
  return { code, output: cli.output() };
}

test('each command asks its endpoint and shows what it says', async () => {
  const key = await run(
    'event-keys',
    'generate',
    '--platform',
    'lemlist',
    '--type',
    't',
    '--activity',
    'a',
    '--sequence',
    '2',
  );
  assert.equal(key.code, 0, key.output);
  assert.match(key.output, /^lemlist_c_t_a_0f$/m);
  assert.match(key.output, /belongs to a stored fact with another email or time/);
  assert.deepEqual(asked[0]?.body, { platform: 'lemlist', eventType: 't', activityId: 'a', sequenceNumber: 2 });

  assert.match((await run('event-keys', 'stats')).output, /total_generated +1,234\ncollision_rate +0\.04/);
  assert.match((await run('event-keys', 'clear-cache')).output, /2 of 2 keyers forgot; they remembered 12 keys/);
  const optimized = await run('database', 'optimize', '--only', 'sync_indexes, connection_pool', '--recreate');
  assert.match(
    optimized.output,
    /sync_indexes\n {2}built event_source_1_lemlist_lead concurrently\nconnection_pool\n {2}nothing to do/,
  );
  assert.deepEqual(asked[0]?.body, { optimizations: ['sync_indexes', 'connection_pool'], force_recreate: true });
  assert.match((await run('database', 'performance')).output, /connection_pool\.max +10/);
  assert.match((await run('metrics')).output, /memory\.heapUsed +5,000,000\nrate_limits\.lemlist\.paused_until +-/);
});

test('with --json they print what the API answered', async () => {
  for (const [place, args] of [
    ['GET /api/event-keys/stats', ['event-keys', 'stats']],
    ['POST /api/event-keys/clear-cache', ['event-keys', 'clear-cache']],
    ['POST /api/database/optimize', ['database', 'optimize']],
    ['GET /api/database/performance', ['database', 'performance']],
    ['GET /api/metrics', ['metrics']],
  ] as const) {
    const { code, output } = await run(...args, '--json');
    assert.equal(code, 0, output);
    assert.deepEqual(JSON.parse(output), answers[place]);
  }
});

test('a step that is no number is refused before anything is asked', async () => {
  const { code } = await run('event-keys', 'generate', '--platform', 'lemlist', '--type', 't', '--sequence', 'two');
  assert.equal(code, 2);
  assert.equal(asked.length, 0);
});
