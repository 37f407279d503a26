import {
  databaseConfig,
  httpUrlText,
  kafkaConfig,
  metricsConfig,
  rateLimitText,
  readableFileText,
  registryConfig,
  secretText,
} from '@full-sync/runtime';
import Type from 'typebox';

/** The variables that the Attio service reads. */
export const configSchema = Type.Object({
  ...kafkaConfig,
  ...registryConfig,
  ...databaseConfig,
  ...metricsConfig('ATTIO', 9106),
  ATTIO_API_KEY: Type.Optional(secretText()),
  ATTIO_BASE_URL: httpUrlText({ default: 'https://api.attio.com/v2' }),
  ATTIO_RATE_LIMIT: rateLimitText({ default: '25/1s' }),
  ATTIO_ACTIVITIES: Type.Boolean({ default: false }),
  NAMESPACES_FILE: Type.Optional(readableFileText()),
});
