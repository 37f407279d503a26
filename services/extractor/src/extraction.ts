import { hostname } from 'node:os';
import type { Database } from '@full-sync/database';
import type { KafkaClient, Serde } from '@full-sync/kafka';
import type { Clock, ServiceScope } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import { createByteBudget } from './byte-budget.ts';
import { claimStreams } from './claim-loop.ts';
import type { ExtractorConfig } from './config.ts';
import type { ChunkTools } from './chunk.ts';
import type { ExtractorMetrics } from './metrics.ts';
import { createPressure } from './pressure.ts';
import { createPublisher } from './publisher.ts';
import type { Upstream } from './upstreams.ts';

/** Bytes of records that all chunks of this process may hold at once. */
const bytesInFlight = 33_554_432;
const hourMs = 3_600_000;
/** From the beginning of a drain until requests that are still under way are let go, ms. */
const cutOffMs = 10_000;

/** Starts one claim loop per account, and the watch over the stages behind them; they run until the drain. */
export async function startExtraction(parts: {
  readonly scope: ServiceScope;
  readonly config: ExtractorConfig;
  readonly database: Database;
  readonly client: KafkaClient;
  readonly serde: Serde;
  readonly metrics: ExtractorMetrics;
  readonly upstreams: readonly Upstream[];
  readonly clock: Clock;
}): Promise<void> {
  const { scope, config, database, client, serde, metrics, upstreams, clock } = parts;
  const { logger } = scope;
  const topicIds = await client.offsets.topicIds([topicNames.smartleadRaw, topicNames.lemlistRaw, topicNames.events]);
  const publisher = scope.use(await createPublisher(client, serde.codec(topicNames.deadLetters)), 'producer');
  const pressure = createPressure({ client, database, topicIds, metrics, logger });
  const bytes = createByteBudget(bytesInFlight);
  metrics.trackBytes(bytes.held);
  let failed = false;
  const onFailure = (error: unknown): void => {
    // What takes one chunk's database or broker takes the others' too: once is enough.
    if (!failed) scope.fail(error);
    failed = true;
  };

  const cutOff = new AbortController();
  scope.signal.addEventListener('abort', () => void setTimeout(() => cutOff.abort(), cutOffMs).unref(), { once: true });
  const codecs = { smartlead: serde.codec(topicNames.smartleadRaw), lemlist: serde.codec(topicNames.lemlistRaw) };
  const tools: ChunkTools = {
    database,
    publisher,
    codec: (platform) => codecs[platform],
    topicId: (topic) => topicIds.get(topic) ?? '',
    metrics,
    logger,
    clock,
    storeMessageBodies: config.STORE_MESSAGE_BODIES,
    lookBack: {
      overlapMs: config.DELTA_OVERLAP_HOURS * hourMs,
      lookbackMs: config.DELTA_LOOKBACK_DAYS * 24 * hourMs,
      backdatedMs: config.DELTA_BACKDATED_DAYS * 24 * hourMs,
    },
    random: Math.random,
    stopping: scope.signal,
    cutOff: cutOff.signal,
  };
  scope.loop('pressure', (signal) => pressure.watch(signal));
  const owner = `${hostname()}:${process.pid}`;
  for (const upstream of upstreams) {
    const name = `claims ${upstream.platform} ${upstream.accountId}`;
    const onBeat = (): void => scope.health.beat(name);
    scope.loop(name, async (signal) => {
      await claimStreams({ tools, upstream, owner, bytes, pressure, onBeat, onFailure }, signal);
      scope.health.retire(name);
    });
  }
}
