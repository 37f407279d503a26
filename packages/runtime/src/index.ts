export { resting, systemClock, type Clock } from './clock.ts';
export { loadConfig, loadDotEnv, type FieldOptions } from './config.ts';
export {
  ConfigurationError,
  EnvironmentError,
  exitCodeOf,
  exitCodes,
  FullSyncError,
  type ConfigurationProblem,
  type FullSyncErrorOptions,
} from './errors.ts';
export {
  buildConfig,
  databaseConfig,
  hostText,
  httpUrlText,
  readableFileText,
  kafkaConfig,
  logConfig,
  metricsConfig,
  mixpanelProjectConfig,
  parseBrokers,
  port,
  rateLimitText,
  registryConfig,
  secretText,
  type DatabaseSettings,
  type KafkaSettings,
  type LogSettings,
  type RegistrySettings,
} from './fields.ts';
export { createHealth, type Health, type HealthReport } from './health.ts';
export { createLogger, type Logger, type LoggerSettings } from './logger.ts';
export { startMetricsServer, type MetricsServer, type MetricsServerSettings } from './metrics.ts';
export {
  loadNamespaceCredentials,
  loadNamespaceMentions,
  type CredentialField,
  type NamespaceCredentials,
  type NamespaceMentions,
} from './namespace-credentials.ts';
export { loadNamespaces, type NamespaceMap, type NamespaceSource } from './namespaces-file.ts';
export { parseRateLimit, type RateLimit } from './rate-limit.ts';
export { redactFields, redactText, redactUrl, rememberSecret } from './redact.ts';
export type { ServiceScope } from './scope.ts';
export { runService, type ServiceDefinition } from './service.ts';
