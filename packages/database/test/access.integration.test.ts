import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshDatabase, waitFor } from '@full-sync/testing';
import {
  apiKeyIdOf,
  apiKeyMatches,
  claimAnswer,
  connectDatabase,
  createApiKey,
  findApiKey,
  listApiKeys,
  migrate,
  noteApiKeyUse,
  releaseAnswerClaim,
  renewAnswerClaim,
  revokeApiKey,
  storeAnswer,
  sweepAnswers,
  sweepApiPermits,
  takeApiPermit,
} from '../src/index.ts';
import type { Database } from '../src/index.ts';

async function openDatabase(): Promise<Database & AsyncDisposable> {
  const fresh = await freshDatabase();
  const config = { DATABASE_URL: fresh.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 10 };
  const database = await connectDatabase({ config, applicationName: 'test' });
  await migrate(database);
  return {
    ...database,
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

test('a key is found by its id, matches itself only, and is stored as a hash', async () => {
  await using db = await openDatabase();
  assert.deepEqual(await findApiKey(db.pool, null), { anyKey: false, key: null });
  const { key, stored } = await createApiKey(db.pool, { name: 'cron', scopes: ['sync:read'], expiresAt: null });
  const other = await createApiKey(db.pool, { name: 'other', scopes: ['admin'], expiresAt: null });
  assert.match(key, /^fsk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
  assert.equal(apiKeyIdOf(key), stored.keyId);
  const found = await findApiKey(db.pool, stored.keyId);
  assert.ok(found.key !== null);
  assert.deepEqual([found.anyKey, found.key.valid, found.key.scopes], [true, true, ['sync:read']]);
  assert.ok(apiKeyMatches(key, found.key.keyHash));
  assert.ok(!apiKeyMatches(other.key, found.key.keyHash));
  const { rows } = await db.pool.query<{ text: string }>('select api_keys::text as text from api_keys');
  for (const { text } of rows) assert.ok(!text.includes(key.slice(-43)));
  assert.deepEqual(await findApiKey(db.pool, '000000000000'), { anyKey: true, key: null });
});

test('texts that are no keys of ours have no id', () => {
  const secret = 'a'.repeat(43);
  for (const text of ['', 'x', `fsk_00_${secret}`, `fsk_0123456789ab_${secret}a`, `sk_0123456789ab_${secret}`])
    assert.equal(apiKeyIdOf(text), null, text);
});

test('a revoked or expired key is not valid, and its row stays', async () => {
  await using db = await openDatabase();
  const revoked = await createApiKey(db.pool, { name: 'a', scopes: ['admin'], expiresAt: null });
  const expired = await createApiKey(db.pool, { name: 'b', scopes: ['admin'], expiresAt: new Date(Date.now() - 1) });
  const first = await revokeApiKey(db.pool, revoked.stored.keyId);
  assert.deepEqual((await revokeApiKey(db.pool, revoked.stored.keyId))?.revokedAt, first?.revokedAt);
  assert.equal(await revokeApiKey(db.pool, 'nothing'), null);
  for (const { stored } of [revoked, expired]) {
    const found = await findApiKey(db.pool, stored.keyId);
    assert.equal(found.anyKey, true);
    assert.equal(found.key?.valid, false);
  }
  assert.equal((await listApiKeys(db.pool)).length, 2);
});

test('the last use is written once a minute at most', async () => {
  await using db = await openDatabase();
  const { stored } = await createApiKey(db.pool, { name: 'a', scopes: ['admin'], expiresAt: null });
  assert.equal((await findApiKey(db.pool, stored.keyId)).key?.useIsOld, true);
  await noteApiKeyUse(db.pool, stored.keyId);
  const used = (await findApiKey(db.pool, stored.keyId)).key;
  assert.equal(used?.useIsOld, false);
  await noteApiKeyUse(db.pool, stored.keyId);
  assert.deepEqual((await findApiKey(db.pool, stored.keyId)).key?.lastUsedAt, used?.lastUsedAt);
  await db.pool.query(`update api_keys set last_used_at = now() - interval '61 seconds'`);
  assert.equal((await findApiKey(db.pool, stored.keyId)).key?.useIsOld, true);
});

test('no span holds more requests than the limit, however many ask at once', async () => {
  await using db = await openDatabase();
  const limit = [{ count: 5, spanMs: 600 }];
  // When each was granted lies somewhere in between.
  const granted: { readonly askedAt: number; readonly heardAt: number }[] = [];
  const endAt = performance.now() + 2_500;
  const ask = async (): Promise<void> => {
    while (performance.now() < endAt) {
      const askedAt = performance.now();
      const answer = await takeApiPermit(db.pool, { caller: 'a', routeGroup: 'g', limit });
      if (answer.granted) granted.push({ askedAt, heardAt: performance.now() });
    }
  };
  await Promise.all(Array.from({ length: 6 }, ask));
  granted.sort((a, b) => a.askedAt - b.askedAt);
  // Three spans' worth at least must have been let through, or the limit would starve its caller.
  assert.ok(granted.length >= 15, `${granted.length} granted`);
  for (let index = 0; index + 6 <= granted.length; index += 1) {
    const six = granted.slice(index, index + 6);
    const span = Math.max(...six.map(({ heardAt }) => heardAt)) - (six[0]?.askedAt ?? 0);
    assert.ok(span >= 600, `six requests within ${span} ms`);
  }
});

test('callers, groups and bounds do not take from each other, and a refusal takes nothing', async () => {
  await using db = await openDatabase();
  const limit = [
    { count: 2, spanMs: 60_000 },
    { count: 3, spanMs: 3_600_000 },
  ];
  const take = async (caller: string, routeGroup = 'g') => await takeApiPermit(db.pool, { caller, routeGroup, limit });
  assert.deepEqual(
    (await take('a')).bounds.map(({ used }) => used),
    [1, 1],
  );
  assert.equal((await take('a')).granted, true);
  const refused = await take('a');
  assert.equal(refused.granted, false);
  assert.deepEqual(
    refused.bounds.map(({ used }) => used),
    [2, 2],
  );
  const [minute] = refused.bounds;
  assert.ok(minute !== undefined && minute.freeInMs > 58_000 && minute.freeInMs <= 61_000);
  assert.equal((await take('b')).granted, true);
  assert.equal((await take('a', 'h')).granted, true);
});

test('what is a span old is swept', async () => {
  await using db = await openDatabase();
  await takeApiPermit(db.pool, { caller: 'a', routeGroup: 'g', limit: [{ count: 1, spanMs: 60 }] });
  await takeApiPermit(db.pool, { caller: 'b', routeGroup: 'g', limit: [{ count: 1, spanMs: 3_600_000 }] });
  await waitFor(
    async () => {
      await sweepApiPermits(db.pool);
      const { rows } = await db.pool.query<{ caller: string }>('select caller from api_rate_slots');
      return rows.map(({ caller }) => caller).join() === 'b';
    },
    { what: 'the place of caller a to be swept' },
  );
});

const requestHash = Buffer.alloc(32, 1);
const answer = { status: 202, headers: { location: '/x' }, body: '{"a":1}' };

test('an answer is claimed once, stored once, and given to every repetition', async () => {
  await using db = await openDatabase();
  const request = { caller: 'a', key: 'k', requestHash, leaseMs: 60_000 };
  const outcomes = await Promise.all(Array.from({ length: 8 }, async () => await claimAnswer(db.pool, request)));
  const claims = outcomes.flatMap((outcome) => (outcome.kind === 'claimed' ? [outcome.claim] : []));
  assert.equal(claims.length, 1);
  assert.equal(outcomes.filter(({ kind }) => kind === 'busy').length, 7);
  const [claim] = claims;
  assert.ok(claim !== undefined);
  assert.deepEqual(await claimAnswer(db.pool, { ...request, requestHash: Buffer.alloc(32, 2) }), { kind: 'mismatch' });
  assert.equal(await storeAnswer(db.pool, claim, answer), true);
  assert.deepEqual(await claimAnswer(db.pool, request), { kind: 'answered', answer });
  // What is stored is neither given back nor stored over.
  await releaseAnswerClaim(db.pool, claim);
  assert.equal(await storeAnswer(db.pool, claim, { ...answer, status: 200 }), false);
  assert.deepEqual(await claimAnswer(db.pool, request), { kind: 'answered', answer });
  assert.equal((await claimAnswer(db.pool, { ...request, caller: 'b' })).kind, 'claimed');
});

test('a claim whose process died goes to the next, and the first one can no more store its answer', async () => {
  await using db = await openDatabase();
  const request = { caller: 'a', key: 'k', requestHash, leaseMs: 60_000 };
  const first = await claimAnswer(db.pool, { ...request, leaseMs: 0 });
  const second = await waitFor(
    async () => {
      const outcome = await claimAnswer(db.pool, request);
      return outcome.kind === 'claimed' ? outcome.claim : null;
    },
    { what: 'the lease to run out' },
  );
  assert.ok(first.kind === 'claimed');
  await renewAnswerClaim(db.pool, first.claim, 3_600_000);
  assert.equal(await storeAnswer(db.pool, first.claim, answer), false);
  await releaseAnswerClaim(db.pool, first.claim);
  assert.equal((await claimAnswer(db.pool, request)).kind, 'busy');
  assert.equal(await storeAnswer(db.pool, second, answer), true);
});

test('after a day an answer is forgotten, swept or not', async () => {
  await using db = await openDatabase();
  const request = { caller: 'a', key: 'k', requestHash, leaseMs: 60_000 };
  const claimed = await claimAnswer(db.pool, request);
  assert.ok(claimed.kind === 'claimed');
  await storeAnswer(db.pool, claimed.claim, answer);
  await sweepAnswers(db.pool);
  assert.equal((await claimAnswer(db.pool, request)).kind, 'answered');
  await db.pool.query(`update idempotency_keys set created_at = now() - interval '25 hours'`);
  assert.equal((await claimAnswer(db.pool, { ...request, requestHash: Buffer.alloc(32, 2) })).kind, 'claimed');
  await db.pool.query(`update idempotency_keys set created_at = now() - interval '25 hours', lease_until = null`);
  await sweepAnswers(db.pool);
  assert.equal((await db.pool.query('select from idempotency_keys')).rowCount, 0);
});
