import { createRequire } from 'node:module';
import type { Kafka } from 'kafkajs';
import { createCluster } from './cluster.ts';
import type { Cluster, RawRequest, TopicOffsets } from './cluster.ts';
import { readFirstBatch } from './first-batch.ts';
import type { FirstBatch } from './first-batch.ts';
import { untilSettled } from './retrying.ts';

export interface LogBounds {
  /** The first offset still in the log, and the next to be written. */
  readonly start: number;
  readonly end: number;
}

/** Asks the log itself, with as few requests as that takes; for who asks again and again. */
export interface LogReader {
  /** Where the logs of these topics begin and end, by topic and partition. */
  readonly bounds: <Topic extends string>(
    topics: readonly Topic[],
  ) => Promise<ReadonlyMap<Topic, ReadonlyMap<number, LogBounds>>>;
  /**
   * When the record at `offset` was published, ms since 1970, by its own timestamp; null when the log does not hold it.
   * What is asked for again within the batch that was read last of a partition costs nothing.
   */
  readonly timeOf: (topic: string, partition: number, offset: number) => Promise<number | null>;
  /** To be called when a topic was recreated: its offsets begin anew. */
  readonly forget: () => void;
  /** Fetches so far. */
  readonly reads: () => number;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

type EncodeFetch = (options: object) => RawRequest<unknown>['request'];

const nodeRequire = createRequire(import.meta.url);
/** Fetch, version 11 (Kafka protocol guide): the last that kafkajs writes. */
const fetchPath = 'kafkajs/src/protocol/requests/fetch/v11/request.js';
const readUncommitted = 0;
const noReplica = -1;
const noError = 0;
const offsetOutOfRange = 1;

/** `named` gives the names of topics on the broker. Connects at the first question. */
export function createLogReader(kafka: Kafka, named: (topic: string) => string): LogReader {
  const encodeFetch: EncodeFetch = nodeRequire(fetchPath);
  const known = new Map<string, FirstBatch & { readonly asked: number }>();
  let connected: Promise<Cluster> | undefined;
  let reads = 0;
  const connect = async (): Promise<Cluster> => {
    const cluster = createCluster(kafka);
    await cluster.connect();
    return cluster;
  };
  const disconnect = async (): Promise<void> => {
    const cluster = await connected?.catch(() => undefined);
    connected = undefined;
    await cluster?.disconnect();
  };
  const askOnce = async <Answer>(
    topics: readonly string[],
    work: (cluster: Cluster) => Promise<Answer>,
  ): Promise<Answer> => {
    connected ??= connect();
    try {
      const cluster = await connected;
      await cluster.addMultipleTargetTopics(topics);
      return await work(cluster);
    } catch (error) {
      // A leader that moved, or a line that broke: the next question begins with new metadata.
      await disconnect();
      throw error;
    }
  };
  const ask: typeof askOnce = async (topics, work) => await untilSettled(async () => await askOnce(topics, work));
  const fetchBatch = async (topic: string, partition: number, offset: number): Promise<FirstBatch | null> => {
    return await ask([topic], async (cluster) => {
      const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
      if (nodeId === undefined) return null;
      const broker = await cluster.findBroker({ nodeId });
      reads += 1;
      // One byte is asked for: a broker then gives the first batch whole, and nothing more.
      const partitions = [{ partition, fetchOffset: String(offset), maxBytes: 1 }];
      return await broker.connectionPool.send({
        request: encodeFetch({
          replicaId: noReplica,
          maxWaitTime: 0,
          minBytes: 0,
          maxBytes: 1,
          isolationLevel: readUncommitted,
          topics: [{ topic, partitions }],
        }),
        response: {
          decode: async (payload) => payload,
          parse: async (payload) => readFirstBatch(recordsOf(payload), offset),
        },
      });
    });
  };
  const bounds: LogReader['bounds'] = async (topics) => {
    const names = topics.map(named);
    const [starts, ends] = await ask(names, async (cluster) => {
      const wanted = names.map((topic) => ({
        topic,
        partitions: cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId })),
      }));
      const first = await cluster.fetchTopicsOffset(wanted.map((topic) => ({ ...topic, fromBeginning: true })));
      // Later, so that no log ends before it begins.
      const next = await cluster.fetchTopicsOffset(wanted.map((topic) => ({ ...topic, fromBeginning: false })));
      return [first, next];
    });
    const offsets = (answers: readonly TopicOffsets[], topic: string): ReadonlyMap<number, number> => {
      const partitions = answers.find((answer) => answer.topic === topic)?.partitions ?? [];
      return new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    };
    return new Map(
      topics.map((topic) => {
        const start = offsets(starts, named(topic));
        const both = [...offsets(ends, named(topic))].map(([partition, end]) => {
          return [partition, { start: start.get(partition) ?? 0, end }] as const;
        });
        return [topic, new Map(both)];
      }),
    );
  };
  return {
    bounds,
    timeOf: async (topic, partition, offset) => {
      const key = `${topic}:${partition}`;
      const last = known.get(key);
      const isSame = last?.asked === offset || (last?.ofAll === true && liesIn(last, offset));
      if (last !== undefined && isSame) return last.timestampMs;
      const batch = await fetchBatch(named(topic), partition, offset);
      if (batch === null) return null;
      known.set(key, { ...batch, asked: offset });
      return batch.timestampMs;
    },
    forget: () => {
      known.clear();
    },
    reads: () => reads,
    [Symbol.asyncDispose]: disconnect,
  };
}

function liesIn({ firstOffset, lastOffset }: FirstBatch, offset: number): boolean {
  return offset >= firstOffset && offset <= lastOffset;
}

/** The records of the one partition of a Fetch response (version 11), after the correlation id. */
function recordsOf(payload: Buffer): Buffer {
  // throttle time, then the error of the whole, the session and the count of topics
  const error = payload.readInt16BE(4);
  if (error !== noError) throw new FetchError(error);
  let position = 14;
  const topicLength = payload.readInt16BE(position);
  // the topic's name, and the count of partitions
  position += 2 + topicLength + 4;
  const partitionError = payload.readInt16BE(position + 4);
  if (partitionError === offsetOutOfRange) return Buffer.alloc(0);
  if (partitionError !== noError) throw new FetchError(partitionError);
  // partition and error, high watermark, last stable and first offset
  position += 6 + 24;
  const aborted = payload.readInt32BE(position);
  position += 4 + Math.max(0, aborted) * 16 + 4;
  const length = payload.readInt32BE(position);
  return payload.subarray(position + 4, position + 4 + Math.max(0, length));
}

/** Errors of brokers that have yet to learn who leads a partition: unknown topic, no leader, not the leader, unknown epoch. */
const passing: ReadonlySet<number> = new Set([3, 5, 6, 74, 75]);

class FetchError extends Error {
  readonly retriable: boolean;

  constructor(code: number) {
    super(`the broker answered a fetch with error ${code} (Kafka protocol guide, error codes)`);
    this.name = 'FetchError';
    this.retriable = passing.has(code);
  }
}
