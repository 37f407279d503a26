import { hostname } from 'node:os';
import { claimReplay, commitChunk, readLettersToReplay, storeReplayPositions } from '@full-sync/database';
import type { ChunkCommit, ChunkTarget, ClaimedReplay, Database, ReplayedAt } from '@full-sync/database';
import { createProducer, ProducerDeadError } from '@full-sync/kafka';
import type { Acknowledgement, Codec, KafkaClient } from '@full-sync/kafka';
import type { Clock, Health, Logger } from '@full-sync/runtime';
import { rawTopic, writeWishes } from '@full-sync/schemas';
import type { Platform } from '@full-sync/schemas';
import { isUnreachable } from './answer-errors.ts';
import { rebuildRaw } from './domain/rebuild-raw.ts';
import type { RebuiltRecord } from './domain/rebuild-raw.ts';
import type { LetterReader } from './letter-reader.ts';
import type { ApiMetrics } from './metrics.ts';

export interface ReplayDeps {
  readonly db: Database;
  readonly client: KafkaClient;
  readonly letters: LetterReader;
  readonly rawCodecs: Readonly<Record<Platform, Pick<Codec<'outreach.smartlead.raw'>, 'encode'>>>;
  readonly metrics: ApiMetrics;
  readonly logger: Logger;
  readonly health: Health;
  readonly clock: Clock;
}

/** Bounds of one chunk, which is published and committed at once. */
const maxLetters = 500;
const maxBytes = 4_194_304;
/** Longer than a chunk takes; should it not be, the chunk is repeated by another copy, and its records are repeats. */
const leaseMs = 60_000;
const lookEveryMs = 500;
const brokerWaitMs = 2_000;

/**
 * Publishes the letters of replays to their raw topics until `signal` is aborted, chunk by chunk: the place in the list
 * moves only with the offsets of what was published (I1). Any number of copies may do this at once.
 */
export async function publishReplays(deps: ReplayDeps, signal: AbortSignal): Promise<void> {
  const { clock, health, logger } = deps;
  const owner = `${hostname()}:${process.pid}`;
  let failing = false;
  while (!signal.aborted) {
    let worked = false;
    try {
      const replay = await claimReplay(deps.db.pool, { owner, leaseMs });
      if (replay !== null) {
        await publishChunk(deps, replay);
        worked = true;
      }
      failing = false;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      if (!failing) logger.warn({ err: error }, 'replays wait for the database');
      failing = true;
    }
    health.beat('replays');
    if (!worked) await clock.sleep(lookEveryMs, signal);
  }
}

type ReplayedRecord = RebuiltRecord & { readonly id: number; readonly destinations: readonly string[] };

type Settled = Pick<ChunkCommit, 'progress' | 'outcome' | 'warning' | 'abandoned'>;

async function publishChunk(deps: ReplayDeps, replay: ClaimedReplay): Promise<void> {
  const { letters, left } = await readLettersToReplay(deps.db.pool, replay, { limit: maxLetters, maxBytes });
  await deps.letters.prepare(letters.map(({ record }) => record));
  const { jobId, namespace, platform, streamId, chunksCommitted } = replay;
  const envelope = { job_id: jobId, stream_id: streamId, chunk: chunksCommitted, namespace, platform };
  const records: ReplayedRecord[] = [];
  const faults: string[] = [];
  for (const letter of letters) {
    const rebuilt = rebuildRaw(letter, envelope, deps.letters);
    const { id, destinations } = letter;
    if (rebuilt.kind === 'record') records.push({ ...rebuilt, id, destinations });
    else faults.push(`letter ${letter.id} was left out: ${rebuilt.why}`);
  }
  const commit = async (settled: Settled, positions: readonly ReplayedAt[]): Promise<void> => {
    const chunk = { streamId, epoch: replay.epoch, jobId, ...settled };
    await commitChunk(deps.db, chunk, async (tx) => {
      await storeReplayPositions(tx, jobId, positions);
    });
  };
  try {
    const { positions, targets } = await publish(deps, records);
    const after = letters.at(-1)?.id ?? replay.afterId;
    const progress = {
      continuation: { after },
      records: records.length,
      recordsExpected: replay.recordsCommitted + records.length + left,
      shareDone: left === 0 ? 1 : 0,
      targets,
      newStreams: [],
      cursor: null,
    };
    const warning = faults.length === 0 ? null : faults.slice(0, 10).join('; ');
    const outcome = { kind: left === 0 ? 'done' : 'open' } as const;
    await commit({ progress, outcome, warning, abandoned: false }, positions);
    deps.metrics.lettersReplayed.inc({}, records.length);
  } catch (error) {
    if (!(error instanceof ProducerDeadError)) throw error;
    deps.logger.warn({ err: error, jobId }, 'a replay waits for the broker');
    const attempt = replay.attempt + 1;
    const outcome = { kind: 'waiting', waitMs: brokerWaitMs, waitingFor: 'the broker', attempt } as const;
    await commit({ progress: null, outcome, warning: null, abandoned: true }, []);
  }
}

/** Publishes the records and says where each went; they are seldom enough for a producer of their own. */
async function publish(
  deps: ReplayDeps,
  records: readonly ReplayedRecord[],
): Promise<{ readonly positions: readonly ReplayedAt[]; readonly targets: readonly ChunkTarget[] }> {
  const [first] = records;
  if (first === undefined) return { positions: [], targets: [] };
  const topic = rawTopic(first.platform);
  const topicId = (await deps.client.offsets.topicIds([topic])).get(topic);
  if (topicId === undefined) throw new Error(`the topic ${topic} vanished`);
  const codec = deps.rawCodecs[first.platform];
  const outgoing = records.map(({ partition, key, raw, destinations }) => {
    const headers = writeWishes({ destinations, redrive: true });
    const value = codec.encode(raw);
    return headers === undefined ? { partition, key, value } : { partition, key, value, headers };
  });
  const acknowledged = await send(deps.client, topic, outgoing);
  const offsets = offsetsOf(acknowledged);
  const positions = records.map(({ id, partition }): ReplayedAt => {
    const offset = offsets.get(partition)?.shift();
    if (offset === undefined) throw new Error(`a record for ${topic}/${partition} was not acknowledged`);
    return { id, topicId, partition, offset };
  });
  const last = new Map<number, number>();
  for (const { partition, lastOffset } of acknowledged)
    last.set(partition, Math.max(lastOffset, last.get(partition) ?? 0));
  const targets = Array.from(last, ([partition, lastOffset]) => ({ topic, topicId, partition, lastOffset }));
  return { positions, targets };
}

async function send(client: KafkaClient, ...what: Parameters<Awaited<ReturnType<typeof createProducer>>['send']>) {
  await using producer = await createProducer(client);
  return await producer.send(...what);
}

/** The offsets of each partition in the order in which its records were sent. */
function offsetsOf(acknowledged: readonly Acknowledgement[]): Map<number, number[]> {
  const offsets = new Map<number, number[]>();
  for (const { partition, firstOffset, lastOffset } of acknowledged) {
    const known = offsets.get(partition) ?? [];
    for (let offset = firstOffset; offset <= lastOffset; offset += 1) known.push(offset);
    offsets.set(partition, known);
  }
  return offsets;
}
