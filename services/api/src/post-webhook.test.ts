import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { postWebhook } from './post-webhook.ts';
import type { PostOptions, PostOutcome } from './post-webhook.ts';

interface Receiver extends AsyncDisposable {
  readonly port: number;
  readonly got: { readonly path: string; readonly body: string; readonly headers: IncomingMessage['headers'] }[];
  connections: number;
}

async function receiver(answer: (response: ServerResponse) => void): Promise<Receiver> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      result.got.push({ path: request.url ?? '', body, headers: request.headers });
      answer(response);
    });
  });
  server.on('connection', () => {
    result.connections += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const result: Receiver = {
    port: address.port,
    got: [],
    connections: 0,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return result;
}

async function post(url: string, options: Partial<PostOptions> = {}): Promise<PostOutcome> {
  return await postWebhook(
    { url, headers: { 'webhook-id': 'msg_1' }, body: '{"a":"ä"}' },
    { allowPrivate: true, timeoutMs: 5_000, ...options },
  );
}

test('a 2xx is a success, anything else is not, and a redirect leads nowhere', async () => {
  for (const [status, error] of [
    [200, null],
    [204, null],
    [302, 'the receiver answered 302, and redirects are not followed'],
    [404, 'the receiver answered 404'],
    [500, 'the receiver answered 500'],
  ] as const) {
    await using there = await receiver((response) => {
      response.writeHead(status, { location: '/elsewhere', 'retry-after': '7' }).end();
    });
    assert.deepEqual(await post(`http://127.0.0.1:${there.port}/hook?token=t`), {
      httpStatus: status,
      error,
      askedMs: 7_000,
    });
    assert.deepEqual(
      there.got.map(({ path, body, headers }) => [path, body, headers['webhook-id'], headers['content-length']]),
      [['/hook?token=t', '{"a":"ä"}', 'msg_1', '10']],
    );
  }
});

test('a receiver that does not answer, or answers without end, holds nobody up', async () => {
  await using silent = await receiver(() => undefined);
  assert.deepEqual(await post(`http://127.0.0.1:${silent.port}/`, { timeoutMs: 200 }), {
    httpStatus: null,
    error: 'no answer within 0.2 s',
    askedMs: null,
  });
  await using endless = await receiver((response) => {
    response.writeHead(200);
    const more = (): void => {
      if (response.writable && !response.destroyed) response.write('x'.repeat(16_384), more);
    };
    more();
  });
  assert.equal((await post(`http://127.0.0.1:${endless.port}/`)).error, null);
});

test('a failure is told without path and query, which may be secret', async () => {
  const { port } = await receiver(() => undefined).then(async (there) => {
    await there[Symbol.asyncDispose]();
    return there;
  });
  const outcome = await post(`http://127.0.0.1:${port}/hidden?token=hidden`);
  assert.equal(outcome.error, 'the connection failed: ECONNREFUSED');
  const unresolved = await post('http://hooks.example/hidden', {
    allowPrivate: false,
    resolve: async () => await Promise.reject(Object.assign(new Error('hooks.example'), { code: 'ENOTFOUND' })),
  });
  assert.equal(unresolved.error, 'the connection failed: ENOTFOUND');
  assert.equal((await post('nonsense')).error, 'the connection failed: ERR_INVALID_URL');
});

test('a name that turns private after it was checked is not connected to', async () => {
  await using there = await receiver((response) => response.end());
  const url = `http://hooks.example:${there.port}/`;
  const rebound = { resolve: async () => [{ address: '127.0.0.1', family: 4 }] };
  const refused = await post(url, { ...rebound, allowPrivate: false });
  assert.match(refused.error ?? '', /^refused: 127\.0\.0\.1 is not a public address/);
  const mixed = {
    resolve: async () => [
      { address: '8.8.8.8', family: 4 },
      { address: '::1', family: 6 },
    ],
  };
  assert.match((await post(url, { ...mixed, allowPrivate: false })).error ?? '', /^refused: ::1/);
  for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', '2130706433', 'localhost', 'a.localhost'])
    assert.match(
      (await post(`http://${host}:${there.port}/`, { allowPrivate: false })).error ?? '',
      /^refused: /,
      host,
    );
  assert.equal(there.connections, 0);
  // The same with the guard lifted: the receiver is really there.
  assert.equal((await post(`http://127.0.0.1:${there.port}/`)).error, null);
  assert.equal(there.connections, 1);
});
