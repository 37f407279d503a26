import { apiKeyOf, createFrameReader, replyIdOf, requestIdOf } from './kafka-frames.ts';
import { createTcpProxy } from './tcp-proxy.ts';
import type { Endpoint, Tap, TcpProxy } from './tcp-proxy.ts';

/** Numbers of the Kafka APIs whose replies tests lose. */
export const kafkaApi = { produce: 0, fetch: 1, offsetCommit: 8, heartbeat: 12 } as const;

/** A proxy in front of a broker that knows the Kafka protocol. */
export type KafkaProxy = Omit<TcpProxy, 'dropReplyOnce'> & {
  /** `host:port`, for `KAFKA_BROKERS`. */
  readonly brokers: string;
  /**
   * Loses the reply to the next request of the given API (Produce unless told): the broker has carried the request out and answered, and
   * the client sees a reset instead. Resolves when that has happened.
   */
  readonly dropReplyOnce: (api?: number) => Promise<void>;
  /** How many requests of an API have passed, on all connections. */
  readonly requests: (api: number) => number;
};

/**
 * Starts a proxy in front of the single broker `brokers` (`host:port`). Where the broker tells its clients its own address, they are told the
 * proxy's instead, so that nothing they do goes around it.
 */
export async function createKafkaProxy(brokers: string): Promise<KafkaProxy> {
  const target = endpointOf(brokers);
  const counts = new Map<number, number>();
  let armed: { readonly api: number; readonly done: () => void } | null = null;
  let rewrite = (frame: Buffer): Buffer => frame;

  const tap = (): Tap => {
    const requests = createFrameReader();
    const replies = createFrameReader();
    let lost: { readonly id: number; readonly done: () => void } | null = null;
    return {
      request(bytes) {
        for (const frame of requests.take(bytes)) {
          const api = apiKeyOf(frame);
          counts.set(api, (counts.get(api) ?? 0) + 1);
          if (armed?.api !== api) continue;
          lost = { id: requestIdOf(frame), done: armed.done };
          armed = null;
        }
        return bytes;
      },
      reply(bytes) {
        const frames = replies.take(bytes);
        if (lost !== null && frames.some((frame) => replyIdOf(frame) === lost?.id)) {
          lost.done();
          return 'drop';
        }
        return Buffer.concat(frames.map((frame) => rewrite(frame)));
      },
    };
  };

  const proxy = await createTcpProxy({ target, tap });
  const here = addressBytes(target, proxy.port);
  const there = addressBytes(target, target.port);
  rewrite = (frame) => replaceAll(frame, there, here);
  return {
    ...proxy,
    brokers: `${proxy.host}:${proxy.port}`,
    requests: (api) => counts.get(api) ?? 0,
    dropReplyOnce(api = kafkaApi.produce) {
      return new Promise((resolve) => {
        armed = { api, done: resolve };
      });
    },
  };
}

/** How Metadata and FindCoordinator replies spell a broker's address: the host's text and then the port in four bytes. */
function addressBytes({ host }: Endpoint, port: number): Buffer {
  const bytes = Buffer.alloc(host.length + 4);
  bytes.write(host, 'latin1');
  bytes.writeInt32BE(port, host.length);
  return bytes;
}

/** Replaces `from` by `to` of the same length, so that no length field around it changes. */
function replaceAll(frame: Buffer, from: Buffer, to: Buffer): Buffer {
  let at = frame.indexOf(from);
  if (at < 0) return frame;
  const copy = Buffer.from(frame);
  for (; at >= 0; at = copy.indexOf(from, at + to.length)) to.copy(copy, at);
  return copy;
}

function endpointOf(brokers: string): Endpoint {
  const [, host, port] = /^([^:,]+):(\d+)$/.exec(brokers) ?? [];
  if (host === undefined || port === undefined) throw new Error(`expected one broker as host:port, got "${brokers}"`);
  return { host, port: Number(port) };
}
