import { connectDatabase, migrate } from '@full-sync/database';
import { connectKafka, connectSerde, consumeBatches, createProducer } from '@full-sync/kafka';
import { runService, systemClock } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import { configSchema } from './config.ts';
import { createDeadLetters } from './dead-letters.ts';
import { LeadLedger } from './job-counts.ts';
import { loadBatch } from './load-batch.ts';
import type { LoaderParts } from './load-batch.ts';
import { createLoaderMetrics } from './metrics.ts';
import { createNormaliser } from './normalise.ts';
import { createPathChooser } from './path-chooser.ts';
import { createRowBuffers } from './row-buffers.ts';

const group = 'loader';
/** Two transactions at once keep two cores of Postgres busy; more only wait for each other. */
const concurrency = 2;
/** Beside those, one connection that ends a frozen holder of a position, and one that reads positions. */
const fewestConnections = concurrency + 2;

await runService({
  name: 'loader',
  schema: configSchema,
  metrics: (config) => ({ host: config.METRICS_HOST, port: config.LOADER_METRICS_PORT }),
  start: async (scope, config) => {
    const { logger } = scope;
    const poolMax = Math.max(fewestConnections, config.DATABASE_POOL_MAX);
    const db = scope.use(
      await connectDatabase({ config, applicationName: 'full-sync-loader', poolMax, metrics: scope.metrics }),
      'database',
    );
    await migrate(db);
    const client = scope.use(
      await connectKafka({ config, clientId: 'full-sync-loader', logger, metrics: scope.metrics }),
      'kafka',
    );
    await client.ensureTopics();
    const serde = await connectSerde({ config, named: client.named });
    const producer = scope.use(await createProducer(client), 'producer');
    const parts: LoaderParts = {
      db,
      client,
      group,
      logger,
      normalise: createNormaliser(serde.codec(topicNames.events)),
      deadLetters: createDeadLetters({
        producer,
        codec: serde.codec(topicNames.deadLetters),
        now: () => systemClock.now(),
      }),
      leads: new LeadLedger(),
      paths: createPathChooser(),
      borrowRows: createRowBuffers(),
      metrics: createLoaderMetrics(scope.metrics),
      now: () => systemClock.now(),
    };
    const consumer = await consumeBatches({
      client,
      group,
      topics: [topicNames.events],
      concurrency,
      maxBytesPerPartition: 1_048_576,
      maxBytes: 4_194_304,
      gapPolicy: 'handler',
      onBatch: (batch) => loadBatch(parts, batch),
      onBeat: () => scope.health.beat('consumer'),
      onFailure: (error) => scope.fail(error),
    });
    scope.use(consumer, 'consumer');
  },
});
