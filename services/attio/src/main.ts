import { startConsumer } from '@full-sync/destinations';
import { runService } from '@full-sync/runtime';
import { configSchema } from './config.ts';
import { startAttio } from './start-attio.ts';

await runService({
  name: 'attio',
  schema: configSchema,
  metrics: (config) => ({ host: config.METRICS_HOST, port: config.ATTIO_METRICS_PORT }),
  start: async (scope, config) => {
    const keys = { byNamespace: new Map<string, string | null>(), others: config.ATTIO_API_KEY ?? null };
    await startConsumer(scope, config, { name: 'attio' }, (parts) => startAttio(parts, config, keys));
  },
});
