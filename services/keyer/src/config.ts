import { kafkaConfig, metricsConfig, registryConfig } from '@full-sync/runtime';
import Type from 'typebox';

/** Everything the keyer reads from its environment. */
export const configSchema = Type.Object({
  ...kafkaConfig,
  ...registryConfig,
  ...metricsConfig('keyer', 9103),
  STORE_MESSAGE_BODIES: Type.Boolean({ default: false }),
});
