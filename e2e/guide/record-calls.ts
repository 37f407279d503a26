import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** One call of a snippet and what came back. */
export interface Call {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly authorization: string | null;
  readonly status: number;
  readonly body: string;
}

/** Stands between the snippets and the API. */
export interface Recorder extends AsyncDisposable {
  readonly url: string;
  /** Answers as soon as `whenIdle` has come true. */
  readonly idleUrl: string;
  /** The calls since it was asked last. */
  readonly take: () => readonly Call[];
}

const idlePath = '/-/idle';

/** Passes every call on to the API at `api` as it came, and keeps what was asked and answered. */
export async function recordCalls(api: string, whenIdle: () => Promise<void>): Promise<Recorder> {
  let calls: Call[] = [];
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      if (incoming.url === idlePath) {
        await whenIdle();
        outgoing.end();
        return;
      }
      const { method = 'GET', url = '/', headers } = incoming;
      const sent = request(new URL(url, api), { method, headers: { ...headers, host: new URL(api).host } });
      sent.end(await text(incoming));
      const [answer] = await once(sent, 'response');
      const body = await text(answer);
      const path = url.split('?')[0] ?? url;
      const authorization = headers.authorization ?? null;
      calls.push({ method, path, authorization, status: answer.statusCode, body });
      outgoing.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] ?? 'text/plain' });
      outgoing.end(body);
    })().catch((error: unknown) => {
      outgoing.writeHead(502).end(String(error));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    idleUrl: `${url}${idlePath}`,
    take: () => {
      const taken = calls;
      calls = [];
      return taken;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
