import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { createTcpProxy } from './tcp-proxy.ts';
import type { Endpoint } from './tcp-proxy.ts';
import { waitFor } from './wait-for.ts';

/** A server that answers every chunk with the same bytes, and remembers what it was sent. */
async function startEcho(): Promise<Endpoint & AsyncDisposable & { readonly received: () => string }> {
  let received = '';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // The proxy resets connections: that is what these tests are about.
    socket.on('error', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      received += chunk.toString();
      socket.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    host: '127.0.0.1',
    port: address.port,
    received: () => received,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** A client that keeps what it gets and how its connection ended. */
function startClient({ host, port }: Endpoint) {
  const socket = connect({ host, port, noDelay: true });
  let text = '';
  let error = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.on('error', (failure: NodeJS.ErrnoException) => (error = failure.code ?? failure.message));
  const gets = (expected: string) => waitFor(() => text === expected, { what: `"${expected}", has "${text}"` });
  const fails = (code: string) => waitFor(() => error === code, { what: `${code}, has "${error}"` });
  return { socket, text: () => text, gets, fails, [Symbol.dispose]: () => socket.destroy() };
}

test('passes bytes on in both directions, large amounts too', async () => {
  await using echo = await startEcho();
  await using proxy = await createTcpProxy({ target: echo });
  using client = startClient(proxy);
  const large = 'x'.repeat(5_000_000);
  client.socket.write(large);
  await waitFor(() => client.text().length === large.length, { what: 'all bytes to come back' });
  assert.equal(proxy.connections(), 1);
});

test('cut resets what is open and lets new connections in', async () => {
  await using echo = await startEcho();
  await using proxy = await createTcpProxy({ target: echo });
  using client = startClient(proxy);
  client.socket.write('a');
  await client.gets('a');
  proxy.cut();
  await client.fails('ECONNRESET');
  using next = startClient(proxy);
  next.socket.write('b');
  await next.gets('b');
});

test('refuse turns everybody away until accept', async () => {
  await using echo = await startEcho();
  await using proxy = await createTcpProxy({ target: echo });
  proxy.refuse();
  using client = startClient(proxy);
  await client.fails('ECONNRESET');
  proxy.accept();
  using next = startClient(proxy);
  next.socket.write('b');
  await next.gets('b');
});

test('pause leaves connections open and silent, resume delivers what was held back', async () => {
  await using echo = await startEcho();
  await using proxy = await createTcpProxy({ target: echo });
  using before = startClient(proxy);
  before.socket.write('a');
  await before.gets('a');
  proxy.pause();
  using during = startClient(proxy);
  await once(during.socket, 'connect');
  before.socket.write('b');
  during.socket.write('c');
  // Silence is proven by a second way to the same server: what was written before has had its chance.
  using direct = startClient(echo);
  direct.socket.write('d');
  await direct.gets('d');
  assert.equal(echo.received(), 'ad');
  proxy.resume();
  await before.gets('ab');
  await during.gets('c');
});

test('a reply lost after the request was carried out: the server has it, the client sees a reset', async () => {
  await using echo = await startEcho();
  await using proxy = await createTcpProxy({ target: echo });
  using bystander = startClient(proxy);
  bystander.socket.write('x');
  await bystander.gets('x');
  const dropped = proxy.dropReplyOnce((bytes) => bytes.toString() === 'write');
  using client = startClient(proxy);
  client.socket.write('hello');
  await client.gets('hello');
  client.socket.write('write');
  await client.fails('ECONNRESET');
  await dropped;
  assert.equal(client.text(), 'hello');
  assert.equal(echo.received(), 'xhellowrite');
  bystander.socket.write('write');
  await bystander.gets('xwrite');
});

test('a server that is gone ends the client, and a client that ends is told to the server', async () => {
  const echo = await startEcho();
  await using proxy = await createTcpProxy({ target: echo });
  using client = startClient(proxy);
  client.socket.write('a');
  await client.gets('a');
  client.socket.end();
  await once(client.socket, 'close');
  await waitFor(() => proxy.connections() === 0, { what: 'the connection to end on both sides' });
  await echo[Symbol.asyncDispose]();
  using late = startClient(proxy);
  await late.fails('ECONNRESET');
});
