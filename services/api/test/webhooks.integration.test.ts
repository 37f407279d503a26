import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { after, before, test } from 'node:test';
import { ensureWebhookSecret, listWebhooks } from '@full-sync/database';
import type { WebhookDelivery } from '@full-sync/database';
import { topicNames } from '@full-sync/schemas';
import { spawnService, waitFor } from '@full-sync/testing';
import { pretendServices } from './pretend-services.ts';
import type { PretendServices } from './pretend-services.ts';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const received: Received[] = [];
/** The statuses that a path answers, one after the other; 0: no answer. The last one stays. */
const answers = new Map<string, number[]>();
const receiver = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    const path = request.url ?? '';
    received.push({ path, headers: request.headers, body });
    const planned = answers.get(path.split('?')[0] ?? '') ?? [];
    const status = (planned.length > 1 ? planned.shift() : planned[0]) ?? 200;
    if (status !== 0) response.writeHead(status, { location: '/redirected' }).end('thank you');
  });
});

let pretend: PretendServices;
let hooks = '';
before(async () => {
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  const address = receiver.address();
  assert.ok(typeof address === 'object' && address !== null);
  hooks = `http://127.0.0.1:${address.port}`;
  pretend = await pretendServices({ WEBHOOK_ALLOW_PRIVATE: 'true' });
});
after(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await pretend[Symbol.asyncDispose]();
});

async function start(namespaces: string, webhookUrl: string): Promise<string> {
  const request = { syncMode: 'full_historical', platforms: 'smartlead', namespaces, webhookUrl };
  const { status, body } = await pretend.execute(request);
  assert.equal(status, 202, JSON.stringify(body));
  assert.ok(!String(body['warnings']).includes('webhookUrl'));
  return String(body['jobId']);
}

async function complete(jobId: string): Promise<void> {
  await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 0 });
  await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'completed');
}

const at = (path: string): readonly Received[] => received.filter((call) => call.path.split('?')[0] === path);

async function deliveryOf(jobId: string): Promise<WebhookDelivery> {
  const [delivery] = await listWebhooks(pretend.db.pool, { jobId, limit: 1 });
  if (delivery === undefined) throw new Error(`job ${jobId} has no webhook`);
  return delivery;
}

async function settled(jobId: string): Promise<WebhookDelivery> {
  return await waitFor(
    async () => {
      const delivery = await deliveryOf(jobId);
      return delivery.status === 'pending' ? null : delivery;
    },
    { what: `the webhook of ${jobId} to be settled`, deadlineMs: 60_000 },
  );
}

function assertSigned({ headers, body }: Received, secret: string): void {
  const [id, timestamp] = [headers['webhook-id'], headers['webhook-timestamp']];
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key)
    .update(`${String(id)}.${String(timestamp)}.${body}`)
    .digest('base64');
  assert.equal(headers['webhook-signature'], `v1,${expected}`);
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60);
}

test('the end of a job is told once, signed, with what its status says', async () => {
  const jobId = await start('told', `${hooks}/told?token=hidden-token`);
  await complete(jobId);
  const delivery = await settled(jobId);
  assert.equal(delivery.status, 'delivered');
  assert.equal(delivery.nextAttemptAt, null);
  assert.deepEqual(
    delivery.attempts.map(({ attempt, httpStatus, error }) => [attempt, httpStatus, error]),
    [[1, 200, null]],
  );
  assert.ok((delivery.attempts[0]?.durationMs ?? -1) >= 0);
  const [call] = at('/told');
  assert.ok(call !== undefined && at('/told').length === 1);
  assert.equal(call.path, '/told?token=hidden-token');
  assert.equal(call.headers['webhook-id'], `msg_${jobId}`);
  assert.equal(call.headers['content-type'], 'application/json');
  assertSigned(call, await ensureWebhookSecret(pretend.db.pool));
  // What is replayed later is not known at the end.
  const { replayed: _, ...summary } = (await pretend.status(jobId)).summary;
  const { type, timestamp, data } = JSON.parse(call.body);
  assert.equal(type, 'sync.completed');
  assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);
  assert.deepEqual(data, { jobId, status: 'completed', summary, error: null });
  assert.doesNotMatch(pretend.api.output(), /hidden-token/);
});

test('failed and cancelled jobs are told, too', async () => {
  const failed = await start('failed', `${hooks}/failed`);
  await pretend.failDiscovery(failed, 'smartlead');
  await settled(failed);
  const { type, data } = JSON.parse(at('/failed')[0]?.body ?? '');
  assert.equal(type, 'sync.failed');
  assert.equal(data.error.code, 'STREAMS_FAILED');

  const cancelled = await start('cancelled', `${hooks}/cancelled`);
  await fetch(`${pretend.api.url}/api/full-sync/cancel/${cancelled}`, { method: 'DELETE' });
  await settled(cancelled);
  assert.equal(JSON.parse(at('/cancelled')[0]?.body ?? '').type, 'sync.cancelled');
});

test('a receiver that fails is tried again with the same id and body, and a redirect is not followed', async () => {
  answers.set('/flaky', [500, 302, 204]);
  const jobId = await start('flaky', `${hooks}/flaky`);
  await complete(jobId);
  const delivery = await settled(jobId);
  assert.deepEqual(
    delivery.attempts.map(({ httpStatus }) => httpStatus),
    [500, 302, 204],
  );
  assert.match(delivery.attempts[1]?.error ?? '', /redirects are not followed/);
  assert.equal(at('/redirected').length, 0);
  const calls = at('/flaky');
  assert.equal(calls.length, 3);
  for (const unique of [calls.map(({ headers }) => headers['webhook-id']), calls.map(({ body }) => body)])
    assert.equal(new Set(unique).size, 1);
  const secret = await ensureWebhookSecret(pretend.db.pool);
  for (const call of calls) assertSigned(call, secret);
});

test('a receiver that is gone is not tried again', async () => {
  answers.set('/gone', [410]);
  const jobId = await start('gone', `${hooks}/gone`);
  await complete(jobId);
  const { status, attempts } = await settled(jobId);
  assert.deepEqual([status, attempts.length], ['failed', 1]);
});

test('a name that does not resolve fails in the log, not in the job', async () => {
  const jobId = await start('nowhere', 'https://hooks.full-sync.invalid/x');
  await complete(jobId);
  const delivery = await waitFor(
    async () => {
      const seen = await deliveryOf(jobId);
      return seen.attempts[0]?.error === undefined || seen.attempts[0].error === null ? null : seen;
    },
    { what: 'the first attempt to fail', deadlineMs: 60_000 },
  );
  assert.equal(delivery.status, 'pending');
  assert.match(delivery.attempts[0]?.error ?? '', /^the connection failed: E/);
  assert.ok(delivery.nextAttemptAt !== null);
});

test('what a killed process was sending is sent again by another, with the same id', async () => {
  answers.set('/killed', [0, 200]);
  const jobId = await start('killed', `${hooks}/killed`);
  await complete(jobId);
  await waitFor(() => at('/killed').length === 1, { what: 'the first attempt to arrive' });
  // Only the lease says that the dead process will not be heard of again; nobody waits half a minute for it here.
  await pretend.restartApi();
  assert.equal(at('/killed').length, 1);
  await pretend.db.pool.query(`update webhooks set lease_until = now() where job_id = $1`, [jobId]);
  const delivery = await settled(jobId);
  assert.deepEqual(
    delivery.attempts.map(({ httpStatus, durationMs }) => [httpStatus, durationMs === null]),
    [
      [null, true],
      [200, false],
    ],
  );
  assert.equal(new Set(at('/killed').map(({ headers }) => headers['webhook-id'])).size, 1);
});

test('two copies of the api send each webhook once', async () => {
  await using second = await spawnService({ name: 'api', env: { ...pretend.env } });
  await second.ready(60_000);
  const jobIds = await Promise.all(
    Array.from({ length: 12 }, async (_, index) => await start(`two${index}`, `${hooks}/two${index}`)),
  );
  for (const jobId of jobIds)
    await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 0 });
  for (const jobId of jobIds) assert.equal((await settled(jobId)).attempts.length, 1);
  for (const index of jobIds.keys()) assert.equal(at(`/two${index}`).length, 1);
});

test('a private address is refused at submission, with the pointer to it', async () => {
  await using guarded = await spawnService({
    name: 'api',
    env: {
      ...pretend.env,
      WEBHOOK_ALLOW_PRIVATE: '',
      WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 9).toString('base64')}`,
    },
  });
  await guarded.ready(60_000);
  const submit = async (webhookUrl: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const request = { syncMode: 'full_historical', platforms: 'smartlead', namespaces: 'guarded', webhookUrl };
    const answer = await fetch(`${guarded.url}/api/full-sync/execute`, {
      method: 'POST',
      body: JSON.stringify(request),
    });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
  for (const host of [
    '127.0.0.1',
    'localhost',
    '10.1.2.3',
    '169.254.169.254',
    '[::1]',
    '[fd00::1]',
    '[::ffff:10.0.0.1]',
    '0.0.0.0',
    '2130706433',
  ]) {
    const { status, body } = await submit(`http://${host}/hook`);
    assert.equal(status, 400, host);
    assert.equal(body['code'], 'SYNC_001');
    assert.match(JSON.stringify(body['errors']), /"pointer":"\/webhookUrl"/);
  }
  for (const webhookUrl of [
    'ftp://hooks.example/',
    'https://user:password@hooks.example/',
    'hooks',
    'file:///etc/passwd',
  ])
    assert.equal((await submit(webhookUrl)).status, 400, webhookUrl);
  assert.equal((await submit('https://hooks.full-sync.invalid/hook')).status, 202);
});

test('the guard holds when the webhook is sent, whoever accepted it', async () => {
  // Accepted while private addresses were allowed; sent by a server that forbids them.
  answers.set('/late', [500]);
  const jobId = await start('late', `${hooks}/late`);
  await pretend.restartApi({ WEBHOOK_ALLOW_PRIVATE: 'false' });
  try {
    await complete(jobId);
    const error = await waitFor(async () => (await deliveryOf(jobId)).attempts[0]?.error, {
      what: 'the first attempt',
    });
    assert.match(error, /^refused: 127\.0\.0\.1 is not a public address/);
    assert.equal(at('/late').length, 0);
  } finally {
    await pretend.restartApi();
  }
});

test('a wrong WEBHOOK_SECRET is refused at start and not shown', async () => {
  await using api = await spawnService({ name: 'api', env: { ...pretend.env, WEBHOOK_SECRET: 'whsec_dG9vc2hvcnQ=' } });
  assert.equal((await api.exited).code, 2);
  assert.match(api.output(), /WEBHOOK_SECRET: expected whsec_ and the base64 of 24 to 64 bytes/);
  assert.doesNotMatch(api.output(), /dG9vc2hvcnQ/);
});
