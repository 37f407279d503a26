import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

/** Host and port of something that listens. */
export type Endpoint = { readonly host: string; readonly port: number };

/**
 * Looks at the bytes of one connection on their way, and may change or hold them. `request` sees what the client sends, `reply` what the
 * server answers; both return the bytes to pass on. `reply` may return 'drop': nothing is passed on and the connection is reset.
 */
export type Tap = {
  readonly request: (bytes: Buffer) => Buffer;
  readonly reply: (bytes: Buffer) => Buffer | 'drop';
};

/** A TCP proxy that can be made to fail; disposing of it closes everything. */
export type TcpProxy = AsyncDisposable &
  Endpoint & {
    /** How many connections are open now. */
    readonly connections: () => number;
    /** Resets all open connections (both sides see ECONNRESET); new ones are accepted as before. */
    readonly cut: () => void;
    /** Resets all open connections and every new one until `accept()`: the server is gone. */
    readonly refuse: () => void;
    /** Takes new connections again. */
    readonly accept: () => void;
    /** Passes nothing on in either direction, but keeps connections open and takes new ones: a half-open network. */
    readonly pause: () => void;
    /** Passes on what was held back, and all that follows. */
    readonly resume: () => void;
    /**
     * Lets the next request through and then loses its reply: the first connection that sends a request matching `request` (any, unless
     * told) is reset at the next reply instead of passing it on. Resolves when that has happened. Requests already on their way when it is called
     * may take the blame; for Kafka use `createKafkaProxy`, which tells replies apart.
     */
    readonly dropReplyOnce: (request?: (bytes: Buffer) => boolean) => Promise<void>;
  };

/** What to stand in front of; `tap` is called once per connection. */
export type TcpProxyOptions = { readonly target: Endpoint; readonly tap?: () => Tap };

type Link = { readonly client: Socket; readonly server: Socket };

const passOn: Tap = { request: (bytes) => bytes, reply: (bytes) => bytes };

/**
 * Resets a connection. One that is shutting down already is only closed: a reset would be refused by libuv, its handle
 * would stay open for ever, and the process would spin at its end.
 */
function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** Starts a proxy on a free port of the loopback address in front of `target`, for `await using`. */
export async function createTcpProxy({ target, tap = () => passOn }: TcpProxyOptions): Promise<TcpProxy> {
  const links = new Set<Link>();
  let paused = false;
  let refusing = false;
  let armed: { readonly matches: (bytes: Buffer) => boolean; readonly done: () => void } | null = null;

  const open = (client: Socket): void => {
    if (refusing) {
      resetSocket(client);
      return;
    }
    const server = connect({ ...target, noDelay: true });
    const link: Link = { client: client.setNoDelay(), server };
    links.add(link);
    const bytes = tap();
    let losesReply: (() => void) | null = null;

    client.on('data', (chunk: Buffer) => {
      if (armed !== null && armed.matches(chunk)) {
        losesReply = armed.done;
        armed = null;
      }
      send(client, server, bytes.request(chunk));
    });
    server.on('data', (chunk: Buffer) => {
      const reply = losesReply === null ? bytes.reply(chunk) : 'drop';
      if (reply === 'drop') {
        reset(link);
        losesReply?.();
      } else {
        send(server, client, reply);
      }
    });
    for (const [socket, peer] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('end', () => peer.end());
      // A reset on one side is passed on as a reset: the error itself is what the other side is meant to see.
      socket.on('error', () => resetSocket(peer));
      socket.on('close', () => {
        links.delete(link);
        peer.destroySoon();
      });
    }
    if (paused) hold(link);
  };

  const reset = ({ client, server }: Link): void => {
    resetSocket(client);
    resetSocket(server);
  };
  const resetAll = (): void => {
    for (const link of links) reset(link);
  };
  const listener = createServer({ allowHalfOpen: true }, open).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');

  return {
    host: '127.0.0.1',
    port: address.port,
    connections: () => links.size,
    cut: resetAll,
    refuse() {
      refusing = true;
      resetAll();
    },
    accept() {
      refusing = false;
    },
    pause() {
      paused = true;
      for (const link of links) hold(link);
    },
    resume() {
      paused = false;
      for (const { client, server } of links) {
        client.resume();
        server.resume();
      }
    },
    dropReplyOnce(request = () => true) {
      return new Promise((resolve) => {
        armed = { matches: request, done: resolve };
      });
    },
    async [Symbol.asyncDispose]() {
      const closed = once(listener, 'close');
      listener.close();
      resetAll();
      await closed;
    },
  };

  function send(from: Socket, to: Socket, bytes: Buffer): void {
    if (bytes.length === 0 || to.write(bytes)) return;
    from.pause();
    to.once('drain', () => {
      if (!paused) from.resume();
    });
  }

  function hold({ client, server }: Link): void {
    client.pause();
    server.pause();
  }
}
