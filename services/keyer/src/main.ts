import { randomUUID } from 'node:crypto';
import { connectKafka, connectSerde, consumeBatches, createProducer } from '@full-sync/kafka';
import { runService, systemClock } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import { configSchema } from './config.ts';
import { followControl } from './follow-control.ts';
import { createKeyBatch } from './key-batch.ts';
import { checkLogStarts, watchLogStarts } from './log-start.ts';
import { createKeyerMetrics } from './metrics.ts';
import { consuming } from './raw-topics.ts';
import { createTelemetry } from './telemetry.ts';
import { createSightingWindow } from './window.ts';

await runService({
  name: 'keyer',
  schema: configSchema,
  metrics: (config) => ({ host: config.METRICS_HOST, port: config.KEYER_METRICS_PORT }),
  start: async (scope, config) => {
    const { logger } = scope;
    const client = scope.use(
      await connectKafka({ config, clientId: 'full-sync-keyer', logger, metrics: scope.metrics }),
      'kafka',
    );
    await client.ensureTopics();
    const serde = await connectSerde({ config, named: client.named });
    const producer = scope.use(await createProducer(client), 'producer');
    await checkLogStarts(client);
    scope.loop('log start', (signal) => watchLogStarts(client, systemClock, signal));
    const window = createSightingWindow();
    const onBatch = createKeyBatch({
      producer,
      serde,
      window,
      metrics: createKeyerMetrics(scope.metrics, window.size),
      strip: { storeMessageBodies: config.STORE_MESSAGE_BODIES },
      clock: systemClock,
    });
    const onFailure = (error: Error): void => scope.fail(error);
    const telemetry = createTelemetry({
      producer,
      codec: serde.codec(topicNames.telemetry),
      window,
      instance: randomUUID(),
      clock: systemClock,
    });
    scope.loop('telemetry', telemetry.run);
    const codec = serde.codec(topicNames.control);
    scope.use(await followControl({ client, codec, window, telemetry, logger, onFailure }), 'control follower');
    const consumer = await consumeBatches({
      ...consuming,
      client,
      onBatch,
      onBeat: () => scope.health.beat('consumer'),
      onFailure,
    });
    scope.use(consumer, 'consumer');
  },
});
