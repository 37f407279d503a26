import {
  databaseConfig,
  httpUrlText,
  kafkaConfig,
  metricsConfig,
  mixpanelProjectConfig,
  readableFileText,
  registryConfig,
  secretText,
} from '@full-sync/runtime';
import Type from 'typebox';

/** The variables that the Mixpanel service reads. */
export const configSchema = Type.Object({
  ...kafkaConfig,
  ...registryConfig,
  ...databaseConfig,
  ...metricsConfig('MIXPANEL', 9105),
  ...mixpanelProjectConfig,
  MIXPANEL_SERVICE_ACCOUNT_USERNAME: Type.Optional(
    secretText({ needs: ['MIXPANEL_SERVICE_ACCOUNT_SECRET', 'MIXPANEL_PROJECT_ID'] }),
  ),
  MIXPANEL_SERVICE_ACCOUNT_SECRET: Type.Optional(secretText({ needs: ['MIXPANEL_SERVICE_ACCOUNT_USERNAME'] })),
  MIXPANEL_PROJECT_TOKEN: Type.Optional(secretText()),
  MIXPANEL_BASE_URL: httpUrlText({ default: 'https://api.mixpanel.com' }),
  MIXPANEL_PROFILES: Type.Boolean({ default: true }),
  NAMESPACES_FILE: Type.Optional(readableFileText()),
});
