import { startConsumer } from '@full-sync/destinations';
import { runService } from '@full-sync/runtime';
import { configSchema } from './config.ts';
import { keyOf, readKeys } from './keys.ts';
import { startAttio } from './start-attio.ts';

await runService({
  name: 'attio',
  schema: configSchema,
  metrics: (config) => ({ host: config.METRICS_HOST, port: config.ATTIO_METRICS_PORT }),
  start: async (scope, config) => {
    const keys = readKeys(config);
    const hasTarget = (namespace: string): boolean => keyOf(keys, namespace) !== null;
    await startConsumer(scope, config, { name: 'attio', hasTarget }, (parts) => startAttio(parts, config, keys));
  },
});
