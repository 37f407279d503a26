import type { Message, Producer as KafkaJsProducer } from 'kafkajs';
import { FullSyncError } from '@full-sync/runtime';
import type { TopicName } from '@full-sync/schemas';
import type { KafkaClient } from './client.ts';
import { messageOf } from './client.ts';
import type { Acknowledgement, AnyRecord } from './outgoing-record.ts';
import { shareOut, takeGroup } from './group-sends.ts';
import type { PendingSend } from './group-sends.ts';
import type { KafkaInstruments } from './instruments.ts';
import { splitSend } from './split-send.ts';

export interface Producer {
  /**
   * Publishes the records, all in-sync replicas acknowledging (acks=-1), in the order given within each partition.
   * Split by encoded bytes per partition and by `maxRecords` per produce request; sends that wait for the one request
   * in flight go together in the next.
   *
   * @throws ProducerDeadError when the broker did not acknowledge; some records may have been appended. The producer is
   * unusable from then on: kafkajs has rolled its sequence back, and the next record of the same count would be taken
   * for a repeat, acknowledged and lost.
   */
  readonly send: (topic: TopicName, records: readonly AnyRecord[], maxRecords?: number) => Promise<Acknowledgement[]>;
  readonly dead: () => boolean;
  readonly instruments: KafkaInstruments['producer'];
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export class ProducerDeadError extends FullSyncError {
  constructor(message: string, cause?: unknown) {
    super('PRODUCER_DEAD', message, { hint: 'A new producer must be made; the stage repeats its work.', cause });
  }
}

/** Connects an idempotent producer with one request in flight. */
export async function createProducer(client: KafkaClient): Promise<Producer> {
  const producer: KafkaJsProducer = client.kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ message }) =>
        partitionOf(message),
    // Repeats of one send carry the same sequence, so the broker recognises them; only a send given up is fatal.
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, multiplier: 2, factor: 0.2, retries: 8 },
  });
  await producer.connect();
  const instruments = client.instruments.producer;
  const sendTimed = async (topic: TopicName, records: readonly AnyRecord[]): Promise<Acknowledgement[]> => {
    const endTimer = instruments.requestSeconds.startTimer({ topic });
    const acknowledged = await sendOnce(producer, client.named(topic), records);
    endTimer();
    instruments.records.inc({ topic }, records.length);
    return acknowledged;
  };
  let died: ProducerDeadError | undefined;
  const publish = async (topic: TopicName, sends: readonly PendingSend[]): Promise<void> => {
    const [only] = sends;
    try {
      if (sends.length === 1 && only !== undefined) {
        const acknowledged: Acknowledgement[] = [];
        for (const part of splitSend(only.records, only.maxRecords))
          acknowledged.push(...(await sendTimed(topic, part)));
        only.resolve(acknowledged);
        return;
      }
      const records = sends.flatMap((send) => send.records);
      const shares = shareOut(sends, await sendTimed(topic, records));
      for (const [index, send] of sends.entries()) send.resolve(shares[index] ?? []);
    } catch (error) {
      died = new ProducerDeadError(`Publishing to ${topic} failed: ${messageOf(error)}`, error);
      instruments.failures.inc({ topic });
      for (const send of sends) send.reject(died);
    }
  };
  const pending: PendingSend[] = [];
  let pumping = false;
  const pump = async (): Promise<void> => {
    pumping = true;
    for (let group = takeGroup(pending); group.length > 0; group = takeGroup(pending)) {
      const [first] = group;
      if (first === undefined) break;
      if (died) for (const send of group) send.reject(died);
      else await publish(first.topic, group);
    }
    pumping = false;
  };

  return {
    send: (topic, records, maxRecords) => {
      const { promise, resolve, reject } = Promise.withResolvers<Acknowledgement[]>();
      if (records.length === 0) resolve([]);
      else pending.push({ topic, records, maxRecords, resolve, reject });
      if (!pumping) void pump();
      return promise;
    },
    dead: () => died !== undefined,
    instruments,
    [Symbol.asyncDispose]: () => producer.disconnect(),
  };
}

async function sendOnce(
  producer: KafkaJsProducer,
  topic: string,
  records: readonly AnyRecord[],
): Promise<Acknowledgement[]> {
  const counts = new Map<number, number>();
  for (const { partition } of records) counts.set(partition, (counts.get(partition) ?? 0) + 1);
  const answers = await producer.send({ topic, acks: -1, timeout: 30_000, messages: records.map(toMessage) });
  const acknowledged: Acknowledgement[] = [];
  for (const answer of answers) {
    const count = counts.get(answer.partition);
    const firstOffset = Number(answer.baseOffset ?? Number.NaN);
    if (count === undefined || !(firstOffset >= 0))
      throw new Error(`acknowledgement without an offset for ${topic}/${answer.partition}`);
    counts.delete(answer.partition);
    acknowledged.push({ partition: answer.partition, firstOffset, lastOffset: firstOffset + count - 1 });
  }
  if (counts.size > 0) throw new Error(`partitions ${[...counts.keys()].join(', ')} of ${topic} not acknowledged`);
  return acknowledged;
}

function toMessage(record: AnyRecord): Message {
  const message: Message = { partition: record.partition, key: record.key, value: record.value };
  return record.headers === undefined ? message : { ...message, headers: { ...record.headers } };
}

function partitionOf(message: Message): number {
  if (message.partition === undefined) throw new Error('a record without a partition');
  return message.partition;
}
