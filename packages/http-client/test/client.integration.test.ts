import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  BodyError,
  createHttpClient,
  outcomeOfBodyError,
  path,
  readJson,
  readJsonRows,
  type Answered,
  type HttpClientOptions,
  type HttpOutcome,
} from '../src/index.ts';

type Responder = (request: IncomingMessage, response: ServerResponse) => void;

const key = 'key/with+signs=1';
const json = { 'content-type': 'application/json; charset=utf-8' };

async function serve(t: TestContext, respond: Responder) {
  const server = createServer(respond);
  let connections = 0;
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}/api/v1`, connections: () => connections };
}

async function connect(t: TestContext, respond: Responder, options: Partial<HttpClientOptions> = {}) {
  const { baseUrl, connections } = await serve(t, respond);
  const answered: Answered[] = [];
  const client = createHttpClient({
    baseUrl,
    auth: { kind: 'query', name: 'api_key', value: key },
    onAnswered: (said) => answered.push(said),
    ...options,
  });
  t.after(() => client[Symbol.asyncDispose]());
  return { client, answered, connections };
}

const reply = (status: number, headers: Record<string, string>, body: string | Buffer): Responder => {
  return (_request, response) => void response.writeHead(status, headers).end(body);
};

async function valueOf(outcome: HttpOutcome): Promise<unknown> {
  if (outcome.kind !== 'ok') throw new Error(`not ok: ${inspect(outcome)}`);
  return await readJson(outcome.body, 1e6);
}

/** The outcome with the body read, as a stage would settle it. */
async function settled(outcome: HttpOutcome): Promise<HttpOutcome> {
  if (outcome.kind !== 'ok') return outcome;
  try {
    for await (const _row of readJsonRows(outcome.body, { array: 'top', maxRowBytes: 1e6 }));
    return outcome;
  } catch (error) {
    const failed = outcomeOfBodyError(error);
    if (failed === undefined) throw error;
    return failed;
  }
}

const options = { timeout: 20_000 };

test('sends the key, the query and the path as they are meant', options, async (t) => {
  const seen: (string | undefined)[] = [];
  const { client } = await connect(
    t,
    (request, response) => {
      seen.push(request.url, request.headers.authorization, request.headers['user-agent']);
      response.writeHead(200, json).end('[]');
    },
    { userAgent: 'tester/1' },
  );
  assert.deepEqual(
    await valueOf(await client.get(path`/campaigns/${'a/b c'}/x`, { limit: 5, q: 'ü&', no: undefined })),
    [],
  );
  const other = client.withAuth({ kind: 'basic', username: '', password: 'secret' });
  await valueOf(await other.get('/team'));
  assert.deepEqual(seen, [
    `/api/v1/campaigns/a%2Fb%20c/x?limit=5&q=%C3%BC%26&api_key=${encodeURIComponent(key)}`,
    undefined,
    'tester/1',
    '/api/v1/team',
    `Basic ${Buffer.from(':secret').toString('base64')}`,
    'tester/1',
  ]);
});

test('refuses a path that would carry the key elsewhere', options, async (t) => {
  const { client, connections } = await connect(t, reply(200, json, '[]'));
  for (const route of ['/../../other', '/a/../../../b', '/./a', 'a', '//host/x/..', '']) {
    await assert.rejects(client.get(route), TypeError, route);
  }
  assert.equal(connections(), 0);
});

test('reads rows and rate headers; Retry-After on a success is no throttling', options, async (t) => {
  const headers = { ...json, 'retry-after': '0.651', 'x-ratelimit-limit': '20', 'x-ratelimit-remaining': '18' };
  const { client } = await connect(t, reply(200, headers, '[{"a":1}]'));
  const early: unknown[] = [];
  const outcome = await client.get('/activities', {}, { onHeaders: (status, rate) => early.push(status, rate) });
  assert.equal(outcome.kind, 'ok');
  assert.deepEqual('rate' in outcome && outcome.rate, { limit: 20, remaining: 18 });
  assert.deepEqual(await valueOf(outcome), [{ a: 1 }]);
  assert.deepEqual(early, [200, { limit: 20, remaining: 18 }]);
});

test('unpacks gzip, and bounds what comes out of it', options, async (t) => {
  const packed = gzipSync(JSON.stringify(Array.from({ length: 50_000 }, () => 1)));
  const { client } = await connect(t, reply(200, { ...json, 'content-encoding': 'gzip' }, packed), {
    maxBodyBytes: 50_000,
  });
  const failed = await settled(await client.get('/a'));
  assert.equal(failed.kind === 'refused' && failed.code, 'UPSTREAM_TOO_LARGE');
  const roomy = await connect(t, reply(200, { ...json, 'content-encoding': 'gzip' }, packed));
  assert.equal(((await valueOf(await roomy.client.get('/a'))) as unknown[]).length, 50_000);
});

const failures: Readonly<Record<string, readonly [Responder, Partial<HttpOutcome>]>> = {
  'a reset before the headers': [
    (request) => void request.socket.resetAndDestroy(),
    { kind: 'retry', reason: 'network' },
  ],
  'a close before the headers': [(request) => void request.socket.destroy(), { kind: 'retry', reason: 'network' }],
  'headers that never come': [() => undefined, { kind: 'retry', reason: 'timeout' }],
  'a body that stops coming': [
    (_request, response) => void response.writeHead(200, json).write('[1,'),
    { kind: 'retry', reason: 'timeout' },
  ],
  'a body that never begins': [
    (_request, response) => {
      response.writeHead(200, json).flushHeaders();
    },
    { kind: 'retry', reason: 'timeout' },
  ],
  'a reset in the body': [
    (request, response) => {
      response.writeHead(200, json).write('[1,2,');
      setImmediate(() => request.socket.resetAndDestroy());
    },
    { kind: 'retry', reason: 'truncated' },
  ],
  'a body shorter than announced': [
    (request, response) => {
      response.writeHead(200, { ...json, 'content-length': '100' }).write('[1,2]');
      setImmediate(() => request.socket.end());
    },
    { kind: 'retry', reason: 'truncated' },
  ],
  'a document cut off in a whole body': [reply(200, json, '[{"a":1},{"b"'), { kind: 'retry', reason: 'truncated' }],
  'gzip that is cut off': [
    reply(200, { ...json, 'content-encoding': 'gzip' }, gzipSync('[1,2,3]').subarray(0, 15)),
    { kind: 'retry', reason: 'truncated' },
  ],
  'a page in place of JSON': [
    reply(200, { 'content-type': 'text/html' }, '<html>app</html>'),
    { kind: 'retry', reason: 'html', detail: 'html instead of JSON' },
  ],
  'an empty body': [reply(200, json, ''), { kind: 'retry', reason: 'empty', detail: 'empty body' }],
  'an empty body of no type': [reply(204, {}, ''), { kind: 'retry', reason: 'empty' }],
  'a text in place of JSON': [
    reply(200, { 'content-type': 'text/plain' }, 'success'),
    { kind: 'retry', reason: 'not-json' },
  ],
  'an image in place of JSON': [
    reply(200, { 'content-type': 'image/png' }, '[]'),
    { kind: 'retry', reason: 'not-json' },
  ],
  'a body announced as too large': [
    reply(200, json, `"${'x'.repeat(2000)}"`),
    { kind: 'refused', code: 'UPSTREAM_TOO_LARGE' },
  ],
  'a body that grows too large': [
    (_request, response) => {
      response.writeHead(200, json);
      response.write('[1');
      response.end(',1'.repeat(1000));
    },
    { kind: 'refused', code: 'UPSTREAM_TOO_LARGE' },
  ],
  'a redirect': [reply(302, { location: 'http://127.0.0.1:1/' }, ''), { kind: 'refused', code: 'UPSTREAM_REDIRECT' }],
  'a wrong key': [
    reply(401, json, '{"message":"Invalid API Key"}'),
    { kind: 'refused', code: 'UPSTREAM_UNAUTHORIZED', status: 401, detail: 'Invalid API Key' },
  ],
  'a missing campaign': [
    reply(404, json, '{"error":"Campaign not found - Invalid campaign_id."}'),
    { kind: 'gone', status: 404 },
  ],
  'a gateway error': [reply(502, {}, 'Bad Gateway'), { kind: 'retry', reason: 'status', status: 502 }],
  'a busy server': [reply(503, { 'retry-after': '3' }, ''), { kind: 'retry', reason: 'status', retryAfterMs: 3000 }],
  'a 429 with seconds': [reply(429, { 'retry-after': '0.5' }, ''), { kind: 'throttled', retryAfterMs: 500 }],
  'a 429 with a body': [reply(429, json, '{"error":{"retry_after":30}}'), { kind: 'throttled', retryAfterMs: 30_000 }],
  'an error whose body breaks off': [
    (request, response) => {
      response.writeHead(400, { 'content-length': '100' }).write('bad limit');
      setImmediate(() => request.socket.resetAndDestroy());
    },
    { kind: 'refused', code: 'UPSTREAM_BAD_REQUEST' },
  ],
};

for (const [name, [respond, expected]] of Object.entries(failures)) {
  test(`${name} is an outcome: ${Object.values(expected).slice(0, 2).join(' ')}`, options, async (t) => {
    const { client } = await connect(t, respond, { timeoutMs: 1000, bodyTimeoutMs: 1000, maxBodyBytes: 1000 });
    const outcome = await settled(await client.get('/a'));
    assert.deepEqual({ ...outcome, ...expected }, outcome);
  });
}

test('a 429 without any word asks for nothing', options, async (t) => {
  const { client } = await connect(t, reply(429, {}, 'Too Many Requests'));
  assert.deepEqual(await client.get('/a'), { kind: 'throttled', detail: 'Too Many Requests', rate: {} });
});

test('a host where nothing listens is an outcome too', options, async (t) => {
  const client = createHttpClient({ baseUrl: 'http://127.0.0.1:1', auth: { kind: 'none' } });
  t.after(() => client[Symbol.asyncDispose]());
  const outcome = await client.get('/a');
  assert.deepEqual(outcome, { kind: 'retry', reason: 'network', detail: 'the connection failed: ECONNREFUSED' });
});

test('keeps its connections, and no more than it may have', options, async (t) => {
  const { client, connections } = await connect(t, reply(200, json, '[1]'), { maxConnections: 3 });
  for (let round = 0; round < 4; round += 1) {
    await Promise.all(Array.from({ length: 10 }, async () => await valueOf(await client.get('/a'))));
  }
  assert.ok(connections() <= 3, `${connections()} connections`);
});

test('a body that is discarded or left half-way gives its connection back', options, async (t) => {
  const endless: Responder = (_request, response) =>
    void response.writeHead(200, json).write(`[${'1,'.repeat(100_000)}`);
  const { client } = await connect(t, endless, { maxConnections: 1 });
  const first = await client.get('/a');
  assert.ok(first.kind === 'ok');
  first.discard();
  const second = await client.get('/a');
  assert.ok(second.kind === 'ok');
  for await (const _chunk of second.body) break;
  const third = await client.get('/a');
  assert.equal(third.kind, 'ok');
});

test('an abort ends a request at once, as what the signal was aborted with', options, async (t) => {
  const { client, answered } = await connect(t, (request, response) => {
    if (request.url?.startsWith('/api/v1/body')) response.writeHead(200, json).write('[1,');
  });
  const reason = new DOMException('stop', 'AbortError');
  const waiting = new AbortController();
  const pending = client.get('/headers', {}, { signal: waiting.signal });
  setTimeout(() => waiting.abort(reason), 50);
  await assert.rejects(pending, reason);

  const reading = new AbortController();
  const outcome = await client.get('/body', {}, { signal: reading.signal });
  assert.equal(outcome.kind, 'ok');
  const rest = settled(outcome);
  reading.abort(reason);
  await assert.rejects(rest, reason);
  await assert.rejects(client.get('/a', {}, { signal: reading.signal }), reason);
  assert.equal(answered.length, 1);
  assert.equal(client.circuitState, 'closed');
});

test('a slow reader is not taken for a slow upstream', options, async (t) => {
  const { client } = await connect(t, reply(200, json, `[${'1,'.repeat(2_000_000)}1]`), {
    bodyTimeoutMs: 300,
    bodyTotalMs: 300,
  });
  const outcome = await client.get('/a');
  assert.ok(outcome.kind === 'ok');
  let chunks = 0;
  for await (const _chunk of outcome.body) {
    chunks += 1;
    if (chunks === 1) await new Promise((resolve) => setTimeout(resolve, 800));
  }
  assert.ok(chunks > 1);
});

test('an upstream that trickles is given up in the end', options, async (t) => {
  const { client } = await connect(
    t,
    (_request, response) => {
      response.writeHead(200, json);
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    },
    { bodyTotalMs: 400 },
  );
  const outcome = await client.get('/a');
  assert.ok(outcome.kind === 'ok');
  await assert.rejects(
    readJson(outcome.body, 1e6),
    (error) => error instanceof BodyError && error.reason === 'timeout',
  );
});

test(
  'the circuit opens on failures of the host, lets one probe through, and closes when that succeeds',
  options,
  async (t) => {
    let healthy = false;
    let requests = 0;
    const states: string[] = [];
    const { client, answered } = await connect(
      t,
      (_request, response) => {
        requests += 1;
        response.writeHead(healthy ? 200 : 500, json).end('[]');
      },
      { circuit: { minRequests: 4, openMs: 300, onChange: (state) => states.push(state) } },
    );
    for (let attempt = 0; attempt < 4; attempt += 1) assert.equal((await client.get('/a')).kind, 'retry');
    assert.equal(client.circuitState, 'open');
    const refused = await client.get('/a');
    assert.ok(
      refused.kind === 'circuit-open' && refused.retryAfterMs > 0 && refused.retryAfterMs <= 300,
      inspect(refused),
    );
    assert.equal(requests, 4);

    const probe = async (): Promise<HttpOutcome> => {
      for (;;) {
        const outcome = await client.get('/a');
        if (outcome.kind !== 'circuit-open') return outcome;
        await new Promise((resolve) => setTimeout(resolve, outcome.retryAfterMs));
      }
    };
    assert.equal((await probe()).kind, 'retry');
    assert.equal(client.circuitState, 'open');
    assert.equal(requests, 5);
    healthy = true;
    assert.equal((await settled(await probe())).kind, 'ok');
    assert.equal(client.circuitState, 'closed');
    assert.deepEqual(states, ['open', 'half-open', 'open', 'half-open', 'closed']);
    assert.deepEqual(answered[0]?.reason, 'status');
    assert.ok(answered.some(({ kind }) => kind === 'circuit-open'));
  },
);

test('a probe that is aborted does not close the circuit', options, async (t) => {
  let answers = true;
  const { promise: probed, resolve: onProbe } = Promise.withResolvers<'probed'>();
  const { client } = await connect(
    t,
    (_request, response) => {
      if (answers) response.writeHead(500).end();
      else onProbe('probed');
    },
    { circuit: { minRequests: 2, openMs: 100 } },
  );
  for (let attempt = 0; attempt < 2; attempt += 1) await client.get('/a');
  assert.equal(client.circuitState, 'open');
  answers = false;
  const abort = new AbortController();
  for (;;) {
    const pending = client.get('/a', {}, { signal: abort.signal });
    const first = await Promise.race([pending, probed]);
    if (first !== 'probed') {
      assert.ok(first.kind === 'circuit-open');
      await new Promise((resolve) => setTimeout(resolve, first.retryAfterMs));
      continue;
    }
    abort.abort();
    await assert.rejects(pending, { name: 'AbortError' });
    break;
  }
  assert.equal(client.circuitState, 'open');
});

test('what an upstream refuses does not open the circuit', options, async (t) => {
  const statuses = [400, 401, 402, 403, 404, 429];
  let next = 0;
  const { client } = await connect(t, (_request, response) => {
    response.writeHead(statuses[next++ % statuses.length] ?? 400, json).end('{}');
  });
  for (let attempt = 0; attempt < 30; attempt += 1) await client.get('/a');
  assert.equal(client.circuitState, 'closed');
});

test('no answer of an upstream that gives everything back lets the key out (I7)', options, async (t) => {
  let status = 200;
  let type = 'application/json';
  const { client } = await connect(t, (request, response) => {
    const given = `${request.url} ${request.headers.authorization ?? ''} ${decodeURIComponent(request.url ?? '')}`;
    response.writeHead(status, {
      'content-type': type,
      location: `http://127.0.0.1:1${request.url}`,
      'x-echo': encodeURI(given),
      'retry-after': given.replace(/[^ -~]/g, ''),
    });
    response.end(status < 300 ? `[${JSON.stringify(given)}` : JSON.stringify({ error: { message: given }, given }));
  });
  const secrets = fc
    .string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' })
    .filter((text) => text.trim() === text);
  const types = fc.constantFrom('application/json', 'text/plain', 'text/html', 'image/png');
  const anyStatus = fc.constantFrom(200, 204, 302, 400, 401, 402, 403, 404, 422, 429, 500, 503);
  await fc.assert(
    fc.asyncProperty(secrets, fc.boolean(), anyStatus, types, async (secret, basic, nextStatus, nextType) => {
      status = nextStatus;
      type = nextType;
      const view = client.withAuth(
        basic ? { kind: 'basic', username: '', password: secret } : { kind: 'query', name: 'api_key', value: secret },
      );
      const outcome = await view.get('/echo');
      const shown = inspect(
        [outcome.kind === 'ok' ? { ...outcome, body: undefined } : outcome, await settled(outcome)],
        { depth: 9 },
      );
      const encoded = Buffer.from(`:${secret}`).toString('base64');
      for (const form of [secret, encodeURIComponent(secret), encoded]) assert.ok(!shown.includes(form), shown);
    }),
    { numRuns: 200 },
  );
});
