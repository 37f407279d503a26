import { startConsumer } from '@full-sync/destinations';
import { runService } from '@full-sync/runtime';
import { configSchema } from './config.ts';
import { allKeys, keyOf, readKeys } from './keys.ts';
import { startAttio } from './start-attio.ts';

await runService({
  name: 'attio',
  schema: configSchema,
  metrics: (config) => ({ host: config.METRICS_HOST, port: config.ATTIO_METRICS_PORT }),
  start: async (scope, config) => {
    const keys = readKeys(config);
    const hasTarget = (namespace: string): boolean => keyOf(keys, namespace) !== null;
    const consumer = { name: 'attio', hasTarget, severalTargets: allKeys(keys).length > 1 };
    await startConsumer(scope, config, consumer, (parts) => startAttio(parts, config, keys));
  },
});
