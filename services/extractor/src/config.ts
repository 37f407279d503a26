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
import Type, { type Static } from 'typebox';

/** Everything the extractor reads from its environment. */
export const configSchema = Type.Object({
  ...kafkaConfig,
  ...registryConfig,
  ...databaseConfig,
  ...metricsConfig('extractor', 9102),
  SMARTLEAD_API_KEY: Type.Optional(secretText()),
  SMARTLEAD_BASE_URL: httpUrlText({ default: 'https://server.smartlead.ai/api/v1' }),
  SMARTLEAD_RATE_LIMIT: rateLimitText({ default: '60/60s' }),
  LEMLIST_API_KEY: Type.Optional(secretText()),
  LEMLIST_BASE_URL: httpUrlText({ default: 'https://api.lemlist.com/api' }),
  LEMLIST_RATE_LIMIT: rateLimitText({ default: '20/2s' }),
  NAMESPACES_FILE: Type.Optional(readableFileText()),
  DELTA_OVERLAP_HOURS: Type.Integer({ default: 24, minimum: 0, maximum: 8_760 }),
  DELTA_LOOKBACK_DAYS: Type.Integer({ default: 45, minimum: 0, maximum: 3_650 }),
  DELTA_BACKDATED_DAYS: Type.Integer({ default: 7, minimum: 0, maximum: 3_650 }),
  STORE_MESSAGE_BODIES: Type.Boolean({ default: false }),
});

export type ExtractorConfig = Readonly<Static<typeof configSchema>>;
