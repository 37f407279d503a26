import { databaseConfig, kafkaConfig, metricsConfig, registryConfig } from '@full-sync/runtime';
import Type from 'typebox';

/** The variables that the loader reads. */
export const configSchema = Type.Object({
  ...kafkaConfig,
  ...registryConfig,
  ...databaseConfig,
  ...metricsConfig('LOADER', 9104),
});
