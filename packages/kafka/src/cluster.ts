import type { Kafka } from 'kafkajs';

/*
 * What kafkajs does not offer is asked for over its own connections, so that TLS, SASL and retries are its business. The
 * types are of what is used, as in kafkajs 2.2.4.
 */

export interface Encoder {
  readonly buffer: Buffer;
  writeBuffer(buffer: Buffer): Encoder;
}

export interface RawRequest<Answer> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    readonly encode: () => Promise<Encoder>;
  };
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<Buffer>;
    readonly parse: (payload: Buffer) => Promise<Answer>;
  };
}

export interface Broker {
  readonly connectionPool: { send<Answer>(request: RawRequest<Answer>): Promise<Answer> };
}

export interface TopicOffsets {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
}

export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findControllerBroker(): Promise<Broker>;
  findBroker(options: { readonly nodeId: string }): Promise<Broker>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
  fetchTopicsOffset(
    topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number }[];
      /** The first offset in the log, else the next to be written. */
      readonly fromBeginning: boolean;
    }[],
  ): Promise<readonly TopicOffsets[]>;
  /** Partition numbers by the id of the broker that leads them. */
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
}

type CreateCluster = (options: {
  readonly metadataMaxAge: number;
  readonly allowAutoTopicCreation: boolean;
}) => Cluster;

/** A cluster of connections beside those of the client; whoever makes it connects and disconnects it. */
export function createCluster(kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find((s) => s.description === 'private:Kafka:createCluster');
  const create: CreateCluster | undefined = symbol === undefined ? undefined : Reflect.get(kafka, symbol);
  if (create === undefined) throw new Error('kafkajs has no private:Kafka:createCluster; is it still 2.2.4?');
  return create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false });
}
