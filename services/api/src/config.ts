import { webhookKeyOf } from '@full-sync/database';
import {
  databaseConfig,
  hostText,
  httpUrlText,
  kafkaConfig,
  mixpanelProjectConfig,
  port,
  rateLimitText,
  readableFileText,
  registryConfig,
  secretText,
} from '@full-sync/runtime';
import Type, { type Static } from 'typebox';

const probePaths = ['/livez', '/readyz', '/metrics'] as const;
const openPathsExpected = `a comma list of ${probePaths.join(', ')}, or none`;

/** The paths of `API_OPEN_PATHS`, or an empty list for `none`; null for a text that is neither. */
function readOpenPaths(text: string): readonly string[] | null {
  const paths = text.split(',').map((path) => path.trim());
  if (paths.join() === 'none') return [];
  return paths.every((path) => probePaths.some((known) => known === path)) ? paths : null;
}

/** The paths that are answered without a key. */
export function parseOpenPaths(text: string): readonly string[] {
  return readOpenPaths(text) ?? [];
}

const webhookSecretExpected = 'whsec_ and the base64 of 24 to 64 bytes';

/** Every variable that the api reads. */
export const configSchema = Type.Object({
  ...kafkaConfig,
  ...registryConfig,
  ...databaseConfig,
  API_HOST: hostText({ default: '127.0.0.1' }),
  API_PORT: port({ default: 3000 }),
  API_RATE_LIMIT: rateLimitText({ default: '600/60s' }),
  API_OPEN_PATHS: Type.Refine(
    Type.String({ default: probePaths.join(','), expected: openPathsExpected }),
    (text) => readOpenPaths(text) !== null,
    () => openPathsExpected,
  ),
  WEBHOOK_SECRET: Type.Optional(
    Type.Refine(
      secretText({ expected: webhookSecretExpected }),
      (secret) => webhookKeyOf(secret) !== null,
      () => webhookSecretExpected,
    ),
  ),
  WEBHOOK_ALLOW_PRIVATE: Type.Boolean({ default: false }),
  SMARTLEAD_API_KEY: Type.Optional(secretText()),
  SMARTLEAD_BASE_URL: httpUrlText({ default: 'https://server.smartlead.ai/api/v1' }),
  SMARTLEAD_RATE_LIMIT: rateLimitText({ default: '60/60s' }),
  LEMLIST_API_KEY: Type.Optional(secretText()),
  LEMLIST_BASE_URL: httpUrlText({ default: 'https://api.lemlist.com/api' }),
  LEMLIST_RATE_LIMIT: rateLimitText({ default: '20/2s' }),
  // Whether they are set decides what a job that asks for a destination is told; the destinations' services use them.
  ...mixpanelProjectConfig,
  MIXPANEL_SERVICE_ACCOUNT_USERNAME: Type.Optional(secretText()),
  MIXPANEL_SERVICE_ACCOUNT_SECRET: Type.Optional(secretText()),
  MIXPANEL_PROJECT_TOKEN: Type.Optional(secretText()),
  ATTIO_API_KEY: Type.Optional(secretText()),
  NAMESPACES_FILE: Type.Optional(readableFileText()),
});

export type ApiConfig = Readonly<Static<typeof configSchema>>;
