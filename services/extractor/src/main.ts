import { connectDatabase, migrate } from '@full-sync/database';
import { connectKafka, connectSerde } from '@full-sync/kafka';
import { loadNamespaces, runService, systemClock } from '@full-sync/runtime';
import { destinationNames, platforms } from '@full-sync/schemas';
import { configSchema } from './config.ts';
import { startExtraction } from './extraction.ts';
import { createExtractorMetrics } from './metrics.ts';
import { openUpstreams } from './upstreams.ts';

await runService({
  name: 'extractor',
  schema: configSchema,
  metrics: (config) => ({ host: config.METRICS_HOST, port: config.EXTRACTOR_METRICS_PORT }),
  start: async (scope, config) => {
    const { logger } = scope;
    const namespaces = loadNamespaces({ path: config.NAMESPACES_FILE, platforms, destinations: destinationNames });
    const database = scope.use(
      await connectDatabase({ config, applicationName: 'full-sync-extractor', metrics: scope.metrics }),
      'database',
    );
    await migrate(database);
    const client = scope.use(
      await connectKafka({ config, clientId: 'full-sync-extractor', logger, metrics: scope.metrics }),
      'kafka',
    );
    await client.ensureTopics();
    const serde = await connectSerde({ config, named: client.named });
    const metrics = createExtractorMetrics(scope.metrics);
    const upstreams = await openUpstreams({ config, namespaces, database, metrics });
    for (const { http, platform } of upstreams) scope.use(http, `${platform} client`);
    if (upstreams.length === 0) logger.warn('no upstream key is set: nothing is extracted by this process');
    await startExtraction({ scope, config, database, client, serde, metrics, upstreams, clock: systemClock });
  },
});
