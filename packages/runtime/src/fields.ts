import { accessSync, constants } from 'node:fs';
import { isIP } from 'node:net';
import Type, { type Static, type TString } from 'typebox';
import type { FieldOptions } from './config.ts';
import { parseRateLimit, rateLimitExpected } from './rate-limit.ts';

const startStack = 'start the stack with `npm run up`, which writes the addresses to .full-sync/stack.env';

type TextOptions = FieldOptions & { readonly default?: string };

function isUrl(text: string, protocols: readonly string[]): boolean {
  const url = URL.parse(text);
  return url !== null && protocols.includes(url.protocol) && url.hostname !== '' && url.hash === '';
}

/** A text field with a check of its own; `options.expected` says in words what passes. */
function checkedText(check: (text: string) => boolean, options: TextOptions & { readonly expected: string }): TString {
  return Type.Refine(Type.String(options), check, () => options.expected);
}

/** An http or https URL, without fragment and without credentials in it. */
export function httpUrlText(options: TextOptions = {}): TString {
  return checkedText(
    (text) => isUrl(text, ['http:', 'https:']) && URL.parse(text)?.username === '' && URL.parse(text)?.password === '',
    { expected: 'a URL such as https://host/path, without user name and password', ...options },
  );
}

/** `N/Ts`, several joined by commas, or `off`; read it with `parseRateLimit`. */
export function rateLimitText(options: TextOptions = {}): TString {
  const reads = (text: string): boolean => {
    try {
      parseRateLimit(text);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  };
  return checkedText(reads, { expected: rateLimitExpected, ...options });
}

const hostPattern = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

/** An address or a name of this machine to listen at. */
export function hostText(options: TextOptions = {}): TString {
  return checkedText((text) => isIP(text) !== 0 || hostPattern.test(text), {
    expected: 'an IP address or a host name, without port, e.g. 127.0.0.1',
    ...options,
  });
}

/** The path of a file that this process can read; relative ones are taken from the working directory. */
export function readableFileText(options: TextOptions = {}): TString {
  const canRead = (path: string): boolean => {
    try {
      accessSync(path.trim(), constants.R_OK);
      return true;
    } catch {
      return false;
    }
  };
  return checkedText(canRead, { expected: 'the path of a file that can be read', ...options });
}

/** A TCP port, 0 meaning any free one. */
export function port(options: FieldOptions & { readonly default: number }) {
  return Type.Integer({ minimum: 0, maximum: 65_535, ...options });
}

/** A required or optional text that is never shown. */
export function secretText(options: FieldOptions = {}): TString {
  return Type.String({ secret: true, minLength: 1, ...options });
}

const brokerPattern = /^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})$/;

/** The brokers of `KAFKA_BROKERS`, as `host:port`; an empty list when the text is no such list. */
export function parseBrokers(text: string): readonly string[] {
  const brokers = text.split(',').map((broker) => broker.trim());
  const valid = brokers.every((broker) => {
    const portNumber = Number(brokerPattern.exec(broker)?.[1]);
    return portNumber >= 1 && portNumber <= 65_535;
  });
  return valid ? brokers : [];
}

/** Broker, its security, and the prefix of all topics and groups. */
export const kafkaConfig = {
  KAFKA_BROKERS: checkedText((text) => parseBrokers(text).length > 0, {
    expected: 'a comma list of host:port, e.g. 127.0.0.1:9092',
    hint: startStack,
  }),
  KAFKA_SSL: Type.Boolean({ default: false }),
  KAFKA_SASL_MECHANISM: Type.Optional(
    Type.Enum(['plain', 'scram-sha-256', 'scram-sha-512'], {
      lowerCase: true,
      needs: ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'],
    }),
  ),
  KAFKA_SASL_USERNAME: Type.Optional(Type.String({ needs: ['KAFKA_SASL_MECHANISM'] })),
  KAFKA_SASL_PASSWORD: Type.Optional(secretText({ needs: ['KAFKA_SASL_MECHANISM'] })),
  KAFKA_TOPIC_PREFIX: Type.String({
    default: '',
    pattern: /^[A-Za-z0-9._-]{0,100}$/,
    expected: 'up to 100 letters, digits, dots, underscores and hyphens',
  }),
};

/** Schema registry. */
export const registryConfig = {
  SCHEMA_REGISTRY_URL: httpUrlText({ hint: startStack }),
  SCHEMA_REGISTRY_USERNAME: Type.Optional(Type.String({ needs: ['SCHEMA_REGISTRY_PASSWORD'] })),
  SCHEMA_REGISTRY_PASSWORD: Type.Optional(secretText({ needs: ['SCHEMA_REGISTRY_USERNAME'] })),
};

/** Postgres; the URL holds a password and is treated as a secret. */
export const databaseConfig = {
  DATABASE_URL: checkedText((text) => isUrl(text, ['postgres:', 'postgresql:']), {
    expected: 'a URL such as postgres://user:password@host:5432/database',
    hint: startStack,
    secret: true,
  }),
  DATABASE_SCHEMA: Type.String({
    default: 'public',
    pattern: /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/,
    expected: 'a schema name of up to 63 lower-case letters, digits and underscores, not starting with pg_',
  }),
  DATABASE_POOL_MAX: Type.Integer({ default: 10, minimum: 1, maximum: 500 }),
};

/** Log level and form. */
export const logConfig = {
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    default: 'info',
    lowerCase: true,
  }),
  LOG_PRETTY: Type.Boolean({ default: false }),
};

/** What the program was built from. */
export const buildConfig = {
  BUILD_REVISION: Type.String({
    default: 'unknown',
    pattern: /^(?:[0-9a-f]{7,40}|unknown)$/,
    expected: 'a commit in hex, or unknown',
  }),
};

/** The project of the Mixpanel variables: the service writes to it, the api says whether there is one. */
export const mixpanelProjectConfig = {
  MIXPANEL_PROJECT_ID: Type.Optional(
    Type.String({ pattern: /^\d{1,19}$/, expected: 'the number of a project, such as 3000001' }),
  ),
};

/** `METRICS_HOST` and `<SERVICE>_METRICS_PORT`; port 0 takes a free one. */
export function metricsConfig<const Service extends string>(service: Service, defaultPort: number) {
  const name = `${service.toUpperCase()}_METRICS_PORT` as `${Uppercase<Service>}_METRICS_PORT`;
  return {
    METRICS_HOST: hostText({ default: '127.0.0.1' }),
    [name]: port({ default: defaultPort }),
  } as { METRICS_HOST: TString } & { [Name in `${Uppercase<Service>}_METRICS_PORT`]: ReturnType<typeof port> };
}

export type KafkaSettings = Readonly<Static<ReturnType<typeof Type.Object<typeof kafkaConfig>>>>;
export type RegistrySettings = Readonly<Static<ReturnType<typeof Type.Object<typeof registryConfig>>>>;
export type DatabaseSettings = Readonly<Static<ReturnType<typeof Type.Object<typeof databaseConfig>>>>;
export type BuildSettings = Readonly<Static<ReturnType<typeof Type.Object<typeof buildConfig>>>>;
export type LogSettings = Readonly<Static<ReturnType<typeof Type.Object<typeof logConfig>>>>;
