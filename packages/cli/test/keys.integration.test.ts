import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { freshDatabase } from '@full-sync/testing';
import { runCli } from './run-cli.ts';

test('a key is made on an empty database, shown once, listed without its secret, and revoked', async () => {
  await using database = await freshDatabase();
  const env = { DATABASE_URL: database.url, FULL_SYNC_HOME: tmpdir() };
  assert.match((await runCli(['keys', 'list'], env)).stdout, /no API keys/);
  const made = await runCli(['keys', 'create', '--name', 'cron job', '--scopes', 'sync:read, sync:execute'], env);
  assert.equal(made.code, 0, made.stderr);
  const key = made.stdout.trim();
  assert.match(key, /^fsk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
  assert.match(made.stderr, /"cron job" \(sync:read, sync:execute\), valid until it is revoked/);
  assert.match(made.stderr, /It is the first/);

  const keyId = key.split('_')[1] ?? '';
  const table = await runCli(['keys', 'list'], env);
  assert.match(table.stdout, new RegExp(`${keyId} +cron job +valid +.*sync:read,sync:execute`));
  const json = await runCli(['keys', 'list', '--json'], env);
  assert.equal(JSON.parse(json.stdout).keys[0].keyId, keyId);
  for (const { stdout } of [table, json]) assert.ok(!stdout.includes(key.slice(-43)));

  // The whole key is as good as its id, for whoever has only that.
  assert.match((await runCli(['keys', 'revoke', key], env)).stdout, /is revoked/);
  assert.match((await runCli(['keys', 'list'], env)).stdout, / revoked /);
  assert.equal((await runCli(['keys', 'revoke', 'nothing'], env)).code, 2);
});

test('an expiry is a span or an instant to come', async () => {
  await using database = await freshDatabase();
  const env = { DATABASE_URL: database.url, FULL_SYNC_HOME: tmpdir() };
  const create = async (expires: string) =>
    await runCli(['keys', 'create', '--json', '--name', 'a', '--scopes', 'admin', '--expires', expires], env);
  const inDays = async (expires: string): Promise<number> => {
    const { stdout } = await create(expires);
    return Math.round((Date.parse(JSON.parse(stdout).expires_at) - Date.now()) / 86_400_000);
  };
  assert.equal(await inDays('48h'), 2);
  assert.equal(await inDays('90d'), 90);
  assert.equal(await inDays('2w'), 14);
  const nextYear = new Date().getUTCFullYear() + 1;
  assert.equal(JSON.parse((await create(`${nextYear}-02-01`)).stdout).expires_at, `${nextYear}-02-01T00:00:00.000Z`);
  for (const expires of ['0d', 'soon', '2020-01-01', '1']) {
    const { code, stderr } = await create(expires);
    assert.equal(code, 2, expires);
    assert.match(stderr, /--expires: expected a time to come/);
  }
});

test('wrong options are told with what is right, and nothing is made', async () => {
  await using database = await freshDatabase();
  const env = { DATABASE_URL: database.url, FULL_SYNC_HOME: tmpdir() };
  for (const args of [
    ['keys', 'create', '--name', 'a'],
    ['keys', 'create', '--name', 'a', '--scopes', 'sync:write'],
    ['keys', 'create', '--name', 'a', '--scopes', ','],
    ['keys', 'create', '--name', ' ', '--scopes', 'admin'],
  ]) {
    const { code, stderr } = await runCli(args, env);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /--scopes|--name/);
  }
  assert.match((await runCli(['keys', 'list'], env)).stdout, /no API keys/);
});

test('commands that ask the API send API_KEY, and say how to get one', async () => {
  const server = createServer((request, response) => {
    const known = request.headers.authorization === 'Bearer fsk_known';
    const body = known ? { jobs: [], next_cursor: null } : { code: 'API_001', error: 'An API key is needed' };
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const env = { API_URL: `http://127.0.0.1:${address.port}`, FULL_SYNC_HOME: tmpdir() };
    const refused = await runCli(['history'], env);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /API_001.*\n.*API_KEY/);
    const answered = await runCli(['history'], { ...env, API_KEY: 'fsk_known' });
    assert.deepEqual([answered.code, answered.stderr], [0, '']);
  } finally {
    server.close();
  }
});
