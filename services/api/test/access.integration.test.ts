import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createApiKey, revokeApiKey } from '@full-sync/database';
import type { Scope } from '@full-sync/database';
import { spawnService } from '@full-sync/testing';
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

async function call(
  path: string,
  init: RequestInit & { readonly key?: string; readonly base?: string } = {},
): Promise<Answer> {
  const { key, base = pretend.api.url, ...rest } = init;
  const headers = new Headers(rest.headers);
  if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
  const answer = await fetch(base + path, { ...rest, headers });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true;
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : {} };
}

async function makeKey(
  scopes: readonly Scope[],
  expiresAt: Date | null = null,
): Promise<{ key: string; keyId: string }> {
  const { key, stored } = await createApiKey(pretend.db.pool, { name: 'test', scopes, expiresAt });
  return { key, keyId: stored.keyId };
}

const history = '/api/full-sync/history';
const body = (namespaces: string): string =>
  JSON.stringify({ platforms: 'smartlead', syncMode: 'full_historical', namespaces });

test('without keys any token is accepted; the first key ends that at once, in a running server', async () => {
  assert.equal((await call(history)).status, 200);
  assert.equal((await call(history, { key: 'YOUR_API_KEY' })).status, 200);
  const { key } = await makeKey(['sync:read']);
  const refused = await call(history);
  assert.equal(refused.status, 401);
  assert.equal(refused.body['code'], 'API_001');
  assert.equal(refused.body['success'], false);
  assert.equal(refused.headers.get('www-authenticate'), 'Bearer realm="full-sync"');
  assert.equal(refused.headers.get('content-type'), 'application/problem+json; charset=utf-8');
  assert.equal((await call(history, { key: 'YOUR_API_KEY' })).status, 401);
  assert.equal((await call(history, { key })).status, 200);
  assert.equal((await call(history, { headers: { authorization: `bearer ${key}` } })).status, 200);
  assert.equal((await call(history, { headers: { authorization: `Basic ${key}` } })).status, 401);
});

test('a key does what its scopes say and nothing else', async () => {
  const reader = await makeKey(['sync:read']);
  const starter = await makeKey(['sync:execute']);
  const admin = await makeKey(['admin']);
  const refused = await call('/api/full-sync/execute', { method: 'POST', body: body('scopes'), key: reader.key });
  assert.equal(refused.status, 403);
  assert.equal(refused.body['code'], 'API_002');
  assert.deepEqual(refused.body['required_scopes'], ['sync:execute']);
  assert.equal((await call(history, { key: starter.key })).status, 403);
  const started = await call('/api/full-sync/execute', { method: 'POST', body: body('scopes'), key: starter.key });
  assert.equal(started.status, 202);
  assert.equal((await call(String(started.body['progressUrl']), { key: reader.key })).status, 200);
  assert.equal((await call(history, { key: admin.key })).status, 200);
});

test('a reset asks for its own scope', async () => {
  const starter = await makeKey(['sync:execute']);
  const reset = JSON.stringify({ platforms: 'smartlead', syncMode: 'namespace_reset', namespaces: 'reset-scope' });
  const refused = await call('/api/full-sync/execute', { method: 'POST', body: reset, key: starter.key });
  assert.equal(refused.status, 403);
  assert.deepEqual(refused.body['required_scopes'], ['sync:reset']);
});

test('a revoked, expired or tampered key is refused, and the same words are said of each', async () => {
  const revoked = await makeKey(['admin']);
  assert.equal((await call(history, { key: revoked.key })).status, 200);
  await revokeApiKey(pretend.db.pool, revoked.keyId);
  const expired = await makeKey(['admin'], new Date(Date.now() - 1_000));
  const good = await makeKey(['admin']);
  const flipped = good.key.slice(0, -1) + (good.key.endsWith('A') ? 'B' : 'A');
  const unknown = good.key.replace(good.keyId, '000000000000');
  const words = new Set<unknown>();
  for (const key of [revoked.key, expired.key, flipped, unknown, 'nonsense']) {
    const refused = await call(history, { key });
    assert.equal(refused.status, 401, key);
    assert.match(refused.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
    words.add(refused.body['error']);
  }
  assert.equal(words.size, 1);
});

test('no key is in the log', async () => {
  const { key } = await makeKey(['admin']);
  await call('/api/nothing', { key });
  await call(history, { key: key.slice(0, -1) });
  assert.ok(!pretend.api.output().includes(key.slice(-40, -1)));
});

test('the use of a key is noted', async () => {
  const { key, keyId } = await makeKey(['sync:read']);
  await call(history, { key });
  const { rows } = await pretend.db.pool.query('select from api_keys where key_id = $1 and last_used_at is not null', [
    keyId,
  ]);
  assert.equal(rows.length, 1);
});

test('with keys a page of another origin may ask, as it has no key of itself; description and probes stay open', async () => {
  const { key } = await makeKey(['sync:read']);
  assert.equal((await call(history, { key, headers: { origin: 'https://dashboard.example' } })).status, 200);
  for (const path of ['/livez', '/readyz', '/metrics', '/openapi.json', '/docs'])
    assert.equal((await call(path)).status, 200, path);
  assert.equal((await call('/api/nothing')).status, 404);
});

test('API_OPEN_PATHS says which probes need no key', async () => {
  const { key } = await makeKey(['db:read']);
  const env = { ...pretend.env, API_OPEN_PATHS: '/livez, /readyz', API_RATE_LIMIT: '1/60s' };
  await using api = await spawnService({ name: 'api', env });
  await api.ready(60_000);
  assert.equal((await call('/metrics', { base: api.url })).status, 401);
  // Nor do they count against its limit.
  for (const path of ['/metrics', '/metrics', '/metrics'])
    assert.equal((await call(path, { base: api.url, key })).status, 200);
});

test('with a key the server may listen beyond loopback', async () => {
  const { key } = await makeKey(['sync:read']);
  await using api = await spawnService({ name: 'api', env: { ...pretend.env, API_HOST: '0.0.0.0' } });
  await api.ready(60_000);
  assert.equal((await call(history, { base: api.url })).status, 401);
  assert.equal((await call(history, { base: api.url, key, headers: { host: 'sync.example' } })).status, 200);
  // Keys deleted under it must not open it.
  await pretend.db.pool.query('create table kept as table api_keys; delete from api_keys');
  try {
    assert.equal((await call(history, { base: api.url })).status, 401);
  } finally {
    await pretend.db.pool.query('insert into api_keys table kept; drop table kept');
  }
});

test('a caller above its limit is told when to come again, and then let in', async () => {
  const one = await makeKey(['admin']);
  const two = await makeKey(['admin']);
  const env = { ...pretend.env, API_RATE_LIMIT: '4/4s' };
  await using first = await spawnService({ name: 'api', env });
  await using second = await spawnService({ name: 'api', env });
  await Promise.all([first.ready(60_000), second.ready(60_000)]);
  const ask = async (base: string, path = history, key = one.key): Promise<Answer> => await call(path, { base, key });
  const left: (string | null)[] = [];
  for (const base of [first.url, second.url, first.url, second.url]) {
    const answer = await ask(base);
    assert.equal(answer.status, 200);
    left.push(answer.headers.get('x-ratelimit-remaining'));
    assert.match(answer.headers.get('ratelimit') ?? '', /^"full-sync";r=\d;t=[1-5]$/);
    assert.equal(answer.headers.get('ratelimit-policy'), '"full-sync";q=4;w=4');
    assert.equal(answer.headers.get('x-ratelimit-limit'), '4');
  }
  assert.deepEqual(left, ['3', '2', '1', '0']);
  const refused = await ask(first.url);
  assert.equal(refused.status, 429);
  assert.equal(refused.body['code'], 'SYNC_004');
  const waitSeconds = Number(refused.headers.get('retry-after'));
  assert.ok(waitSeconds >= 1 && waitSeconds <= 5);
  assert.equal((await ask(second.url)).status, 429);

  // Another key, and what is exempt, are not concerned.
  assert.equal((await ask(first.url, history, two.key)).status, 200);
  for (const path of ['/readyz', '/metrics', '/openapi.json']) assert.equal((await ask(first.url, path)).status, 200);
  const status = await ask(first.url, '/api/full-sync/status/job_0000');
  assert.equal(status.status, 404);
  assert.equal(status.headers.get('ratelimit'), null);

  await delay(waitSeconds * 1_000);
  assert.equal((await ask(first.url)).status, 200);
});

test('a repetition with the same Idempotency-Key gets the same answer and starts nothing, also after a restart', async () => {
  const { key } = await makeKey(['sync:execute', 'sync:read']);
  const post = async (text: string, idempotencyKey = 'once-1', by = key): Promise<Answer> =>
    await call('/api/full-sync/execute', {
      method: 'POST',
      body: text,
      key: by,
      headers: { 'idempotency-key': idempotencyKey },
    });
  const first = await post(body('once'));
  assert.equal(first.status, 202);
  assert.equal(first.headers.get('idempotency-replayed'), null);
  const spaced = JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(body('once'))).toReversed()), null, 2);
  for (const text of [body('once'), spaced]) {
    const again = await post(text);
    assert.equal(again.status, 202);
    assert.deepEqual(again.body, first.body);
    assert.equal(again.headers.get('location'), first.headers.get('location'));
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
  }
  await pretend.restartApi();
  assert.deepEqual((await post(body('once'))).body, first.body);

  const other = await post(body('once-other'));
  assert.equal(other.status, 422);
  assert.equal(other.body['code'], 'API_009');
  // Keys of different callers have nothing to do with each other.
  const elsewhere = await makeKey(['sync:execute']);
  assert.equal((await post(body('once-elsewhere'), 'once-1', elsewhere.key)).status, 202);
  // A refusal stores nothing: the same key may try again.
  assert.equal((await post(body('once'), 'once-2')).status, 409);
  assert.equal((await post(body('once'), 'once-2')).status, 409);
  assert.equal((await post('{}', 'once-3')).status, 400);
  assert.equal((await post(body('once-3'), 'once-3')).status, 202);
  assert.equal((await post(body('once'), 'x'.repeat(256))).status, 400);
});

test('of twenty requests at once with one Idempotency-Key one starts a job, and all get its answer', async () => {
  const { key } = await makeKey(['sync:execute']);
  const answers = await Promise.all(
    Array.from(
      { length: 20 },
      async () =>
        await call('/api/full-sync/execute', {
          method: 'POST',
          body: body('at-once'),
          key,
          headers: { 'idempotency-key': 'at-once' },
        }),
    ),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  assert.equal(new Set(answers.map(({ body: answer }) => answer['jobId'])).size, 1);
  assert.equal(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null).length, 1);
});

test('the answer and the job are stored by one transaction: no crash comes between them', async () => {
  const { key } = await makeKey(['sync:execute']);
  const { body: answer } = await call('/api/full-sync/execute', {
    method: 'POST',
    body: body('one-transaction'),
    key,
    headers: { 'idempotency-key': 'one-transaction' },
  });
  const { rows } = await pretend.db.pool.query<{ same: boolean; body: string }>(
    `select i.xmin::text = t.xmin::text as same, i.body from idempotency_keys i, job_targets t
     where i.idempotency_key = 'one-transaction' and t.namespace = 'one-transaction'`,
  );
  assert.deepEqual(
    rows.map((row) => [row.same, row.body]),
    [[true, JSON.stringify(answer)]],
  );
});

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

test('what is too large, encoded, or no HTTP is answered with a problem', async () => {
  const { key } = await makeKey(['admin']);
  const large = await call('/api/full-sync/execute', { method: 'POST', body: 'x'.repeat(1_048_577), key });
  assert.equal(large.status, 413);
  assert.equal(large.headers.get('content-type'), 'application/problem+json; charset=utf-8');
  const zipped = await call('/api/full-sync/execute', {
    method: 'POST',
    body: body('zipped'),
    key,
    headers: { 'content-encoding': 'gzip' },
  });
  assert.equal(zipped.status, 415);
  assert.equal(zipped.body['code'], 'API_008');
  const garbage = await sendRaw('nonsense\r\n\r\n');
  assert.match(garbage, /^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json.*"code":"API_004"/s);
  const wide = await sendRaw(`GET /livez HTTP/1.1\r\nHost: x\r\nX-Wide: ${'x'.repeat(20_000)}\r\n\r\n`);
  assert.match(wide, /^HTTP\/1\.1 431 .*"code":"API_011"/s);
});

test('a request that does not arrive in time is answered and its connection closed', async () => {
  const startedAt = performance.now();
  const [slow, silent] = await Promise.all([sendRaw('GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n'), sendRaw('')]);
  assert.match(slow, /^HTTP\/1\.1 408 Request Timeout.*"code":"API_007"/s);
  assert.match(silent, /^HTTP\/1\.1 408 Request Timeout.*"code":"API_007"/s);
  assert.ok(performance.now() - startedAt < 20_000);
});
