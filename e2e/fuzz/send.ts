import { Agent, request } from 'node:http';
import type { Reply } from './document.ts';
import type { WireRequest } from './requests.ts';

/** Sends requests byte by byte as they are made, over connections of its own. */
export interface Sender extends Disposable {
  readonly send: (request: WireRequest) => Promise<Reply>;
}

const deadlineMs = 60_000;

/** Opens a sender to the API at `url`. `send` throws when an answer does not come within a minute or is none. */
export function openSender(url: string): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const attempt = (wire: WireRequest): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(url);
      const { method, path, headers } = wire;
      const body = wire.body === null ? null : Buffer.from(wire.body, 'latin1');
      const length = body === null ? {} : { 'content-length': String(body.length) };
      const sent = request({ agent, hostname, port, method, path, headers: { ...headers, ...length } });
      sent.setTimeout(deadlineMs, () => sent.destroy(new Error(`no answer within ${deadlineMs} ms`)));
      sent.once('error', reject);
      sent.once('response', (answer) => {
        const contentType = answer.headers['content-type'] ?? 'none';
        const chunks: Buffer[] = [];
        const settle = (): void =>
          resolve({ status: answer.statusCode ?? 0, contentType, text: Buffer.concat(chunks).toString() });
        answer.once('error', reject);
        answer.once('end', settle);
        answer.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          // A stream of events ends when its job does; its first event is enough.
          if (!contentType.startsWith('text/event-stream') || !/^data: [^\n]*\n\n/m.test(String(chunk))) return;
          settle();
          answer.removeAllListeners('error').once('error', () => undefined);
          answer.destroy();
        });
      });
      sent.end(body);
    });
  return {
    send: async (wire) => {
      try {
        return await attempt(wire);
      } catch (error) {
        // A server that refuses a request closes its connection, which may meet the next request or the rest of this one.
        if (error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE'))
          return await attempt(wire);
        throw error;
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}
