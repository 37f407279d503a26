import {
  databaseConfig,
  httpUrlText,
  kafkaConfig,
  port,
  rateLimitText,
  registryConfig,
  secretText,
} from '@full-sync/runtime';
import Type, { type Static } from 'typebox';
import { isLoopbackHost } from './loopback.ts';

const loopbackOnly = 'a loopback address (127.0.0.1, ::1 or localhost), because no API key exists';

/** Every variable that the api reads. */
export const configSchema = Type.Object({
  ...kafkaConfig,
  ...registryConfig,
  ...databaseConfig,
  API_HOST: Type.Refine(
    Type.String({ default: '127.0.0.1', expected: loopbackOnly }),
    (host) => isLoopbackHost(host),
    () => loopbackOnly,
  ),
  API_PORT: port({ default: 3000 }),
  SMARTLEAD_API_KEY: Type.Optional(secretText()),
  SMARTLEAD_BASE_URL: httpUrlText({ default: 'https://server.smartlead.ai/api/v1' }),
  SMARTLEAD_RATE_LIMIT: rateLimitText({ default: '60/60s' }),
  LEMLIST_API_KEY: Type.Optional(secretText()),
  LEMLIST_BASE_URL: httpUrlText({ default: 'https://api.lemlist.com/api' }),
  LEMLIST_RATE_LIMIT: rateLimitText({ default: '20/2s' }),
});

export type ApiConfig = Readonly<Static<typeof configSchema>>;
