import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { freePort, spawnService, stackAddresses, waitFor } from '@full-sync/testing';
import { pretendServices } from './pretend-services.ts';
import type { PretendServices } from './pretend-services.ts';

let pretend: PretendServices;
before(async () => {
  pretend = await pretendServices();
});
after(async () => {
  await pretend[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function call(path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(pretend.api.url + path, init);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
}

async function post(body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return await call('/api/full-sync/execute', { method: 'POST', body, headers });
}

const request = (namespaces: string): string =>
  JSON.stringify({ platforms: 'smartlead', syncMode: 'full_historical', namespaces });

/** Bytes on the wire, for what `fetch` would not send. */
async function sendRaw(text: string): Promise<string> {
  const socket = connect(Number(new URL(pretend.api.url).port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

test('JSON is read as JSON whatever its content type', async () => {
  for (const [index, type] of ['application/x-www-form-urlencoded', 'text/plain', 'nonsense', ''].entries()) {
    const { status, body, headers } = await post(request(`type${index}`), { 'content-type': type });
    assert.equal(status, 202, `${type}: ${JSON.stringify(body)}`);
    assert.equal(body['success'], true);
    assert.equal(headers.get('location'), body['progressUrl']);
    assert.match(String(body['jobId']), /^job_[0-9a-z]+$/);
    assert.equal(typeof body['estimatedDuration'], 'string');
    assert.match(String(body['warnings']), /is new: it was created with the default credentials/);
  }
});

test('a misspelt field starts nothing and is named', async () => {
  const { status, body, headers } = await post('{"platforms":"smartlead","syncmode":"full_historical"}');
  assert.equal(status, 400);
  assert.equal(headers.get('content-type'), 'application/problem+json; charset=utf-8');
  assert.equal(body['success'], false);
  assert.equal(body['code'], 'SYNC_001');
  assert.deepEqual(body['errors'], [
    { pointer: '/syncMode', message: 'is required' },
    { pointer: '/syncmode', message: 'is not a known field; did you mean "syncMode"?' },
  ]);
  assert.equal(body['error'], body['detail']);
});

test('what is no JSON object, or too large, is refused with its own status', async () => {
  for (const text of ['', '{', 'platforms=smartlead', 'null', '[]', '"x"', '{"__proto__":{}}']) {
    const { status, body } = await post(text);
    assert.equal(status, 400, text);
    assert.equal(body['code'], 'SYNC_001');
  }
  const { status, body } = await post(JSON.stringify({ platforms: 'x'.repeat(1_100_000) }));
  assert.equal(status, 413);
  assert.equal(body['code'], 'API_005');
});

test('unknown jobs and endpoints are told apart', async () => {
  for (const jobId of ['job_0000', 'x', '%00', '%20', 'job_%27%3B']) {
    const { status, body } = await call(`/api/full-sync/status/${jobId}`);
    assert.equal(status, 404);
    assert.equal(body['code'], 'SYNC_002');
  }
  assert.equal((await call('/api/nothing')).body['code'], 'API_003');
  assert.equal((await call('/api/full-sync/status/%zz')).status, 400);
});

test('a method that a path does not know is told from a path that is not there', async () => {
  const { status, body, headers } = await call('/api/full-sync/execute', { method: 'PUT', body: '{}' });
  assert.equal(status, 405);
  assert.equal(headers.get('allow'), 'POST');
  assert.equal(headers.get('content-type'), 'application/problem+json; charset=utf-8');
  assert.equal(body['code'], 'API_012');
  assert.equal(body['success'], false);
  const job = await call('/api/full-sync/status/job_0000', { method: 'DELETE' });
  assert.equal(job.headers.get('allow'), 'GET, HEAD');
  assert.equal((await call('/api/full-sync/nothing', { method: 'PUT' })).status, 404);
});

test('a request without a Host is refused with a problem, too', async () => {
  const answer = await sendRaw('GET /api/full-sync/history HTTP/1.1\r\nConnection: close\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 400/);
  assert.match(answer, /content-type: application\/problem\+json/);
});

test('pages of other sites and rebound names get nothing', async () => {
  const head = (more: string): string => `GET /api/full-sync/history HTTP/1.1\r\n${more}Connection: close\r\n\r\n`;
  const { host } = new URL(pretend.api.url);
  assert.match(await sendRaw(head(`Host: ${host}\r\n`)), /^HTTP\/1\.1 200/);
  for (const more of [
    'Host: evil.example\r\n',
    `Host: ${host}\r\nOrigin: http://evil.example\r\n`,
    `Host: ${host}\r\nSec-Fetch-Site: cross-site\r\n`,
  ]) {
    const answer = await sendRaw(head(more));
    assert.match(answer, /^HTTP\/1\.1 403/);
    assert.match(answer, /"code":"API_002"/);
  }
});

test('status answers with an ETag that holds while nothing changes', async () => {
  const started = await post(request('etag'));
  const path = String(started.body['progressUrl']);
  const settled = async (): Promise<string | null> => {
    const [first, second] = [await call(path), await call(path)];
    const etag = first.headers.get('etag');
    return etag === second.headers.get('etag') ? etag : null;
  };
  const etag = await waitFor(settled, { what: 'two equal ETags in a row' });
  const again = await call(path, { headers: { 'if-none-match': `"another", ${etag}` } });
  assert.ok(again.status === 304 || again.headers.get('etag') !== etag);
  // What a body would hold is not said where there is none.
  if (again.status === 304) assert.equal(again.headers.get('content-length'), null);
  assert.equal((await call(path)).headers.get('retry-after'), '1');
});

test('history pages newest first, by cursor, and filters', async () => {
  for (let index = 0; index < 5; index += 1) await post(request(`page${index}`));
  const seen: string[] = [];
  let cursor = '';
  do {
    const { status, body } = await call(`/api/full-sync/history?limit=2${cursor}`);
    assert.equal(status, 200);
    const { jobs, next_cursor: next } = body;
    assert.ok(Array.isArray(jobs));
    seen.push(...jobs.map((job: { jobId: string }) => job.jobId));
    cursor = typeof next === 'string' ? `&cursor=${next}` : '';
  } while (cursor !== '');
  const all = await pretend.db.pool.query<{ job_id: string }>(
    'select job_id from jobs order by created_at desc, job_id desc',
  );
  assert.deepEqual(
    seen,
    all.rows.map((row) => row.job_id),
  );

  const only = await call(
    '/api/full-sync/history?namespace=page3&platform=smartlead&status=queued&syncMode=full_historical',
  );
  assert.equal(Array.isArray(only.body['jobs']) && only.body['jobs'].length, 1);
  assert.deepEqual((await call('/api/full-sync/history?platform=lemlist')).body, { jobs: [], next_cursor: null });
  for (const query of [
    'limit=0',
    'limit=101',
    'limit=x',
    'cursor=x',
    'status=x',
    'foo=1',
    'namespace=%00',
    'limit=1&limit=2',
  ])
    assert.equal((await call(`/api/full-sync/history?${query}`)).status, 400, query);
});

test('every answer fits the document that describes it', async () => {
  const { body: document } = await call('/openapi.json');
  assert.equal(document['openapi'], '3.1.0');
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'api');
  const fits = (path: string, method: string, status: number, type: string, value: unknown): void => {
    const place = ['paths', path, method, 'responses', String(status), 'content', type, 'schema'];
    const pointer = place.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const valid = ajv.validate({ $ref: `api#/${pointer}` }, value);
    assert.ok(valid, `${method} ${path} ${status}: ${ajv.errorsText()}`);
  };
  const started = await post(request('described'));
  fits('/api/full-sync/execute', 'post', 202, 'application/json', started.body);
  fits('/api/full-sync/execute', 'post', 409, 'application/problem+json', (await post(request('described'))).body);
  fits('/api/full-sync/execute', 'post', 400, 'application/problem+json', (await post('{}')).body);
  const path = '/api/full-sync/status/{jobId}';
  fits(path, 'get', 200, 'application/json', (await call(String(started.body['progressUrl']))).body);
  fits(path, 'get', 404, 'application/problem+json', (await call('/api/full-sync/status/x')).body);
  fits('/api/full-sync/history', 'get', 200, 'application/json', (await call('/api/full-sync/history?limit=100')).body);
  fits('/readyz', 'get', 200, 'application/json', (await call('/readyz')).body);
  fits('/livez', 'get', 200, 'application/json', (await call('/livez')).body);
});

test('the page that shows the document loads nothing from elsewhere', async () => {
  const page = await fetch(`${pretend.api.url}/docs`);
  assert.equal(page.status, 200);
  const html = await page.text();
  const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  assert.ok(loaded.length > 3);
  for (const address of loaded) {
    assert.doesNotMatch(address, /^(https?:)?\/\//);
    assert.equal((await fetch(new URL(address, page.url.replace(/\/?$/, '/')))).status, 200, address);
  }
  const setup = await (await fetch(`${pretend.api.url}/docs/static/swagger-initializer.js`)).text();
  assert.match(setup, /"validatorUrl":null/);
});

test('metrics are Prometheus text with the route patterns as labels', async () => {
  await call('/api/full-sync/status/job_0000');
  const answer = await fetch(`${pretend.api.url}/metrics`);
  const text = await answer.text();
  assert.match(text, /full_sync_api_request_seconds_count\{[^}]*route="\/api\/full-sync\/status\/:jobId"/);
  assert.doesNotMatch(text, /job_0000/);
  assert.match(text, /full_sync_jobs\{/);
});

test('a namespace is a partition with a leaf per platform, made by the first job', async () => {
  await post(JSON.stringify({ platforms: 'smartlead', syncMode: 'full_historical', namespaces: 'leafy' }));
  await post(JSON.stringify({ platforms: 'lemlist', syncMode: 'full_historical', namespaces: 'leafy' }));
  const { rows } = await pretend.db.pool.query<{ leaf: string; constraint: string; key: string }>(
    `select s.live_leaf as leaf, c.convalidated::text as constraint, pg_get_constraintdef(k.oid) as key
     from leaf_states s
     join pg_constraint c on c.conrelid = s.live_leaf::regclass and c.conname = s.live_leaf || '_content'
     join pg_constraint k on k.conrelid = s.live_leaf::regclass and k.contype = 'p'
     where namespace = 'leafy' order by 1`,
  );
  const id = await pretend.db.pool.query<{ namespace_id: number }>(
    `select namespace_id from namespaces where namespace = 'leafy'`,
  );
  const branch = `event_source_${id.rows[0]?.namespace_id ?? 0}`;
  assert.deepEqual(rows, [
    { leaf: `${branch}_lemlist`, constraint: 'true', key: 'PRIMARY KEY (event_id)' },
    { leaf: `${branch}_smartlead`, constraint: 'true', key: 'PRIMARY KEY (event_id)' },
  ]);
  await pretend.db.pool.query(
    `insert into event_source (event_id, event_key, namespace, platform, event_type, source_type, occurred_at,
       occurred_at_approximate, properties, fingerprint, job_id)
     values (gen_random_uuid(), 'k', 'leafy', 'lemlist', 't', 't', now(), false, '{}', '\\x0000000000000000', 'j')`,
  );
  const found = await pretend.db.pool.query(
    `select tableoid::regclass::text as leaf from event_source where namespace = 'leafy'`,
  );
  assert.deepEqual(found.rows, [{ leaf: `${branch}_lemlist` }]);
});

test('a status that is polled is answered every time; how long it takes is printed', async (t) => {
  const path = String((await post(request('polled'))).body['progressUrl']);
  const times: number[] = [];
  for (let index = 0; index < 100; index += 1) {
    const startedAt = performance.now();
    assert.equal((await call(path)).status, 200);
    times.push(performance.now() - startedAt);
  }
  t.diagnostic(`median of ${times.length}: ${times.toSorted((a, b) => a - b)[50]?.toFixed(1)} ms`);
});

test('a platform without a key is refused with the name of the variable', async () => {
  await using api = await spawnService({ name: 'api', env: { ...pretend.env, LEMLIST_API_KEY: '' } });
  await api.ready(60_000);
  const answer = await fetch(`${api.url}/api/full-sync/execute`, {
    method: 'POST',
    body: '{"platforms":"lemlist","syncMode":"full_historical"}',
  });
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /SYNC_001.*LEMLIST_API_KEY is not set/s);
});

test('what is wrong at start ends the process with the code of its kind and says what to do', async () => {
  const taken = new URL(pretend.api.url).port;
  const nowhere = `127.0.0.1:${await freePort()}`;
  const database = new URL(stackAddresses().databaseUrl);
  database.port = String(await freePort());
  const cases: readonly (readonly [Readonly<Record<string, string>>, number, RegExp])[] = [
    [{ API_HOST: '0.0.0.0' }, 2, /API_HOST: expected a loopback address/],
    [{ API_PORT: 'x', SMARTLEAD_RATE_LIMIT: '5' }, 2, /API_PORT: .*\n.*SMARTLEAD_RATE_LIMIT: /],
    [{ API_PORT: taken }, 3, /cannot listen at 127\.0\.0\.1:\d+.*API_PORT/],
    [{ KAFKA_BROKERS: nowhere }, 3, /No Kafka broker answers/],
    [{ SCHEMA_REGISTRY_URL: `http://${nowhere}` }, 3, /schema registry at http/],
    [{ DATABASE_URL: database.href }, 3, /Postgres does not answer/],
  ];
  await Promise.all(
    cases.map(async ([env, code, message]) => {
      await using api = await spawnService({ name: 'api', env: { ...pretend.env, ...env } });
      const exit = await api.exited;
      assert.equal(exit.code, code, api.output());
      assert.match(api.output(), message);
      assert.doesNotMatch(api.output(), /smartlead-test-key-1|lemlist-test-key-1/);
      if (database.password !== '') assert.ok(!api.output().includes(database.password));
    }),
  );
});
