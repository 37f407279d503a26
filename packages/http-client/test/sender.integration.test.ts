import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Sender, SenderOptions } from '../src/index.ts';
import { createSender } from '../src/index.ts';

async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
  options: Partial<SenderOptions> = {},
): Promise<Sender> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      answer(request, response, body);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const sender = createSender({
    baseUrl: `http://127.0.0.1:${port}/v2`,
    timeoutMs: 2000,
    maxConnections: 2,
    circuit: 'none',
    ...options,
  });
  t.after(async () => {
    await sender[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  return sender;
}

test('sends method, path, query, headers and body, and gives back what was answered, whatever its status', async (t) => {
  const sender = await serve(t, (request, response, body) => {
    response.writeHead(422, { 'x-execution': 'e1' });
    response.end(`${request.method} ${request.url} ${request.headers['content-type']} ${body}`);
  });
  const sent = await sender.send({
    method: 'PUT',
    path: '/objects/people',
    query: { matching: 'email addresses', left: undefined },
    headers: { 'content-type': 'application/json' },
    body: '{"a":"é"}',
  });
  assert.ok(sent.kind === 'answered');
  assert.deepEqual([sent.status, sent.headers['x-execution']], [422, 'e1']);
  assert.equal(sent.text, 'PUT /v2/objects/people?matching=email+addresses application/json {"a":"é"}');
});

test('reads gzip, and cuts an answer that is longer than its bound', async (t) => {
  const sender = await serve(
    t,
    (request, response) => {
      const isZipped = request.url === '/v2/zipped';
      response.writeHead(200, isZipped ? { 'content-encoding': 'gzip' } : {});
      response.end(isZipped ? gzipSync('hello') : 'x'.repeat(200_000));
    },
    { maxAnswerBytes: 100_000 },
  );
  const zipped = await sender.send({ method: 'GET', path: '/zipped', headers: {} });
  assert.equal(zipped.kind === 'answered' && zipped.text, 'hello');
  const long = await sender.send({ method: 'GET', path: '/long', headers: {} });
  assert.ok(long.kind === 'answered' && long.text.length <= 100_000);
});

test('silence and a broken connection are outcomes of their own', async (t) => {
  const sender = await serve(
    t,
    (request) => {
      if (request.url === '/v2/broken') request.socket.resetAndDestroy();
    },
    { timeoutMs: 100 },
  );
  const broken = await sender.send({ method: 'POST', path: '/broken', headers: {}, body: 'x' });
  assert.deepEqual([broken.kind, broken.kind === 'unanswered' && broken.reason], ['unanswered', 'network']);
  const silent = await sender.send({ method: 'POST', path: '/silent', headers: {}, body: 'x' });
  assert.deepEqual(silent, { kind: 'unanswered', reason: 'timeout', detail: 'no answer within 100 ms' });
});

test('an abort is thrown, and a request that was not to be sent is not', async (t) => {
  let asked = 0;
  const sender = await serve(t, () => (asked += 1));
  const stop = new AbortController();
  const pending = sender.send({ method: 'POST', path: '/x', headers: {}, signal: stop.signal });
  stop.abort(new Error('drain'));
  await assert.rejects(pending, /drain/);
  await assert.rejects(sender.send({ method: 'POST', path: '/x', headers: {}, signal: stop.signal }), /drain/);
  assert.ok(asked <= 1);
});

test('the circuit opens on failures of the host, not on refusals, and says how long to stay away', async (t) => {
  let status = 400;
  let asked = 0;
  const sender = await serve(
    t,
    (_request, response) => {
      asked += 1;
      response.writeHead(status).end();
    },
    { circuit: { minRequests: 3, openMs: 60_000 } },
  );
  const send = (): ReturnType<Sender['send']> => sender.send({ method: 'POST', path: '/x', headers: {} });
  for (let i = 0; i < 5; i++) assert.equal((await send()).kind, 'answered');
  status = 503;
  let sent = await send();
  for (let i = 0; i < 20 && sent.kind === 'answered'; i++) sent = await send();
  assert.ok(sent.kind === 'circuit-open' && sent.retryAfterMs > 0 && sent.retryAfterMs <= 60_000);
  const before = asked;
  await send();
  assert.equal(asked, before);
  assert.equal(sender.circuitState, 'open');
});
