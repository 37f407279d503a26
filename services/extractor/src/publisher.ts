import type { ChunkTarget, ClaimedStream } from '@full-sync/database';
import { createProducer, publishDeadLetters, toDeadLetter } from '@full-sync/kafka';
import type { Codec, KafkaClient, OutgoingRecord, Producer } from '@full-sync/kafka';
import { EnvironmentError } from '@full-sync/runtime';
import { maxRawRecordBytes } from '@full-sync/schemas';
import type { DeadLetter, TopicName } from '@full-sync/schemas';
import type { UnfitRecord } from './read-rows.ts';

/** Publishes what chunks read, through one producer that is replaced when it has died. */
export interface Publisher extends AsyncDisposable {
  /** Publishes records and returns how far they reach. @throws ProducerDeadError when some may not have been appended. */
  readonly publish: (
    topic: TopicName,
    records: readonly OutgoingRecord[],
    maxRecords: number | null,
  ) => Promise<readonly Omit<ChunkTarget, 'topic' | 'topicId'>[]>;
  /** Publishes dead letters of a stream; what cannot be written is not settled (I1). @throws ProducerDeadError */
  readonly bury: (stream: ClaimedStream, unfit: readonly UnfitRecord[], failedAt: number) => Promise<void>;
}

export async function createPublisher(
  client: KafkaClient,
  letterCodec: Codec<'outreach.dead-letters'>,
): Promise<Publisher> {
  let current: Promise<Producer> = createProducer(client);
  await current;
  const producer = async (): Promise<Producer> => {
    const held = await current;
    if (!held.dead()) return held;
    // Whoever comes first makes the new one; the others find it.
    if ((await current) === held) {
      current = replace(client, held);
      return await current;
    }
    return await producer();
  };
  return {
    publish: async (topic, records, maxRecords) => {
      if (records.length === 0) return [];
      const acknowledged = await (await producer()).send(topic, records, maxRecords ?? undefined);
      return acknowledged.map(({ partition, lastOffset }) => ({ partition, lastOffset }));
    },
    bury: async (stream, unfit, failedAt) => {
      if (unfit.length === 0) return;
      const letters = unfit.map((record) => toLetter(stream, record, failedAt));
      await publishDeadLetters(await producer(), letterCodec, letters);
    },
    [Symbol.asyncDispose]: async () => {
      await (await current)[Symbol.asyncDispose]();
    },
  };
}

async function replace(client: KafkaClient, dead: Producer): Promise<Producer> {
  try {
    await dead[Symbol.asyncDispose]();
    return await createProducer(client);
  } catch (error) {
    throw new EnvironmentError('No Kafka broker answers any more', {
      hint: 'The extractor ends and repeats its open chunks when it is started again.',
      cause: error,
    });
  }
}

function toLetter(stream: ClaimedStream, unfit: UnfitRecord, failedAt: number): DeadLetter {
  const letter = toDeadLetter(
    {
      stage: 'extractor',
      code: unfit.code,
      detail: unfit.detail,
      pointer: null,
      // By content: a chunk that is repeated does not double it.
      origin: `${stream.streamId}:${unfit.sha256.toString('hex')}:extractor`,
      origin_topic: null,
      origin_partition: null,
      origin_offset: null,
      origin_index: null,
      stream_id: stream.streamId,
      job_id: stream.jobId,
      namespace: stream.namespace,
      platform: stream.platform,
      attempt: stream.attempt + 1,
      failed_at: failedAt,
      record: unfit.record,
    },
    maxRawRecordBytes,
  );
  const truncated = letter.truncated || unfit.record.length < unfit.sizeBytes;
  return { ...letter, record_bytes: unfit.sizeBytes, record_sha256: unfit.sha256, truncated };
}
