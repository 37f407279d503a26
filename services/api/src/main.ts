import { connectDatabase, meterQueries, migrate } from '@full-sync/database';
import { connectKafka, connectSerde } from '@full-sync/kafka';
import { loadNamespaceMentions, loadNamespaces, runService, systemClock } from '@full-sync/runtime';
import { destinationNames, platforms, topicNames } from '@full-sync/schemas';
import { openAccess } from './access.ts';
import { configSchema } from './config.ts';
import { deliverWebhooks } from './deliver-webhooks.ts';
import { followJobs } from './follow-jobs.ts';
import { createKeyers } from './keyers.ts';
import { createLetterReader } from './letter-reader.ts';
import { createApiMetrics, createLagInstruments } from './metrics.ts';
import { listen } from './listen.ts';
import { createResetPreparer } from './prepare-resets.ts';
import { publishReplays } from './publish-replays.ts';
import { openDeadLetterPositions, storeDeadLetters } from './store-dead-letters.ts';
import { sweep } from './sweep.ts';
import { watchLag } from './watch-lag.ts';
import { watchState } from './watch-state.ts';

await runService({
  name: 'api',
  schema: configSchema,
  start: async (scope, config) => {
    const { logger, health } = scope;
    const namespaces = loadNamespaces({ path: config.NAMESPACES_FILE, platforms, destinations: destinationNames });
    const metrics = createApiMetrics(scope.metrics);
    const db = scope.use(
      await connectDatabase({ config, applicationName: 'full-sync-api', metrics: scope.metrics }),
      'database pool',
    );
    const queries = meterQueries(db);
    const applied = await migrate(db);
    if (applied.length > 0) logger.info({ applied }, 'migrations applied');
    const access = await openAccess({ db, clock: systemClock, host: config.API_HOST });

    const client = scope.use(
      await connectKafka({ config, clientId: 'full-sync-api', logger, metrics: scope.metrics }),
      'kafka client',
    );
    await client.ensureTopics();
    const serde = await connectSerde({ config, named: client.named });
    const codec = serde.codec(topicNames.deadLetters);
    const letters = createLetterReader(serde);
    const onFailure = (error: Error): void => scope.fail(error);
    const storing = { client, db, codec, letters, metrics, health, onFailure };
    await openDeadLetterPositions(storing);
    scope.loop('dead letters', (signal) => storeDeadLetters(storing, signal));
    const rawCodecs = { smartlead: serde.codec(topicNames.smartleadRaw), lemlist: serde.codec(topicNames.lemlistRaw) };
    const replaying = { db, client, letters, rawCodecs, metrics, logger, health, clock: systemClock };
    scope.loop('replays', (signal) => publishReplays(replaying, signal));
    const resets = createResetPreparer({ db, clock: systemClock, logger });
    const following = { db, offsets: client.offsets, logger, metrics, health, resets, clock: systemClock };
    const delivering = { db, config, logger, metrics, health, clock: systemClock };
    scope.loop('webhooks', (signal) => deliverWebhooks(delivering, signal));
    scope.loop('sweeper', (signal) => sweep({ db, clock: systemClock }, signal));
    scope.loop('follower', (signal) => followJobs(following, signal));

    const telemetry = serde.codec(topicNames.telemetry);
    const control = serde.codec(topicNames.control);
    const keyers = createKeyers({ client, telemetry, control, clock: systemClock, onFailure });
    scope.loop('telemetry', keyers.follow);
    const instruments = createLagInstruments(scope.metrics);
    const lag = watchLag({ client, db, clock: systemClock, logger, instruments });
    scope.loop('lag', lag.watch);
    const state = watchState({ db, clock: systemClock, metrics });
    const context = {
      config,
      namespaces,
      mentions: loadNamespaceMentions(config.NAMESPACES_FILE),
      db,
      access,
      letters,
      keyers,
      queries,
      lag,
      state,
      clock: systemClock,
      logger,
      health,
      metrics: scope.metrics,
    };
    scope.use(await listen(context, metrics), 'http server');
    if (access.isOpen()) logger.warn('no API key exists: whoever can reach this port on loopback may start syncs');
  },
});
